from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("broken", "0005_cycle")]
    operations = [migrations.AddField("cup", "two", models.IntegerField(null=True))]
