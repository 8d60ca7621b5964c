from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("broken", "0003_syntax"), ("conflict", "0009_no_such"), ("uninstalled", "__first__")]
    operations = [
        migrations.AddField("cup", "volume", models.IntegerField(null=True)),
        migrations.AddField("no_such_model", "volume", models.IntegerField(null=True)),
    ]
