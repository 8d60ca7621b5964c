"""RunPython functions that do nothing but call the schema editor, or a cursor.

Renaming a table is often written as one. What such a function sends is known
without running code of the project: every call in it goes to Django, or to the
cursor that stands for the database's.
"""
import ast
import inspect
import textwrap
import types

from django.db import DEFAULT_DB_ALIAS, connection

_EDITOR = frozenset(
    "execute quote_name create_model delete_model alter_db_table add_field remove_field alter_field"
    " add_index remove_index add_constraint remove_constraint alter_unique_together".split()
)
_HARMLESS = (
    ast.arguments, ast.arg, ast.Expr, ast.Assign, ast.If, ast.Return, ast.Pass, ast.Name, ast.Load, ast.Store,
    ast.Constant, ast.Compare, ast.Eq, ast.NotEq, ast.keyword, ast.Not, ast.UnaryOp, ast.With, ast.withitem,
    ast.JoinedStr, ast.FormattedValue, ast.BinOp, ast.Add, ast.Mod, ast.Tuple, ast.List, ast.ImportFrom, ast.alias,
)  # fmt: skip
# Attributes that are looked up, not called: of models, fields and the connection.
_READ = frozenset("_meta db_table column name through remote_field connection vendor alias".split())


def only_editor(function, alias):
    """Whether all that a function can do is done by the schema editor, or a cursor of its database."""
    if type(function) is not types.FunctionType or function.__closure__ or function.__defaults__:
        return False
    if hasattr(function, "__wrapped__"):
        return False  # the source would be another function's
    try:
        tree = ast.parse(textwrap.dedent(inspect.getsource(function)))
    except (OSError, TypeError, SyntaxError, ValueError):
        return False
    if len(tree.body) != 1 or not isinstance(tree.body[0], ast.FunctionDef):
        return False
    body = tree.body[0]
    names = [arg.arg for arg in body.args.args]
    if len(names) != 2 or body.decorator_list or body.args.vararg or body.args.kwarg or body.args.kwonlyargs:
        return False
    known = {*names, *(n.id for n in ast.walk(body) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store))}
    usual = _usual(function, body) - known if alias == DEFAULT_DB_ALIAS else set()
    cursors = _cursors(body, names[1], usual)
    sends = False
    called = set()
    for statement in body.body:
        for node in ast.walk(statement):
            if isinstance(node, ast.Call):
                method = node.func
                if not isinstance(method, ast.Attribute):
                    return False
                receiver = method.value
                called.add(method)
                if isinstance(receiver, ast.Name) and receiver.id == names[1] and method.attr in _EDITOR:
                    sends = True
                elif isinstance(receiver, ast.Name) and receiver.id in cursors and method.attr == "execute":
                    sends = True
                elif _opens(node, names[1], usual):
                    pass
                elif isinstance(receiver, ast.Name) and receiver.id == names[0] and method.attr == "get_model":
                    pass
                elif isinstance(receiver, ast.Attribute) and receiver.attr == "_meta" and method.attr == "get_field":
                    pass
                else:
                    return False
            elif isinstance(node, ast.Attribute):
                # A many-to-many field is reached by its name: Group.permissions.through.
                if node not in called and node.attr not in _READ and not _before_through(statement, node):
                    return False
                if not isinstance(node.ctx, ast.Load):
                    return False
            elif not isinstance(node, _HARMLESS) or isinstance(node, ast.ImportFrom) and not _imports(node):
                return False
            elif isinstance(node, ast.Name):
                if isinstance(node.ctx, ast.Store) and node.id in names:
                    return False
                # Beside its own names, texts of its module.
                if node.id not in known | usual and not isinstance(function.__globals__.get(node.id), str):
                    return False
    return sends


def _usual(function, body):
    """The names by which a function knows the connection to the default database."""
    names = {name for name in function.__code__.co_names if function.__globals__.get(name) is connection}
    return names | {"connection" for node in ast.walk(body) if isinstance(node, ast.ImportFrom) and _imports(node)}


def _imports(node):
    return node.module == "django.db" and [(name.name, name.asname) for name in node.names] == [("connection", None)]


def _opens(call, editor, usual):
    """Whether a call gives a cursor of the editor's connection, or of the default one."""
    if not isinstance(call, ast.Call) or call.args or call.keywords:
        return False
    method = call.func
    if not isinstance(method, ast.Attribute) or method.attr != "cursor":
        return False
    of = method.value
    if isinstance(of, ast.Attribute):
        return of.attr == "connection" and isinstance(of.value, ast.Name) and of.value.id == editor
    return isinstance(of, ast.Name) and of.id in usual


def _cursors(body, editor, usual):
    """The names that are cursors, and nothing else."""
    opened, stored = [], []
    for node in ast.walk(body):
        if isinstance(node, ast.withitem) and isinstance(node.optional_vars, ast.Name):
            if _opens(node.context_expr, editor, usual):
                opened.append(node.optional_vars.id)
        elif isinstance(node, ast.Assign) and [type(target) for target in node.targets] == [ast.Name]:
            if _opens(node.value, editor, usual):
                opened.append(node.targets[0].id)
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            stored.append(node.id)
    return {name for name in opened if opened.count(name) == stored.count(name)}


def _before_through(statement, node):
    return any(
        isinstance(outer, ast.Attribute) and outer.attr == "through" and outer.value is node
        for outer in ast.walk(statement)
    )
