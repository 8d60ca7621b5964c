from django.db import migrations, models


class Migration(migrations.Migration):
    initial = True
    dependencies = []
    operations = [
        migrations.CreateModel("Box", [("id", models.BigAutoField(primary_key=True)), ("size", models.IntegerField())]),
    ]
