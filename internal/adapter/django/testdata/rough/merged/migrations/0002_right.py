from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("merged", "0001_initial")]
    operations = [migrations.AddField("crate", "right", models.IntegerField(null=True))]
