"""Brings a project to its migrations' end, and tells whether its models are ahead of them.

    python run.py PROJECT [FIRST.sql]    (connection in SHOP_DB_*)

With a file, its SQL runs behind the first migration of the app.
"""
import os
import sys


def main(project, first=None):
    os.chdir(project)
    sys.path.insert(0, project)
    os.environ["DJANGO_SETTINGS_MODULE"] = "config.settings"
    import django

    django.setup()
    from django.core.management import call_command
    from django.db import connection

    if first:
        call_command("migrate", "shop", "0001", verbosity=0)
        with open(first) as file, connection.cursor() as cursor:
            cursor.execute(file.read())
    call_command("migrate", verbosity=0)
    call_command("makemigrations", check=True, dry_run=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
