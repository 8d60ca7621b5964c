import django.contrib.postgres.fields
from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import RangeOperators
from django.contrib.postgres.indexes import GinIndex
from django.contrib.postgres.operations import CITextExtension, HStoreExtension
from django.db import migrations, models
from django.db.models import F, Q
from django.db.models.functions import Lower


def spoken():
    return {"plain": "word", 'a "b"': None, "c": "d'e"}


class Migration(migrations.Migration):
    dependencies = [("shop", "0003_renames")]
    operations = [
        HStoreExtension(),
        CITextExtension(),
        CITextExtension(),
        migrations.AddField(
            "label",
            "words",
            django.contrib.postgres.fields.ArrayField(
                models.CharField(max_length=20), default=list
            ),
        ),
        migrations.AddField("label", "extra", django.contrib.postgres.fields.HStoreField(default=dict)),
        migrations.AddField("label", "spoken", django.contrib.postgres.fields.HStoreField(default=spoken)),
        migrations.AddIndex("label", GinIndex(fields=["words"], name="label_words_gin")),
        migrations.AddIndex("order", models.Index(Lower("region"), name="order_region_lower")),
        migrations.AddConstraint(
            "order",
            ExclusionConstraint(
                name="order_once",
                expressions=[("number", RangeOperators.EQUAL), ("region", RangeOperators.EQUAL)],
                condition=Q(number__gt=0),
            ),
        ),
        migrations.RunSQL(
            "ALTER TABLE shop_order ADD COLUMN legacy int UNIQUE CHECK (legacy > 0)",
            state_operations=[
                migrations.AddField("order", "legacy", models.IntegerField(null=True, unique=True)),
            ],
        ),
        migrations.AlterField("order", "legacy", models.IntegerField(null=True)),
        migrations.RemoveField("order", "legacy"),
        migrations.RemoveConstraint("order", "order_once"),
    ]
