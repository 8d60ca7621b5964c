"""Timeouts of the command that migrates: those that manage.py asks libpq for, and
those that a `migrate` of the project's own sets. Both are read and not run.
"""
import ast
import importlib.util
import os
import re

from . import on_connect, source

# Stands for what a text takes from elsewhere.
_UNKNOWN = "\0"
_SOME = re.compile(r"\bset\s+(?:session\s+)?lock_timeout\s*(?:=|\s+to\s)\s*'?(?:\0|%s)", re.I)


def options():
    """What manage.py puts into PGOPTIONS; "" for nothing. Libpq takes it where the settings have no options."""
    for node in ast.walk(_parsed(os.path.join(os.getcwd(), "manage.py"))):
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Subscript):
            key, value = node.targets[0].slice, node.value
            key = getattr(key, "value", key) if not isinstance(key, ast.Constant) else key  # ast.Index, before 3.9
        elif isinstance(node, ast.Call) and getattr(node.func, "attr", "") == "setdefault" and len(node.args) == 2:
            key, value = node.args
        else:
            continue
        if getattr(key, "value", None) == "PGOPTIONS" and isinstance(getattr(value, "value", None), str):
            return value.value
    return ""


def timeouts(root):
    """Parameters by name, in lower case, as the last SET of each has them; lock_timeout_at
    is where one is set to what is not written there."""
    from django.core.management import get_commands

    app = get_commands().get("migrate", "django.core")
    answer = {}
    if not isinstance(app, str) or app.split(".")[0] == "django":
        return answer
    try:
        spec = importlib.util.find_spec(app + ".management.commands.migrate")
    except ImportError:
        return answer
    if spec is None or not spec.origin:
        return answer
    tree = _parsed(spec.origin)
    for text, line in _sent(tree):
        for name, value in on_connect.SET.findall(text):
            answer[name.lower()] = value.strip()
        if _SOME.search(text):
            answer["lock_timeout_at"] = "%s:%d" % (source.relative(spec.origin, root)[0], line)
    return answer


def _parsed(path):
    try:
        with open(path, "rb") as file:
            return ast.parse(file.read())
    except (OSError, SyntaxError, ValueError):
        return ast.Module(body=[], type_ignores=[])


def _sent(tree):
    """The texts that are handed to a function, with their lines."""
    known = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            if isinstance(node.value, ast.Constant):
                known[node.targets[0].id] = str(node.value.value)
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call) or not node.args:
            continue
        text = _text(node.args[0], known)
        if len(node.args) > 1 and isinstance(node.args[1], (ast.List, ast.Tuple)):
            for each in node.args[1].elts:
                text = text.replace("%s", _text(each, known), 1)
        yield text, node.lineno


def _text(node, known):
    if isinstance(node, ast.Constant):
        return str(node.value)
    if isinstance(node, ast.JoinedStr):
        return "".join(_text(part, known) for part in node.values)
    if isinstance(node, ast.FormattedValue):
        return _text(node.value, known)
    if isinstance(node, ast.BinOp):
        if isinstance(node.op, ast.Mod):
            return _text(node.left, known).replace("%s", _text(node.right, known), 1)
        return _text(node.left, known) + _text(node.right, known)
    if isinstance(node, (ast.Name, ast.Attribute)):
        return known.get(getattr(node, "id", getattr(node, "attr", "")), _UNKNOWN)
    return _UNKNOWN
