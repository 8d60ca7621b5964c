import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("shop", "0005_order_channel")]
    operations = [
        migrations.CreateModel(
            name="Warehouse",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("country", models.CharField(max_length=2)),
            ],
        ),
        migrations.AddField(
            model_name="order",
            name="warehouse",
            field=models.ForeignKey(
                null=True, on_delete=django.db.models.deletion.PROTECT, to="shop.warehouse"
            ),
        ),
        migrations.AlterField(
            model_name="order",
            name="ship_country",
            field=models.CharField(default="", max_length=2),
        ),
    ]
