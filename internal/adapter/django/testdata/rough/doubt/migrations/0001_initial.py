from django.db import migrations, models


class Migration(migrations.Migration):
    operations = [
        migrations.CreateModel(
            "Egg",
            [
                ("id", models.BigAutoField(primary_key=True)),
                ("name", models.CharField(max_length=9, unique=True)),
                ("size", models.IntegerField(unique=True)),
            ],
        ),
        migrations.AlterField("egg", "name", models.CharField(max_length=9)),
        migrations.RunSQL("DO $$ BEGIN EXECUTE 'ALTER TABLE doubt_egg DROP CONSTRAINT ' || 'x'; END $$"),
        # Which constraint is to be dropped only a database can tell.
        migrations.AlterField("egg", "size", models.IntegerField()),
        migrations.AddField("egg", "color", models.TextField(null=True)),
        migrations.SeparateDatabaseAndState(
            state_operations=[
                migrations.CreateModel(
                    "Old",
                    [
                        ("id", models.BigAutoField(primary_key=True)),
                        ("code", models.IntegerField(unique=True)),
                    ],
                ),
            ]
        ),
        migrations.AlterField("old", "code", models.IntegerField()),
    ]
