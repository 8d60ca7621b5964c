"""Writes a migration again with its Python code only: what a plan's steps do is taken out of its list of operations."""
import ast

from django.db import migrations

from . import source

# Marks the places of a template. No source file has a NUL: Python refuses it.
DEPENDENCIES, OPERATIONS = "\0dependencies\0", "\0operations\0"


def template(path, migration, count_state):
    """The source of a migration with marks instead of its lists, and its RunPython operations.

    count_state returns how many operations on Django's state are in a list of operations.
    """
    file = source.Source(path)
    nodes = file.places(migration.operations)
    operations = []
    for index, operation in enumerate(migration.operations):
        if not isinstance(operation, migrations.RunPython):
            continue
        node = nodes.get(id(operation))
        if not isinstance(node, ast.Call):
            return refused("%s.%s has an operation that is not written out" % (migration.app_label, migration.name))
        operations.append(
            {
                "line": node.lineno,
                "comments": file.comments(node),
                "source": file.cut(node),
                "before": count_state(migration.operations[:index]),
            }
        )
    if not operations:
        return {"template": "", "operations": [], "error": ""}
    text = replaced(file)
    if text is None:
        return refused("the operations of %s.%s are not one list" % (migration.app_label, migration.name))
    return {"template": text, "operations": operations, "error": ""}


def refused(why):
    return {"template": "", "operations": [], "error": why}


def replaced(file):
    """The source with marks; None if the class is not in the usual form."""
    edits, seen = [], set()
    for node in file.migration.body:
        name = assigned(node)
        if name in seen:
            return None
        if name == "operations" and isinstance(node.value, ast.List):
            edits.append((node, OPERATIONS))
        elif name == "dependencies":
            edits.append((node, DEPENDENCIES))
        elif name in ("initial", "replaces", "run_before"):
            edits.append((node, ""))
        elif name:
            continue
        seen.add(name)
    if not {"operations", "dependencies"} <= seen:
        return None
    text = file.text
    for node, mark in reversed(edits):
        start, end = file.span(node)
        if not mark:  # the whole line
            start, end = text.rfind(b"\n", 0, start) + 1, text.find(b"\n", end) + 1
        text = text[:start] + mark.encode() + text[end:]
    return text.decode().replace("\r\n", "\n")


def assigned(node):
    """The name that a statement of the class assigns to; "" for others."""
    if isinstance(node, ast.Assign) and len(node.targets) == 1:
        return getattr(node.targets[0], "id", "")
    if isinstance(node, (ast.AnnAssign, ast.AugAssign)):
        return getattr(node.target, "id", "")
    return ""

