from django.contrib.postgres.functions import RandomUUID
from django.db import models


class Ticket(models.Model):
    note = models.TextField()
    token = models.UUIDField(db_default=RandomUUID())


class Parcel(models.Model):
    note = models.TextField()
    carrier = models.CharField(max_length=20)


class Customer(models.Model):
    country = models.CharField(max_length=2)


class Stock(models.Model):
    count = models.IntegerField()

    class Meta:
        constraints = [models.CheckConstraint(condition=models.Q(count__gte=0), name="stock_count_gte_0")]


class Order(models.Model):
    customer = models.ForeignKey(Customer, models.CASCADE)


class Coupon(models.Model):
    code = models.CharField(max_length=20, unique=True)


class Country(models.Model):
    code = models.CharField(max_length=20, primary_key=True)


class Event(models.Model):
    at = models.DateTimeField()

    class Meta:
        indexes = [models.Index(fields=["at"], name="event_at_idx")]


class Visit(models.Model):
    hits = models.BigIntegerField()


class Author(models.Model):
    full_name = models.TextField()


class Product(models.Model):
    title = models.TextField()


class Note(models.Model):
    text = models.TextField()
