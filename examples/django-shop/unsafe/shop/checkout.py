from django.db import transaction
from django.db.models import F

from shop.models import Order, OrderItem, StockLevel


@transaction.atomic
def place_order(customer, lines, warehouse, channel="web", ship_country=""):
    """Stores an order of {product: quantity} and takes the goods from a warehouse."""
    order = Order.objects.create(
        customer=customer, channel=channel, warehouse=warehouse, ship_country=ship_country
    )
    for product, quantity in lines.items():
        OrderItem.objects.create(
            order=order, product=product, quantity=quantity, price_cents=product.price_cents
        )
        StockLevel.objects.filter(product=product, warehouse=warehouse).update(
            quantity=F("quantity") - quantity
        )
    return order
