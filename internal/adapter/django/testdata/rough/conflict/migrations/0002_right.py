from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("conflict", "0001_initial")]
    operations = [migrations.AddField("road", "right", models.IntegerField(null=True))]
