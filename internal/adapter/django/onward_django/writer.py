"""Says what further migrations take from those that they take the place of, in Django's own words."""
import re

from django.conf import settings
from django.db import migrations
from django.db.migrations.writer import OperationWriter

from . import code_module, replay, source
from .errors import last_line

# An import that no file can have: a module whose name begins with a digit.
_NUMBERED = re.compile(r"^import (.*\.\d+\S*)$")


def answer(plan, root, replaced):
    """The apps with migrations, and what those that are replaced have: their operations as
    far as they are about the state, and what they depend on."""
    replaced = [tuple(key) for key in replaced]
    graph = plan.loader.graph
    apps = {}
    for label in sorted(plan.loader.migrated_apps):
        path, external = directory(plan.loader, label, root)
        apps[label] = {"dir": path, "external": external, "leaves": []}
    for key, node in sorted(graph.node_map.items()):
        rest = [child.key for child in node.children if child.key not in replaced]
        if key in replaced:
            for child in rest:
                apps[key[0]].setdefault("held", "%s.%s depends on %s.%s" % (*child, *key))
        elif key[0] in apps and not any(child[0] == key[0] for child in rest):
            apps[key[0]]["leaves"].append(key[1])
    return {"apps": apps, "replaced": [of(plan, plan.migrations[key], replaced) for key in replaced]}


def directory(loader, label, root):
    """Where the migrations of an app lie, and whether that is outside of the project."""
    import importlib

    module = importlib.import_module(loader.migrations_module(label)[0])
    return source.relative(list(module.__path__)[0], root)


def of(plan, migration, replaced):
    """What one has."""
    dependencies = [written(d) for d in migration.dependencies if tuple(d) not in replaced]
    try:
        from django.contrib.postgres import operations as postgres
    except ImportError:
        postgres = None
    operations = []
    for operation in stating(migration.operations, postgres):
        entry = {
            **serialized(operation),
            **replay.subject(operation),
            "class": type(operation).__name__,
            "index": "",
            "concurrently": None,
        }
        if postgres and isinstance(operation, migrations.AddIndex):
            entry["index"] = operation.index.name
            entry["concurrently"] = serialized(postgres.AddIndexConcurrently(operation.model_name, operation.index))
        operations.append(entry)
    code = code_module.template(plan.files.get((migration.app_label, migration.name), ""), migration, lambda before: sum(1 for _ in stating(before, postgres)))
    return {"dependencies": dependencies, "operations": operations, "code": code}


def written(dependency):
    """A dependency: as it is written, with what that imports."""
    model = getattr(dependency, "setting", None)
    names = ["AUTH_USER_MODEL", *dir(settings)] if model else []
    for name in names:
        if name.isupper() and getattr(settings, name, None) == model:
            return {
                "source": "migrations.swappable_dependency(settings.%s)" % name,
                "imports": ["from django.conf import settings"],
            }
    return {"source": repr(tuple(map(str, dependency))), "imports": []}


def stating(operations, postgres):
    """The operations that the state is made of: SQL and Python change none."""
    for operation in operations:
        if isinstance(operation, (migrations.RunSQL, migrations.SeparateDatabaseAndState)):
            yield from stating(operation.state_operations, postgres)
        elif isinstance(operation, migrations.RunPython):
            continue
        elif postgres and isinstance(operation, (postgres.CreateExtension, postgres.CreateCollation, postgres.RemoveCollation)):
            continue
        else:
            yield operation


def serialized(operation):
    """An operation as makemigrations writes it."""
    try:
        text, imports = OperationWriter(operation, indentation=0).serialize()
    except Exception as error:
        return {"source": "", "imports": [], "error": "%s: %s" % (type(operation).__name__, last_line(error))}
    for line in imports:
        own = _NUMBERED.match(line)
        if own:
            return {
                "source": "",
                "imports": [],
                "error": "%s needs something of the migration %s itself: move that to a module that others can import"
                % (type(operation).__name__, own.group(1)),
            }
    return {"source": text, "imports": sorted(imports), "error": ""}
