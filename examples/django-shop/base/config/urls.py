from django.urls import path

from shop import views

urlpatterns = [
    path("products", views.products),
    path("customers/<int:customer_id>/orders", views.orders),
]
