"""Loads onward's hook into the Python that runs Alembic, then the sitecustomize that this file hides.

onward puts this directory first on PYTHONPATH. The user's own command runs
unchanged, whether it is alembic, flask db or a program of the project.
"""
import os
import sys


def start():
    here = os.path.dirname(os.path.abspath(__file__))
    trace = os.environ.get("ONWARD_RENDER_TRACE")
    if trace:
        import onward_alembic

        onward_alembic.install(trace)
    # Code that an editable install reads from the user's copy is read from the rendered revision.
    old, _, new = os.environ.get("ONWARD_RENDER_MOVED", "").partition("\n")
    sys.path[:] = [p for p in sys.path if os.path.abspath(p) != here]
    if old and new:
        for i, p in enumerate(sys.path):
            moved = new + p[len(old):]
            outside = "site-packages" not in p and "dist-packages" not in p
            if (p == old or p.startswith(old + os.sep)) and outside and os.path.isdir(moved):
                sys.path[i] = moved
    # Many projects set PYTHONPATH to this directory when they deploy.
    if trace and os.getcwd() not in sys.path:
        sys.path.append(os.getcwd())
    own = sys.modules.pop("sitecustomize", None)
    try:
        import sitecustomize  # noqa: F401  the next one on the path
    except ImportError as error:
        if error.name != "sitecustomize":
            raise
        sys.modules["sitecustomize"] = own


start()
