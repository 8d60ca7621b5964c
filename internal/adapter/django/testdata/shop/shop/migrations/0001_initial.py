import django.db.models.deletion
from django.conf import settings
from django.contrib.postgres.operations import BtreeGistExtension
from django.db import migrations, models


class Migration(migrations.Migration):
    initial = True
    dependencies = [("accounts", "0001_initial")]
    operations = [
        BtreeGistExtension(),
        migrations.CreateModel(
            name="Tag",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("slug", models.SlugField()),
            ],
        ),
        migrations.CreateModel(
            name="Product",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("code", models.CharField(max_length=20, db_index=True)),
                ("price", models.DecimalField(max_digits=8, decimal_places=2)),
                ("rank", models.PositiveIntegerField(unique=True)),
            ],
        ),
        migrations.CreateModel(
            name="Order",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("number", models.IntegerField()),
                ("region", models.CharField(max_length=5)),
                (
                    "buyer",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, to=settings.AUTH_USER_MODEL
                    ),
                ),
                ("products", models.ManyToManyField(to="shop.Product")),
            ],
            options={"unique_together": {("number", "region")}},
        ),
        migrations.CreateModel(
            name="Sticker",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                (
                    "product",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, to="shop.product"
                    ),
                ),
                (
                    "tag",
                    models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, to="shop.tag"),
                ),
            ],
        ),
        migrations.AddField(
            "product", "tags", models.ManyToManyField(through="shop.Sticker", to="shop.tag")
        ),
    ]
