from django.db import migrations, models


class Migration(migrations.Migration):
    operations = [
        migrations.CreateModel("Plan", [("id", models.BigAutoField(primary_key=True)), ("name", models.TextField())]),
        migrations.CreateModel("Detailed", [("size", models.IntegerField())], bases=("heirs.plan",)),
        # Django does not render what derives from it anew.
        migrations.DeleteModel("Plan"),
        migrations.DeleteModel("Detailed"),
    ]
