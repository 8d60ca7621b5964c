import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    initial = True
    operations = [
        migrations.CreateModel(
            "Author",
            [
                ("id", models.BigAutoField(primary_key=True)),
                ("name", models.CharField(max_length=40)),
                ("born", models.IntegerField(null=True)),
            ],
        ),
        migrations.CreateModel(
            "Volume",
            [
                ("id", models.BigAutoField(primary_key=True)),
                ("title", models.CharField(max_length=40, default="untitled")),
                ("pages", models.IntegerField(default=0, db_column="page_count")),
                ("author", models.ForeignKey("library.author", django.db.models.deletion.CASCADE)),
                ("reviewer", models.ForeignKey("library.author", django.db.models.deletion.SET_NULL, null=True, related_name="+")),
            ],
        ),
    ]
