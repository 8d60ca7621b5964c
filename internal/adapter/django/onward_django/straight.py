"""RunPython functions that do nothing but call the schema editor.

Renaming a table is often written as one. What such a function sends is known
without running code of the project: every call in it goes to Django.
"""
import ast
import inspect
import textwrap
import types

_EDITOR = frozenset(
    "execute quote_name create_model delete_model alter_db_table add_field remove_field alter_field"
    " add_index remove_index add_constraint remove_constraint alter_unique_together".split()
)
_HARMLESS = (
    ast.arguments, ast.arg, ast.Expr, ast.Assign, ast.If, ast.Return, ast.Pass, ast.Name, ast.Load, ast.Store,
    ast.Constant, ast.Compare, ast.Eq, ast.NotEq, ast.keyword, ast.Not, ast.UnaryOp,
)  # fmt: skip
# Attributes that are looked up, not called: of models, fields and the connection.
_READ = frozenset("_meta db_table column name through remote_field connection vendor alias".split())


def only_editor(function):
    """Whether all that a function can do is done by the schema editor."""
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
            elif not isinstance(node, _HARMLESS):
                return False
            elif isinstance(node, ast.Name):
                if isinstance(node.ctx, ast.Store) and node.id in names:
                    return False
                # Beside its own names, texts of its module.
                if node.id not in known and not isinstance(function.__globals__.get(node.id), str):
                    return False
    return sends


def _before_through(statement, node):
    return any(
        isinstance(outer, ast.Attribute) and outer.attr == "through" and outer.value is node
        for outer in ast.walk(statement)
    )
