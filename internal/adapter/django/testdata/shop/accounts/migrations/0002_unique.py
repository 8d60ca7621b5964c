from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("accounts", "0001_initial"), ("shop", "0001_initial")]
    operations = [
        migrations.AlterField("User", "email", models.EmailField(max_length=200, unique=True)),
        migrations.AlterField("Team", "name", models.CharField(max_length=40, unique=True)),
        # Incoming foreign keys, an M2M table and an inherited key follow this one.
        migrations.AlterField("User", "id", models.BigAutoField(primary_key=True, serialize=False)),
        migrations.AlterField("Team", "id", models.BigAutoField(primary_key=True, serialize=False)),
    ]
