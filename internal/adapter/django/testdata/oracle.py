"""What Django itself sends, for comparison with what the renderer says it would.

    python oracle.py PROJECT ANSWER.json [whole]    (connection in SHOP_DB_*)

Runs every migration on a real server, one after the other, and records per
migration the output of `sqlmigrate` just before it, and the statements that
the schema editor really executed; under "tables", what is there in the end.
With `whole`, all of them in one go, Python
code included, and without sqlmigrate: for histories that are long.
"""
import io
import json
import os
import sys


def main(project, answer, mode="each"):
    os.chdir(project)
    sys.path.insert(0, project)
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    import django

    django.setup()
    from django.core.management import call_command
    from django.db import connection, migrations
    from django.db.backends.base.schema import BaseDatabaseSchemaEditor
    from django.db.migrations.executor import MigrationExecutor
    from django.db.migrations.recorder import MigrationRecorder

    MigrationRecorder(connection).ensure_schema()
    execute = BaseDatabaseSchemaEditor.execute
    run_python = migrations.RunPython.database_forwards
    recorded = {}
    executed = []
    silent = []  # not empty: inside Python code

    def record(editor, sql, params=()):
        if not editor.collect_sql and not silent:
            text = str(sql)
            if params is not None:
                with connection.cursor() as cursor:
                    merged = cursor.cursor.mogrify(text, params)
                    text = merged.decode() if isinstance(merged, bytes) else merged
            executed.append(text)
        return execute(editor, sql, params)

    def python(*args):
        if mode == "whole":
            silent.append(True)
            run_python(*args)
            silent.pop()

    BaseDatabaseSchemaEditor.execute = record
    migrations.RunPython.database_forwards = python

    def progress(action, migration=None, fake=False):
        if action == "apply_start":
            del executed[:]
        if action == "apply_success":
            recorded["%s.%s" % (migration.app_label, migration.name)] = {
                "sqlmigrate": "ERROR not asked",
                "executed": list(executed),
                "error": "",
            }

    loader = MigrationExecutor(connection).loader
    if mode == "whole":
        executor = MigrationExecutor(connection, progress)
        executor.migrate(loader.graph.leaf_nodes())
    else:
        order = []
        for target in loader.graph.leaf_nodes():
            order.extend(key for key in loader.graph.forwards_plan(target) if key not in order)
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
            name = "%s.%s" % key
            recorded[name] = {"sqlmigrate": printed, "executed": list(executed), "error": error}
            if error:
                break
    with connection.cursor() as cursor:
        found = connection.introspection
        recorded["tables"] = {
            table: {
                "constraints": found.get_constraints(cursor, table),
                "sequences": found.get_sequences(cursor, table),
            }
            for table in found.table_names(cursor)
        }
    with open(answer, "w") as file:
        json.dump(recorded, file)


if __name__ == "__main__":
    main(*sys.argv[1:])
