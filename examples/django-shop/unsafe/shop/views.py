from django.http import JsonResponse
from django.shortcuts import get_object_or_404

from shop.models import Customer, Product


def products(request):
    in_stock = Product.objects.filter(stocklevel__quantity__gt=0).distinct().order_by("title")
    return JsonResponse({"products": list(in_stock.values("sku", "title", "price_cents"))})


def orders(request, customer_id):
    customer = get_object_or_404(Customer, pk=customer_id)
    return JsonResponse(
        {
            "customer": customer.full_name,
            "orders": list(customer.order_set.values("id", "status", "placed_at")),
        }
    )
