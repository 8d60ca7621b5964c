from django.db import migrations, models


class Migration(migrations.Migration):
    initial = True
    replaces = [("squashed", "0001_initial"), ("squashed", "0002_size")]
    dependencies = []
    operations = [
        migrations.CreateModel("Box", [("id", models.BigAutoField(primary_key=True)), ("width", models.IntegerField())]),
    ]
