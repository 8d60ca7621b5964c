from django.db import migrations, models


class Migration(migrations.Migration):
    """Takes the place of two leaves: where both are applied, there is nothing to do."""

    replaces = [("merged", "0002_left"), ("merged", "0002_right")]
    dependencies = [("merged", "0001_initial")]
    operations = [
        migrations.AddField("crate", "left", models.IntegerField(null=True)),
        migrations.AddField("crate", "right", models.IntegerField(null=True)),
    ]
