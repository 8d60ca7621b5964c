from django.db import migrations, models
from django.db.models import Q


class Migration(migrations.Migration):
    dependencies = [("shop", "0001_initial")]
    operations = [
        # varchar and text columns have a second, _like index.
        migrations.AlterField("product", "code", models.CharField(max_length=20)),
        migrations.AlterField("product", "code", models.CharField(max_length=20, db_index=True)),
        migrations.AlterField("product", "code", models.CharField(max_length=30, unique=True)),
        migrations.AlterField("product", "code", models.CharField(max_length=30)),
        migrations.AlterField("product", "rank", models.PositiveIntegerField()),
        migrations.AlterField("product", "rank", models.BigIntegerField(null=True)),
        migrations.AlterField("product", "price", models.DecimalField(max_digits=12, decimal_places=2)),
        migrations.AlterField("tag", "slug", models.SlugField(db_index=False)),
        migrations.AlterField("tag", "slug", models.SlugField(unique=True)),
        migrations.AlterUniqueTogether("order", {("number", "region"), ("number", "buyer")}),
        migrations.AlterUniqueTogether("order", {("number", "buyer")}),
        migrations.AlterUniqueTogether("order", set()),
        migrations.AddConstraint(
            "order",
            models.UniqueConstraint(
                fields=["number"], condition=Q(region="50%"), name="order_number_local"
            ),
        ),
        migrations.AddIndex("order", models.Index(fields=["region", "-number"], name="order_rn_idx")),
        migrations.AddField(
            "order", "state", models.CharField(max_length=10, default="5% 'q'")
        ),
        migrations.AddField("order", "note", models.TextField(null=True)),
        migrations.AddField("order", "weight", models.FloatField(default=-1.5)),
        migrations.RemoveField("order", "weight"),
        migrations.AlterField("order", "note", models.TextField(default="", null=False)),
        migrations.AlterField("order", "note", models.TextField(null=True)),
        migrations.RemoveConstraint("order", "order_number_local"),
        migrations.AlterModelOptions("order", {"ordering": ["number"]}),
    ]
