from django.db import migrations, models
from django.db.models.functions import Now


class Migration(migrations.Migration):
    initial = True
    operations = [
        migrations.CreateModel(
            name="Meter",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("value", models.IntegerField()),
            ],
        ),
        migrations.AddField("meter", "at", models.DateTimeField(db_default=Now())),
        migrations.AddField(
            "meter",
            "double",
            models.GeneratedField(
                expression=models.F("value") * 2, output_field=models.IntegerField(), db_persist=True
            ),
        ),
        migrations.AddField("meter", "unit", models.CharField(max_length=9, db_default="k%h")),
        migrations.AlterField("meter", "unit", models.CharField(max_length=9, db_default="W")),
        migrations.AlterField("meter", "unit", models.CharField(max_length=9, db_default="k%h")),
    ]
