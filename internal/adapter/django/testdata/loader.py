"""What Django's own loader makes of a project's graph, for comparison with what the renderer says.

    python loader.py PROJECT APPLIED.json ANSWER.json

APPLIED is {app: [name, ...]}, of the apps that are asked about; each is loaded by
itself, on a database that has these migrations noted as applied. The answer is
{app: {"nodes": [...], "conflicts": [...], "error": ""}}.
"""
import json
import os
import sys


def main(project, applied, answer):
    os.chdir(project)
    sys.path.insert(0, project)
    from django.conf import settings

    with open(applied) as file:
        asked = json.load(file)
    settings.configure(
        INSTALLED_APPS=list(asked),
        DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}},
    )
    import django

    django.setup()
    from django.db import connection
    from django.db.migrations.exceptions import NodeNotFoundError
    from django.db.migrations.loader import MigrationLoader
    from django.db.migrations.recorder import MigrationRecorder

    recorder = MigrationRecorder(connection)
    recorder.ensure_schema()
    for app, names in asked.items():
        for name in names:
            recorder.record_applied(app, name)
    found = {app: {"nodes": [], "conflicts": [], "error": ""} for app in asked}
    try:
        loader = MigrationLoader(connection)
        for app, name in sorted(loader.graph.nodes):
            found[app]["nodes"].append(name)
        for app, names in loader.detect_conflicts().items():
            found[app]["conflicts"] = sorted(names)
    except NodeNotFoundError as error:
        for app in found:
            found[app]["error"] = str(error)
    with open(answer, "w") as file:
        json.dump(found, file)


if __name__ == "__main__":
    main(*sys.argv[1:])
