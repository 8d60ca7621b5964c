from django.db import migrations, models


class Migration(migrations.Migration):
    initial = True
    operations = [
        migrations.CreateModel(
            "Book",
            [
                ("id", models.BigAutoField(primary_key=True)),
                ("title", models.TextField()),
                ("isbn", models.CharField(max_length=20, unique=True)),
            ],
        ),
        migrations.CreateModel("Tag", [("id", models.BigAutoField(primary_key=True))], options={"db_table": "tags"}),
    ]
