"""Errors, as the reader of a report wants them."""

import traceback


def last_line(error):
    """The line that Python itself would print last for this error."""
    lines = traceback.format_exception_only(type(error), error)
    return lines[-1].strip() if lines else repr(error)
