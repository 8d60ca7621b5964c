from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("shop", "0004_customer_full_name")]
    operations = [
        migrations.AddField(
            model_name="order",
            name="channel",
            field=models.CharField(default="web", max_length=10),
        ),
        migrations.AddIndex(
            model_name="order",
            index=models.Index(fields=["channel", "placed_at"], name="order_channel_idx"),
        ),
    ]
