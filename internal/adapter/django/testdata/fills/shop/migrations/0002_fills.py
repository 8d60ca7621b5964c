import os

from django.db import migrations, models

from shop import models as shop_models


def everything(apps, schema_editor):
    os._exit(7)
    apps.get_model("shop", "Book").objects.update(language="en")


def empty(apps, schema_editor):
    print(schema_editor)
    Book = apps.get_model("shop.Book")
    books = Book.objects.using(schema_editor.connection.alias).filter(language__isnull=True)
    books.update(language="en")


def drafts(apps, schema_editor):
    print(schema_editor)
    Book = apps.get_model("shop", "Book")
    Book.objects.filter(title="draft").delete()


def loop(apps, schema_editor):
    Book, Tag = apps.get_model("shop", "Book"), None
    Tag = apps.get_model("shop", "Tag")
    for tag in Tag.objects.all().iterator():
        tag.save()


def one(apps, schema_editor):
    Book = apps.get_model("shop", "Book")
    Book.objects.filter(isbn="1").update(language="en")
    Book.objects.get(pk=1).delete()


def seed(apps, schema_editor):
    Tag = apps.get_model("shop", "Tag")
    for number in range(3):
        Tag.objects.get_or_create(pk=number)


def read(apps, schema_editor):
    for book in apps.get_model("shop", "Book").objects.all():
        print(book.title)


def batches(apps, schema_editor):
    Book = apps.get_model("shop", "Book")
    while True:
        ids = list(Book.objects.filter(language__isnull=True).values_list("pk", flat=True)[:1000])
        if not ids:
            break
        Book.objects.filter(pk__in=ids).update(language="en")


def of_drafts(apps, schema_editor):
    Book = apps.get_model("shop", "Book")
    last = 0
    while Book.objects.filter(title="draft", pk__gt=last).exists():
        for book in Book.objects.filter(title="draft", pk__gt=last).order_by("pk")[:100]:
            book.save()
            last = book.pk


def by_range(apps, schema_editor):
    Book = apps.get_model("shop", "Book")
    books = Book.objects.filter(pk__lt=5000)
    for start in range(0, 5000, 500):
        Book.objects.filter(pk__in=list(books.values_list("pk", flat=True)[start : start + 500])).delete()


def in_bulk(apps, schema_editor):
    Book = apps.get_model("shop", "Book")
    books = Book.objects.order_by("pk")
    for start in range(0, books.count(), 500):
        Book.objects.bulk_update(list(books[start : start + 500]), ["title"])


def each(apps, schema_editor):
    Book = apps.get_model("shop", "Book")
    for book in Book.objects.exclude(title=""):
        Book.objects.filter(id=book.id).update(title=book.title.strip())


def three(apps, schema_editor):
    print(schema_editor)
    Book = apps.get_model("shop", "Book")
    for isbn in ("1", "2", "3"):
        Book.objects.filter(isbn=isbn).update(language="en")


TITLES = "UPDATE ONLY \"shop_book\" SET title = upper(title)"


def some_in_sql(connection, size):
    with connection.cursor() as cursor:
        cursor.execute(
            """
            UPDATE shop_book SET language = 'en'
            WHERE id IN (SELECT id FROM shop_book WHERE language IS NULL LIMIT %s)
            """,
            [size],
        )
        return cursor.rowcount


def in_sql(apps, schema_editor):
    while some_in_sql(schema_editor.connection, 500):
        pass


def in_a_text(apps, schema_editor):
    print("titles")
    schema_editor.execute(TITLES)


def one_in_sql(apps, schema_editor):
    with schema_editor.connection.cursor() as cursor:
        cursor.execute("SELECT max(id) FROM shop_book")
        cursor.execute("UPDATE shop_book SET title = '' WHERE id = %s", cursor.fetchone())
        cursor.execute("DELETE FROM elsewhere")


def bad_ones(apps, schema_editor):
    Book = apps.get_model("shop", "Book")
    for book in list(Book.objects.filter(title="")):
        book.delete()


def by_keys(apps, schema_editor):
    Book = apps.get_model("shop", "Book")
    keys = list(Book.objects.values_list("pk", flat=True))
    for key in keys:
        Book.objects.get(pk=key).delete()


def flushed(apps, schema_editor):
    Book = apps.get_model("shop", "Book")
    changed = []
    for book in Book.objects.all().iterator():
        book.title = book.title.strip()
        changed.append(book)
        if len(changed) >= 500:
            Book.objects.bulk_update(changed, ["title"])
            changed = []
    Book.objects.bulk_update(changed, ["title"])


def flush(model, rows):
    model.objects.bulk_update(rows, ["title"])


def flushed_elsewhere(apps, schema_editor):
    Book = apps.get_model("shop", "Book")
    changed = []
    for book in Book.objects.filter(title="draft"):
        changed.append(book)
        if len(changed) >= 500:
            flush(Book, changed)
            changed.clear()


def flushed_once(apps, schema_editor):
    Book = apps.get_model("shop", "Book")
    changed = []
    for book in Book.objects.all():
        changed.append(book)
    Book.objects.bulk_update(changed, ["title"], batch_size=500)


def of_class(apps, schema_editor):
    for book in shop_models.Book.objects.all():
        book.save()


def of_import(apps, schema_editor):
    from shop.models import Book

    Book.objects.update(title="")
    Book(title="x").delete()


def of_module(apps, schema_editor):
    shop_models.Tag.objects.all().delete()


def of_counted(apps, schema_editor):
    shop_models.Book.objects.annotate(size=models.functions.Length("title")).filter(size__gt=9).update(language="en")


def hidden(apps, schema_editor):
    shop_models = apps
    shop_models.Tag.objects.all().delete()


def of_several(apps, schema_editor):
    for name in ["Book", "Tag"]:
        model = apps.get_model("shop", name)
        for row in model.objects.all():
            row.save()


class Migration(migrations.Migration):
    dependencies = [("shop", "0001_initial")]
    operations = [
        migrations.AddField("book", "language", models.CharField(max_length=5, null=True)),
        *(migrations.RunPython(code) for code in (everything, empty, drafts, loop, one, seed, read, batches)),
        *(migrations.RunPython(code) for code in (in_sql, in_a_text, one_in_sql, of_drafts, by_range, in_bulk, each, three)),
        *(migrations.RunPython(code) for code in (bad_ones, by_keys, flushed, flushed_elsewhere, flushed_once)),
        *(migrations.RunPython(code) for code in (of_class, of_import, of_module, of_counted, hidden, of_several)),
    ]
