import os

from django.db import migrations, models

TITLES = {"a": os.getcwd}


class Loud(models.Manager):
    use_in_migrations = True

    def get_queryset(self):
        os._exit(7)


def condition(apps, schema_editor):
    Volume = apps.get_model("library", "Volume")
    if Volume.objects.exists():
        Volume.objects.update(title="")


def made_elsewhere(apps, schema_editor):
    Volume = apps.get_model("library", "Volume")
    Volume.objects.update(title=os.getcwd())


def of_row(apps, schema_editor):
    Author = apps.get_model("library", "Author")
    Volume = apps.get_model("library", "Volume")
    Volume.objects.filter(pages=1).update(author=Author.objects.first())


def of_new_row(apps, schema_editor):
    Author = apps.get_model("library", "Author")
    Volume = apps.get_model("library", "Volume")
    ann = Author.objects.create(name="Ann")
    Volume.objects.create(title="x", author=ann)


def own_manager(apps, schema_editor):
    apps.get_model("library", "Poster").objects.update(title="x")


def sliced(apps, schema_editor):
    apps.get_model("library", "Volume").objects.all()[:5].delete()


def other_database(apps, schema_editor):
    apps.get_model("library", "Volume").objects.using("other").update(title="")


def wrong_field(apps, schema_editor):
    apps.get_model("library", "Volume").objects.update(colour="red")


def fetches(apps, schema_editor):
    volume = apps.get_model("library", "Volume").objects.get(pk=1)
    volume.title = "x"
    volume.save()


def calls_back(apps, schema_editor):
    apps.get_model("library", "Volume").objects.update(title="")
    print("done")


class Migration(migrations.Migration):
    dependencies = [("library", "0002_read")]
    operations = [
        migrations.CreateModel(
            "Poster",
            [("id", models.BigAutoField(primary_key=True)), ("title", models.TextField())],
            managers=[("objects", Loud())],
        ),
        *(migrations.RunPython(code) for code in (condition, made_elsewhere, of_row, of_new_row, own_manager)),
        *(migrations.RunPython(code) for code in (sliced, other_database, wrong_field, fetches, calls_back)),
    ]
