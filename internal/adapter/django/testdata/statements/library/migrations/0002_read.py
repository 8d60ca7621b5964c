from django.db import migrations, models
from django.db.models import F, Q

GENRES = [("poems", 1), ("plays", 2)]


def filtered(apps, schema_editor):
    Volume = apps.get_model("library", "Volume")
    Volume.objects.filter(title="draft", pages__gt=10).exclude(title__startswith="The").update(title="done", pages=F("pages") + 1)


def through_key(apps, schema_editor):
    """A join becomes a subquery."""
    volumes = apps.get_model("library.Volume").objects.using(schema_editor.connection.alias)
    volumes.filter(Q(author__name="Ann") | ~Q(reviewer=None)).update(reviewer_id=None)


def seeds(apps, editor):
    if editor.connection.vendor != "postgresql":
        return
    Author = apps.get_model("library", "Author")
    for name, born in GENRES:
        Author.objects.create(name=name, born=1900 + born)
    last = Author(name="last % one")
    last.save()


def leaves(apps, schema_editor):
    apps.get_model("library", "Volume").objects.filter(pages__in=[1, 2]).delete()


def many(apps, schema_editor):
    Volume = apps.get_model("library", "Volume")
    Volume.objects.bulk_create([Volume(title="first", author_id=1), Volume(title="second", author_id=1)])


def cascades(apps, schema_editor):
    apps.get_model("library", "Author").objects.filter(name="Bob").delete()


def finds(apps, schema_editor):
    apps.get_model("library", "Author").objects.get_or_create(name="Carl", defaults={"born": 1950})


def nothing(apps, schema_editor):
    apps.get_model("library", "Author").objects.filter(pk__in=[]).update(name="")


class Migration(migrations.Migration):
    dependencies = [("library", "0001_initial")]
    operations = [migrations.RunPython(code) for code in (filtered, through_key, seeds, leaves, many, cascades, finds, nothing)]
