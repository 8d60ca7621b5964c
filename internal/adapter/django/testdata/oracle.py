"""What Django itself sends, for comparison with what the renderer says it would.

    python oracle.py PROJECT ANSWER.json    (connection in SHOP_DB_*)

Runs every migration on a real server, one after the other, and records per
migration the output of `sqlmigrate` just before it, and the statements that
the schema editor really executed. Python code of migrations is left out, as
the renderer leaves it out.
"""
import io
import json
import os
import sys


def main(project, answer):
    os.chdir(project)
    sys.path.insert(0, project)
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    import django

    django.setup()
    from django.core.management import call_command
    from django.db import connection, migrations
    from django.db.backends.base.schema import BaseDatabaseSchemaEditor
    from django.db.migrations.executor import MigrationExecutor
    from django.db.migrations.loader import MigrationLoader
    from django.db.migrations.recorder import MigrationRecorder

    MigrationRecorder(connection).ensure_schema()
    migrations.RunPython.database_forwards = lambda *args: None
    executed = []
    execute = BaseDatabaseSchemaEditor.execute

    def record(editor, sql, params=()):
        if not editor.collect_sql:
            text = str(sql)
            if params is not None:
                with connection.cursor() as cursor:
                    merged = cursor.cursor.mogrify(text, params)
                    text = merged.decode() if isinstance(merged, bytes) else merged
            executed.append(text)
        return execute(editor, sql, params)

    BaseDatabaseSchemaEditor.execute = record
    recorded = {}
    order = []
    loader = MigrationLoader(connection)
    for target in loader.graph.leaf_nodes():
        for key in loader.graph.forwards_plan(target):
            if key not in order:
                order.append(key)
    for key in order:
        out = io.StringIO()
        try:
            call_command("sqlmigrate", *key, stdout=out, no_color=True)
            printed = out.getvalue()
        except Exception as error:  # asks for what an earlier operation of it makes
            printed = "ERROR %s" % error
        del executed[:]
        error = ""
        try:
            MigrationExecutor(connection).migrate([key])
        except Exception as raised:
            error = str(raised)
        recorded["%s.%s" % key] = {"sqlmigrate": printed, "executed": list(executed), "error": error}
        if error:
            break
    with open(answer, "w") as file:
        json.dump(recorded, file)


if __name__ == "__main__":
    main(*sys.argv[1:])
