from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("broken", "0004_missing"), ("broken", "0006_cycle")]
    operations = [migrations.AddField("cup", "one", models.IntegerField(null=True))]
