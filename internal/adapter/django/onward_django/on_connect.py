"""Timeouts that a project's own code sets on each new connection.

Receivers of connection_created, and backends of the project's with an
init_connection_state, execute a SET there. They are read and not run, and
only what stands in one string counts.
"""

import ast
import inspect
import re
import textwrap
import weakref

SET = re.compile(
    r"\bset\s+(?:session\s+)?(lock_timeout|statement_timeout)\s*(?:=|\s+to\s)\s*'?(\d+\s*[a-z]*)'?\s*(?:;|$)",
    re.IGNORECASE,
)


def timeouts(connection):
    """Parameters by name, in lower case, as the last SET of each has them."""
    answer = {}
    for function in [*_backend(connection), *_receivers()]:
        for text in _strings(function):
            for name, value in SET.findall(text):
                answer[name.lower()] = value.strip()
    return answer


def _receivers():
    from django.db.backends.signals import connection_created

    for receiver in connection_created.receivers:
        reference = receiver[1]  # (key, receiver) and, since Django 5, whether it is async
        function = reference() if isinstance(reference, weakref.ref) else reference
        if function is not None and not _of_django(getattr(function, "__module__", "")):
            yield function


def _backend(connection):
    for cls in reversed(type(connection).__mro__):
        for name in ("get_new_connection", "init_connection_state"):
            if name in vars(cls) and not _of_django(cls.__module__):
                yield vars(cls)[name]


def _of_django(module):
    return not module or module.split(".")[0] in ("django", "onward_django", "builtins")


def _strings(function):
    """The strings in a function; none where the command line decides what it does."""
    try:
        tree = ast.parse(textwrap.dedent(inspect.getsource(function)))
    except (OSError, TypeError, SyntaxError):
        return []
    names = {getattr(node, "attr", getattr(node, "id", "")) for node in ast.walk(tree)}
    if "argv" in names:
        return []
    return [node.value for node in ast.walk(tree) if isinstance(node, ast.Constant) and isinstance(node.value, str)]
