"""Errors, as the reader of a report wants them."""

import os
import traceback


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
    return last


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
