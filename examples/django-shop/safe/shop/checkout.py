from django.db import transaction

from shop.models import Order, OrderItem


@transaction.atomic
def place_order(customer, lines, channel="web", ship_country=None):
    """Stores an order of {product: quantity}. The warehouse counts its goods itself."""
    order = Order.objects.create(customer=customer, channel=channel, ship_country=ship_country)
    for product, quantity in lines.items():
        OrderItem.objects.create(
            order=order, product=product, quantity=quantity, price_cents=product.price_cents
        )
    return order
