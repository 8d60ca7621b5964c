"""Which model field maps to which column: what this code selects and inserts."""
import ast
import inspect

from . import source


def models(root):
    from django.apps import apps
    from django.db.models import NOT_PROVIDED

    files = {}
    found = []
    for model in apps.get_models(include_auto_created=True, include_swapped=False):
        meta = model._meta
        path, external, line, _ = place(model, files, root)
        found.append(
            {
                "app": meta.app_label,
                "model": meta.object_name,
                "db_table": meta.db_table,
                "managed": bool(meta.managed),
                "proxy": bool(meta.proxy),
                "auto_created": bool(meta.auto_created),
                "by_triggers": by_triggers(model),
                "path": path,
                "external": external,
                "line": line,
                "fields": [
                    describe(field, model, files, root, NOT_PROVIDED)
                    for field in ([] if meta.proxy else meta.local_fields)
                ],
            }
        )
    found.sort(key=lambda model: (model["app"], model["model"]))
    return found


def by_triggers(model):
    """Whether triggers alone put rows into the table: an event model of django-pghistory whose trackers all are triggers."""
    trackers = getattr(model, "pgh_trackers", None)
    return bool(trackers) and all(callable(getattr(tracker, "add_event_trigger", None)) for tracker in trackers)


def describe(field, model, files, root, missing):
    path, external, line = field_place(field, model, files, root)
    db_default = getattr(field, "db_default", missing)
    return {
        "name": field.name,
        "attname": field.attname,
        "column": field.column or "",
        "concrete": field.column is not None,
        "null": bool(field.null),
        "primary_key": bool(field.primary_key),
        "has_default": bool(field.has_default()),
        "gives_value": field.has_default() and field.default is not None,
        "db_default": db_default is not missing,
        "generated": bool(getattr(field, "generated", False)),
        "on_delete": getattr(getattr(field.remote_field, "on_delete", None), "__name__", ""),
        "path": path,
        "external": external,
        "line": line,
    }


def place(cls, files, root):
    """(path, external, line, lines of its attributes) of a class."""
    try:
        filename = inspect.getsourcefile(cls)
    except (TypeError, OSError):
        filename = None
    if not filename:
        return "", True, 0, {}
    if filename not in files:
        files[filename] = (*source.relative(filename, root), classes(filename))
    path, external, lines = files[filename]
    line, attributes = lines.get(cls.__qualname__, (0, {}))
    return path, external, line, attributes


def field_place(field, model, files, root):
    """Where a field is written: in its model or in an abstract one above."""
    for cls in model.__mro__:
        if field.name in getattr(cls, "__dict__", {}) or hasattr(cls, "_meta"):
            path, external, _, attributes = place(cls, files, root)
            if field.name in attributes:
                return path, external, attributes[field.name]
    return "", True, 0


def classes(filename):
    """Qualified class name -> (line, {attribute: line}) of a file."""
    found = {}
    try:
        with open(filename, "rb") as file:
            tree = ast.parse(file.read())
    except (OSError, SyntaxError, ValueError):
        return found

    def visit(body, prefix):
        for node in body:
            if isinstance(node, ast.ClassDef):
                attributes = {}
                for inner in node.body:
                    targets = getattr(inner, "targets", None) or [getattr(inner, "target", None)]
                    for target in targets:
                        if isinstance(target, ast.Name):
                            attributes[target.id] = inner.lineno
                found[prefix + node.name] = (node.lineno, attributes)
                visit(node.body, prefix + node.name + ".")
            elif isinstance(node, (ast.If, ast.Try)):
                visit(node.body + getattr(node, "orelse", []), prefix)

    visit(tree.body, "")
    return found
