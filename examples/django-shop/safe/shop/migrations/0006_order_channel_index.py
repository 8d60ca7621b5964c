from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("shop", "0005_order_channel")]
    operations = [
        AddIndexConcurrently(
            model_name="order",
            index=models.Index(fields=["channel", "placed_at"], name="order_channel_idx"),
        ),
    ]
