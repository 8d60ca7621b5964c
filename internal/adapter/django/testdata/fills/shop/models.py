from django.db import models


class Book(models.Model):
    title = models.TextField()
    isbn = models.CharField(max_length=20, unique=True)
    kind = models.CharField(max_length=9, null=True, db_column="of_kind")
    language = models.CharField(max_length=5, null=True)


class Tag(models.Model):
    class Meta:
        db_table = "tags"
