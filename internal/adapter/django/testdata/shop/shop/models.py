from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models


class Label(models.Model):
    slug = models.SlugField()
    words = ArrayField(models.CharField(max_length=20), default=list)


class Item(models.Model):
    sku = models.CharField(max_length=30, db_column="stock_code")
    price = models.DecimalField(max_digits=12, decimal_places=2)
    labels = models.ManyToManyField(Label, through="Sticker")

    class Meta:
        db_table = "shop_article"


class Sticker(models.Model):
    item = models.ForeignKey(Item, models.CASCADE)
    label = models.ForeignKey(Label, models.CASCADE)


class Order(models.Model):
    number = models.IntegerField()
    buyer = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE)
    items = models.ManyToManyField(Item)
    state = models.CharField(max_length=10, default="new")
    note = models.TextField(null=True)
