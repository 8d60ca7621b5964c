from django.db import migrations

from .shared import operations


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("custom", "0001_initial")]
    operations = operations()
