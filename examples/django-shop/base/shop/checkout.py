from django.db import transaction
from django.db.models import F

from shop.models import Order, OrderItem, Product


@transaction.atomic
def place_order(customer, lines, ship_country=None):
    """Stores an order of {product: quantity} and takes the goods from stock."""
    order = Order.objects.create(customer=customer, ship_country=ship_country)
    for product, quantity in lines.items():
        OrderItem.objects.create(
            order=order, product=product, quantity=quantity, price_cents=product.price_cents
        )
        Product.objects.filter(pk=product.pk).update(stock=F("stock") - quantity)
    return order
