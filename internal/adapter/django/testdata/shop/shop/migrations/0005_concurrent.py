from django.contrib.postgres.operations import AddIndexConcurrently, RemoveIndexConcurrently
from django.db import migrations, models


def fill(apps, schema_editor):
    raise SystemExit("code of a migration must not run while rendering")


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("shop", "0004_postgres")]
    operations = [
        AddIndexConcurrently("order", models.Index(fields=["note"], name="order_note_idx")),
        RemoveIndexConcurrently("order", "order_rn_idx"),
        migrations.RunPython(fill, atomic=True),
        migrations.AlterField("order", "region", models.CharField(max_length=8, db_index=True)),
    ]
