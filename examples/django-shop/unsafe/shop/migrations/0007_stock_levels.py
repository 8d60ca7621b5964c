import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("shop", "0006_warehouses")]
    operations = [
        migrations.CreateModel(
            name="StockLevel",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("quantity", models.IntegerField(default=0)),
                ("product", models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, to="shop.product")),
                ("warehouse", models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, to="shop.warehouse")),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(fields=["product", "warehouse"], name="one_stock_level"),
                ],
            },
        ),
        migrations.RemoveField(model_name="product", name="stock"),
    ]
