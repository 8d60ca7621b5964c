from django.db import models
from django.db.models.functions import Now


class Meter(models.Model):
    value = models.IntegerField()
    at = models.DateTimeField(db_default=Now())
    double = models.GeneratedField(
        expression=models.F("value") * 2, output_field=models.IntegerField(), db_persist=True
    )
    unit = models.CharField(max_length=9, db_default="k%h")
