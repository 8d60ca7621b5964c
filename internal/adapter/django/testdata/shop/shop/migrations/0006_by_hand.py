from django.db import migrations, models

DROP = """
    ALTER TABLE shop_order
        DROP COLUMN region
"""


class Migration(migrations.Migration):
    dependencies = [("shop", "0005_concurrent")]
    operations = [
        migrations.RunSQL(
            """
            UPDATE shop_order SET note = '100%' WHERE note IS NULL;
            ALTER TABLE shop_order ADD COLUMN extra int;
            """,
            reverse_sql=migrations.RunSQL.noop,
        ),
        migrations.RunSQL(
            [
                "ALTER TABLE shop_order DROP COLUMN extra",
                ("UPDATE shop_order SET note = %s, state = %s", ["it's 5%", None]),
            ]
        ),
        migrations.RunSQL(migrations.RunSQL.noop),
        migrations.SeparateDatabaseAndState(
            database_operations=[
                migrations.RunSQL(DROP),
                migrations.AddIndex(
                    "order", models.Index(fields=["state"], name="order_state_idx")
                ),
            ],
            state_operations=[migrations.RemoveField("order", "region")],
        ),
        migrations.SeparateDatabaseAndState(
            state_operations=[
                migrations.AddIndex(
                    "order", models.Index(fields=["state"], name="order_state_idx")
                ),
            ]
        ),
        migrations.AlterField("order", "state", models.CharField(max_length=10, default="new")),
    ]
