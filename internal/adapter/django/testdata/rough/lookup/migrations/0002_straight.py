import functools
import os

from django.db import migrations

COMMENT = "COMMENT ON TABLE lookup_guest IS 'renamed'"


def renames(apps, schema_editor):
    """Only the editor does anything here."""
    if schema_editor.connection.vendor != "postgresql":
        return
    Host = apps.get_model("lookup", "Host")
    schema_editor.remove_field(Host, Host._meta.get_field("count"))
    schema_editor.alter_db_table(Host, "lookup_host", "lookup_guest")
    schema_editor.execute(COMMENT)


def fails(apps, schema_editor):
    schema_editor.remove_field(apps.get_model("lookup", "Nobody"), None)


def asks(apps, schema_editor):
    Host = apps.get_model("lookup", "Host")
    if not Host.objects.exists():
        schema_editor.execute("DROP TABLE lookup_guest")


def calls(apps, schema_editor):
    schema_editor.execute("SELECT 1")
    os._exit(7)


def stores(apps, schema_editor):
    schema_editor.execute("SELECT 1")
    apps.get_model("lookup", "Host")._meta.db_table = "elsewhere"


def loops(apps, schema_editor):
    for table in ("lookup_guest",):
        schema_editor.execute("ANALYZE " + table)


def swaps(apps, schema_editor):
    schema_editor = os
    schema_editor.execute("SELECT 1")


def reads(apps, schema_editor):
    schema_editor.execute(os.environ)


def defaults(apps, schema_editor, sql=COMMENT):
    schema_editor.execute(sql)


def around(function):
    @functools.wraps(function)
    def wrapper(apps, schema_editor):
        os._exit(7)

    return wrapper


def quiet(apps, schema_editor):
    pass


@around
def wrapped(apps, schema_editor):
    schema_editor.execute("SELECT 1")


def bare(apps, schema_editor):
    os._exit(7)


bare.__wrapped__ = renames


class Migration(migrations.Migration):
    dependencies = [("lookup", "0001_initial")]
    operations = [
        migrations.SeparateDatabaseAndState(database_operations=[migrations.RunPython(renames)]),
    ] + [
        migrations.RunPython(code)
        for code in (fails, asks, calls, stores, loops, swaps, reads, defaults, quiet, wrapped, bare)
    ]
