from django.db import migrations, models


def renames(apps, schema_editor):
    print(schema_editor)
    Book = apps.get_model("shop", "Book")
    Book.objects.filter(kind="paper", isbn="1").update(kind="print")


def several(apps, schema_editor):
    print(schema_editor)
    books = apps.get_model("shop", "Book").objects.using("default").filter(kind__in=["novel", "tale"])
    books = books.filter(language="en")
    books.exclude(isbn="2").update(kind="fiction", language=None, title="x")


def other_field(apps, schema_editor):
    print(schema_editor)
    apps.get_model("shop", "Book").objects.filter(title="paper").update(kind="print")


def computed(apps, schema_editor):
    print(schema_editor)
    for old, new in (("a", "b"),):
        apps.get_model("shop", "Book").objects.filter(kind=old).update(kind=new)


def not_these(apps, schema_editor):
    print(schema_editor)
    apps.get_model("shop", "Book").objects.exclude(kind="paper").update(kind="print")


class Migration(migrations.Migration):
    dependencies = [("shop", "0002_fills")]
    operations = [
        migrations.AddField("book", "kind", models.CharField(max_length=9, null=True, db_column="of_kind")),
        *(migrations.RunPython(code) for code in (renames, several, other_field, computed, not_these)),
    ]
