from django.db import connection, migrations

TABLE = "lookup_guest"


def opens(apps, schema_editor):
    with schema_editor.connection.cursor() as cursor:
        cursor.execute(f"ALTER TABLE {TABLE} ADD COLUMN seen timestamptz")
        cursor.execute("UPDATE lookup_guest SET seen = now() WHERE id = %s", [7])


def shared(apps, schema_editor):
    if connection.vendor == "postgresql":
        cursor = connection.cursor()
        cursor.execute("ALTER TABLE %s ALTER COLUMN seen SET STATISTICS 500" % TABLE)


def imports(apps, schema_editor):
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE " + TABLE + " DROP COLUMN seen")


def fetches(apps, schema_editor):
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
        cursor.fetchone()


def closes(apps, schema_editor):
    with schema_editor.connection.cursor() as cursor:
        cursor.execute("ALTER TABLE lookup_guest ADD COLUMN x int")
    connection.close()


def mixes(apps, schema_editor):
    with connection.cursor() as cursor:
        cursor = apps
        cursor.execute("ALTER TABLE lookup_guest ADD COLUMN x int")


def elsewhere(apps, schema_editor):
    from os import environ as connection

    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE lookup_guest ADD COLUMN x int")


class Migration(migrations.Migration):
    dependencies = [("lookup", "0002_straight")]
    operations = [migrations.RunPython(code) for code in (opens, shared, imports, fetches, closes, mixes, elsewhere)]
