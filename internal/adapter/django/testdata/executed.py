"""What the functions of a RunPython send, when Django runs them on a real server.

    python executed.py PROJECT APP MIGRATION ANSWER.json    (connection in LIBRARY_*)
"""
import json
import os
import sys


def main(project, app, migration, answer):
    os.chdir(project)
    sys.path.insert(0, project)
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    import django

    django.setup()
    from django.core.management import call_command
    from django.db import connection, migrations

    run_python = migrations.RunPython.database_forwards
    sent = {}

    def python(operation, *args):
        def record(execute, sql, params, many, context):
            text = sql
            if params is not None:
                merged = context["cursor"].cursor.mogrify(sql, params)
                text = merged.decode() if isinstance(merged, bytes) else merged
            sent[operation.code.__name__].append(text)
            return execute(sql, params, many, context)

        sent[operation.code.__name__] = []
        with connection.execute_wrapper(record):
            run_python(operation, *args)

    migrations.RunPython.database_forwards = python
    call_command("migrate", app, "0001", verbosity=0)
    with connection.cursor() as cursor:
        cursor.execute("INSERT INTO library_author (id, name) OVERRIDING SYSTEM VALUE VALUES (1, 'Ann'), (2, 'Bob')")
        cursor.execute("SELECT setval(pg_get_serial_sequence('library_author', 'id'), 9)")
        cursor.execute("INSERT INTO library_volume (title, page_count, author_id) VALUES ('draft', 11, 1), ('x', 1, 2)")
    call_command("migrate", app, migration, verbosity=0)
    with open(answer, "w") as file:
        json.dump(sent, file)


if __name__ == "__main__":
    main(*sys.argv[1:])
