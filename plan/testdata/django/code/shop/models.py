from django.db import models


class Ticket(models.Model):
    note = models.TextField()
    code = models.CharField(max_length=20)


class Parcel(models.Model):
    note = models.TextField()
    size = models.IntegerField(db_default=5)

    class Meta:
        indexes = [models.Index(fields=["size"], name="parcel_size")]



class Customer(models.Model):
    country = models.CharField(max_length=2, null=True)


class Stock(models.Model):
    count = models.IntegerField()


class Order(models.Model):
    customer = models.ForeignKey(Customer, models.CASCADE, db_constraint=False)


class Coupon(models.Model):
    code = models.CharField(max_length=20)


class Country(models.Model):
    code = models.CharField(max_length=20)


class Event(models.Model):
    at = models.DateTimeField()


class Visit(models.Model):
    hits = models.IntegerField()


class Author(models.Model):
    name = models.TextField()


class Item(models.Model):
    title = models.TextField()


class Note(models.Model):
    text = models.TextField()
    whole = models.TextField(null=True)
