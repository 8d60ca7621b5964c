from django.db import migrations, models


def operations():
    return [
        migrations.RunSQL("SET lock_timeout = '1s'; CREATE INDEX CONCURRENTLY leaf_both ON custom_leaf (name, id)"),
        migrations.AddField("leaf", "weight", models.FloatField(default=1.5)),
    ]
