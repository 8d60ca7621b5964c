"""Errors, as the reader of a report wants them."""

import os
import re
import traceback

# A message is not worth more of the reader's time.
_LONGEST = 1000

# The password of an address, and one with its name before it: as in internal/address,
# which has the reasons.
_ADDRESS = re.compile(r"(?i)(\w[\w+.-]*://)(?<!\bhttp://)(?<!\bhttps://)([^\s:]*:)\S*@")
_WEB = re.compile(r"(?i)(https?://[^\s:/?#]*:)[^\s/?#]*@")
_PASSWORD = re.compile(
    r"""(?i)([a-z0-9_-]*(?:password|passwd)["']?\s*[=:]\s*)('(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*"|['"].*|[^\s&'"][^\s&]*)"""
)


def hide(text):
    """The text without passwords."""
    if "://" in text and "@" in text:
        text = _WEB.sub(r"\1xxxxx@", _ADDRESS.sub(r"\1\2xxxxx@", text))
    return _PASSWORD.sub(r"\1xxxxx", text)


def place(error, root):
    """Where below root an error was raised, as "path:line: "; else ""."""
    root = os.path.realpath(root) + os.sep
    found = ""

    def look(path, line):
        path = os.path.realpath(path) if os.path.isabs(path) else ""  # "<frozen os>"
        if path.startswith(root) and "site-packages" not in path:
            return "%s:%d: " % (path[len(root):].replace(os.sep, "/"), line)
        return ""

    trace = error.__traceback__
    while trace is not None:
        found = look(trace.tb_frame.f_code.co_filename, trace.tb_lineno) or found
        trace = trace.tb_next
    if isinstance(error, SyntaxError) and error.filename and error.lineno:
        found = look(error.filename, error.lineno) or found
    return found


def last_line(error):
    """The line that Python itself would print last for this error.

    Python prints the place of a syntax error above that line.
    """
    lines = traceback.format_exception_only(type(error), error)
    last = lines[-1].strip() if lines else repr(error)
    if isinstance(error, SyntaxError) and error.lineno:
        place = "line %d" % error.lineno
        if error.filename:
            place = "%s, %s" % (os.path.basename(error.filename), place)
        last = "%s (%s)" % (last, place)
    # What is raised "from" another error often says less than that one.
    if error.__cause__ is not None:
        cause = traceback.format_exception_only(type(error.__cause__), error.__cause__)
        if cause and cause[-1].strip() not in last:
            last = "%s, from %s" % (last, cause[-1].strip())
    last = hide(last)
    return last if len(last) <= _LONGEST else last[:_LONGEST] + "…"


def refusal(error):
    """What Django, or the backend, says of an operation that it refuses on any database; "" where that is not certain."""
    kind = type(error)
    lines = str(error).splitlines() or [""]
    if (
        kind is ValueError and lines[0].startswith("Cannot alter field ")
        or kind.__name__ == "InvalidBasesError"
        or kind.__name__ == "UnsafeOperationException"  # of django-pg-zero-downtime-migrations, told to raise
    ):
        return lines[0]
    return ""
