import functools

from django.contrib.postgres.operations import AddIndexConcurrently, ValidateConstraint
from django.db import migrations, models
from django.db.migrations.operations.base import Operation


class Custom(Operation):
    reduces_to_sql = True

    def state_forwards(self, app_label, state):
        pass

    def describe(self):
        raise RuntimeError("no words")


class Writes(Custom):
    atomic = True

    def database_forwards(self, app_label, schema_editor, from_state, to_state):
        table = to_state.apps.get_model("custom", "Leaf")._meta.db_table
        schema_editor.execute("COMMENT ON TABLE %s IS '%%'" % table, None)
        with schema_editor.connection.cursor() as cursor:
            cursor.execute("ALTER TABLE custom_leaf SET (fillfactor = %s)", [70])


class Reads(Custom):
    def database_forwards(self, app_label, schema_editor, from_state, to_state):
        with schema_editor.connection.cursor() as cursor:
            cursor.execute("SELECT count(*) FROM custom_leaf")
            if cursor.fetchone()[0]:
                schema_editor.execute("ANALYZE custom_leaf")


class Hides(Custom):
    def database_forwards(self, app_label, schema_editor, from_state, to_state):
        try:
            with schema_editor.connection.cursor() as cursor:
                schema_editor.connection.introspection.get_table_description(cursor, "custom_leaf")
        except Exception:
            pass


class Exits(Custom):
    def database_forwards(self, app_label, schema_editor, from_state, to_state):
        raise SystemExit(3)


class Comments(migrations.RunPython):
    """Has neither RunPython's function nor its hints."""

    def __init__(self, text):
        self.text = text

    def database_forwards(self, app_label, schema_editor, from_state, to_state):
        schema_editor.execute("COMMENT ON TABLE custom_leaf IS '%s'" % self.text)


def fill(apps, schema_editor, size):
    raise SystemExit("code of a migration must not run while rendering")


FIRST = [
    migrations.CreateModel("Leaf", [("id", models.BigAutoField(primary_key=True)), ("name", models.TextField())]),
]


class Migration(migrations.Migration):
    atomic = True
    operations = FIRST + [
        Writes(),
        Reads(),
        Hides(),
        Exits(),
        migrations.SeparateDatabaseAndState(
            database_operations=[migrations.RunPython(functools.partial(fill, size=3))],
        ),
        AddIndexConcurrently("leaf", models.Index(fields=["name"], name="leaf_name")),
    ]
    operations += [
        migrations.RunSQL("SELECT 1"),
        ValidateConstraint("Leaf", "leaf_named"),
        Comments("of a tree"),
    ]
