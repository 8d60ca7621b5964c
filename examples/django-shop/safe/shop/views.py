from django.http import JsonResponse
from django.shortcuts import get_object_or_404

from shop.models import Customer, Product


def products(request):
    catalogue = Product.objects.order_by("title")
    return JsonResponse({"products": list(catalogue.values("sku", "title", "price_cents"))})


def orders(request, customer_id):
    customer = get_object_or_404(Customer, pk=customer_id)
    return JsonResponse(
        {
            "customer": str(customer),
            "orders": list(customer.order_set.values("id", "status", "placed_at")),
        }
    )
