from django.db import migrations, models


def noisy(apps, schema_editor):
    raise SystemExit("code of a migration must not run while rendering")


class Migration(migrations.Migration):
    dependencies = [("accounts", "0002_unique")]
    operations = [
        migrations.RenameField("User", "name", "full_name"),
        migrations.AlterField("User", "full_name", models.TextField(default="", blank=True)),
        migrations.AlterField("User", "age", models.PositiveIntegerField(null=True, default=7)),
        migrations.AlterField("User", "age", models.PositiveIntegerField(default=7)),
        migrations.AlterField("User", "age", models.IntegerField(default=7)),
        migrations.RemoveField("User", "age"),
        migrations.RunPython(noisy, migrations.RunPython.noop),
        migrations.RunPython(migrations.RunPython.noop),
        migrations.CreateModel(
            name="Manager",
            fields=[],
            options={"proxy": True, "indexes": [], "constraints": []},
            bases=("accounts.user",),
        ),
    ]
