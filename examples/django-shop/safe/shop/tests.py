from django.test import TestCase

from shop.checkout import place_order
from shop.models import Customer, OrderItem, Product


class ShopTest(TestCase):
    @classmethod
    def setUpTestData(cls):
        cls.customer = Customer.objects.create(email="ada@example.org", name="Ada", full_name="Ada Shop")
        cls.tea = Product.objects.create(sku="TEA", title="Tea", price_cents=450)

    def test_place_order(self):
        order = place_order(self.customer, {self.tea: 3}, channel="app")
        self.assertEqual(OrderItem.objects.get(order=order).quantity, 3)

    def test_products(self):
        reply = self.client.get("/products")
        self.assertEqual([p["sku"] for p in reply.json()["products"]], ["TEA"])

    def test_orders(self):
        place_order(self.customer, {self.tea: 1})
        reply = self.client.get(f"/customers/{self.customer.pk}/orders").json()
        self.assertEqual(reply["customer"], "Ada Shop")
        self.assertEqual(len(reply["orders"]), 1)
