"""Brings the user's project up without a database, and gathers the answer."""
import ast
import gc
import os
import re
import runpy
import sys
import traceback

from . import command, on_connect, stand_in
from .errors import last_line, place


class Failure(Exception):
    """The project as a whole cannot be rendered."""

    def __init__(self, kind, message, detail="", missing="", lasting=False):
        super().__init__(message)
        self.kind, self.message, self.detail, self.missing = kind, message, detail, missing
        self.lasting = lasting

    def as_json(self):
        return {
            "kind": self.kind,
            "message": self.message,
            "missing": self.missing,
            "python": "%d.%d" % sys.version_info[:2],
            "lasting": self.lasting,
            "traceback": self.detail[-8000:],
        }


def answer(request):
    # A project that starts makes no garbage to speak of, and keeps what it
    # makes: looking through that again and again took a third of the time.
    gc.disable()
    project = os.path.abspath(request["project"])
    root = os.path.realpath(request.get("root") or project)
    os.chdir(project)
    sys.path.insert(0, project)
    if request.get("moved"):
        move_search_path(*request["moved"])
    try:
        import django
    except ImportError as error:
        raise Failure("django", last_line(error), lasting=stand_in.lasting(error))

    from . import driver

    driver.ensure(django.VERSION)
    stood_in = request.get("stand_in")
    if stood_in is not None:
        stand_in.install(stood_in, os.path.dirname(os.path.abspath(__file__)))
    notes = start(project, request.get("settings"), int(request.get("pg") or 16), stood_in is not None)
    if stood_in is not None:
        from . import evidence

        return {"models": evidence.models(root)}

    gc.freeze()
    gc.set_threshold(50_000, 20, 100)
    gc.enable()

    from django.db import connections

    from . import copies, evidence, graph, offline, replay

    copies.remember_settings()
    own, others = offline.aliases()
    databases = [connections[alias] for alias in own]
    connection = databases[0]
    plan = graph.Plan(connection, request.get("applied"))
    if request.get("replaced") is not None:
        from . import writer

        return writer.answer(plan, root, request["replaced"])
    vendor, engine = offline.named("default")
    rendered = replay.run(plan, databases, others, root, request)
    return {
        "django": django.get_version(),
        "python": "%d.%d.%d" % sys.version_info[:3],
        "settings": os.environ.get("DJANGO_SETTINGS_MODULE", ""),
        "database": {
            "vendor": vendor,
            "engine": engine,
            "driver": driver.name(),
            "session": session(connection, root),
        },
        "sessions": {each.alias: session(each, root) for each in databases[1:]},
        "migrations": rendered,
        "order": [list(key) for key in plan.order],
        "conflicts": plan.conflicts,
        "errors": plan.errors,
        "notes": notes,
        "models": evidence.models(root),
        "tables": connection.onward.tables.dump() if request.get("tables") else None,
    }


_PARAMETER = re.compile(r"(?:-c\s*|--)([\w.-]+)=((?:\\.|[^\s\\])*)")


def session(connection, root=""):
    """What the settings, and code that runs on connecting, make of a session: parameters by name, in lower case.

    OPTIONS["options"] is the server's command line, as libpq takes it: words,
    in which a backslash keeps a space from ending one.
    """
    answer = {}
    options = (connection.settings_dict.get("OPTIONS") or {}).get("options") or command.options()
    for name, value in _PARAMETER.findall(str(options)):
        answer[name.lower().replace("-", "_")] = re.sub(r"\\(.)", r"\1", value)
    answer.update(on_connect.timeouts(connection))
    answer.update(command.timeouts(root))
    zone = getattr(connection, "timezone_name", None)
    if zone:
        answer["timezone"] = str(zone)
    return answer


def start(project, settings, pg, stands_in=False):
    """Runs manage.py up to the point where it would run a command.

    Returns what went wrong without keeping the project from being rendered.
    """
    # Settings, and apps that are set up, may ask which command it is.
    argv, sys.argv = sys.argv, ["manage.py", "sqlmigrate"]
    try:
        return set_up(project, settings, pg, stands_in)
    finally:
        sys.argv = argv


def set_up(project, settings, pg, stands_in):
    """What start does."""
    from . import offline

    if settings:
        os.environ["DJANGO_SETTINGS_MODULE"] = settings
    offline.install(pg)
    manage = os.path.join(project, "manage.py")
    trouble = None
    if os.path.exists(manage):
        trouble = run_manage(manage)
    if settings:
        os.environ["DJANGO_SETTINGS_MODULE"] = settings
    elif not os.environ.get("DJANGO_SETTINGS_MODULE"):
        found = settings_in(manage)
        if found:
            os.environ["DJANGO_SETTINGS_MODULE"] = found
        else:
            raise Failure(
                "settings",
                "no settings module: manage.py sets none and DJANGO_SETTINGS_MODULE is not set"
                + (" (%s)" % last_line(trouble) if trouble else ""),
                missing=stand_in.missing(trouble),
                lasting=stand_in.lasting(trouble),
            )
    import django

    try:
        # Some projects (django-configurations) have set up already.
        from django.conf import settings as configured

        if stands_in:
            stand_in.clean(configured)
        offline.adopt(configured)
        # Handlers open log files and connect to collectors: none of it is
        # needed here, and a fresh copy of a revision lacks their directories.
        configured.LOGGING_CONFIG = None
        django.setup()
    except BaseException as error:
        from django.apps import apps

        if not apps.models_ready:
            if trouble is not None and "isn't reentrant" in str(error):
                error = trouble  # manage.py sets up itself, and failed there
            message = place(error, project) + last_line(error)
            missing = stand_in.missing(error) or stand_in.missing(trouble)
            lasting = stand_in.lasting(error) and (trouble is None or stand_in.lasting(trouble))
            raise Failure("settings", message, traceback.format_exc(), missing, lasting)
        return [last_line(error)] + finish(apps, error)
    return []


def finish(apps, error):
    """Readies the remaining apps after one failed to.

    All models are loaded by then. What an app does when it is ready often
    needs services that are not there, and is not about migrations.
    """
    notes, passed = [], False
    trace, failed = error.__traceback__, None
    while trace is not None:
        if trace.tb_frame.f_code.co_name == "populate":
            failed = trace.tb_frame.f_locals.get("app_config")
        trace = trace.tb_next
    for config in apps.get_app_configs():
        if passed:
            try:
                config.ready()
            except BaseException as another:
                notes.append(last_line(another))
        passed = passed or config is failed
    apps.ready = True
    apps.ready_event.set()
    return notes


class _Reached(BaseException):
    """manage.py has prepared everything and hands over to Django."""


def run_manage(path):
    """Executes manage.py for its side effects (search path, .env, settings).

    Returns the error that stopped it early, if any: the settings decide
    whether that matters.
    """
    from django.core import management

    def reached(*args, **kwargs):
        raise _Reached

    original = management.execute_from_command_line
    management.execute_from_command_line = reached
    try:
        runpy.run_path(path, run_name="__main__")
    except _Reached:
        return None
    except BaseException as error:
        return error
    finally:
        management.execute_from_command_line = original
    return None


def settings_in(manage):
    """The settings module that manage.py names, read without running it."""
    try:
        with open(manage, "rb") as file:
            tree = ast.parse(file.read())
    except (OSError, SyntaxError, ValueError):
        return None
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call) or len(node.args) < 2:
            continue
        key, value = node.args[0], node.args[1]
        if getattr(node.func, "attr", "") != "setdefault":
            continue
        if getattr(key, "value", None) == "DJANGO_SETTINGS_MODULE":
            if isinstance(getattr(value, "value", None), str):
                return value.value
    return None


def move_search_path(old, new):
    """Reads the project's own packages from another copy of the tree.

    An editable install or PYTHONPATH points into the working tree, while an
    older revision is being rendered from a copy. Installed packages stay.
    """
    old, new = os.path.realpath(old), os.path.realpath(new)

    def moved(path):
        real = os.path.realpath(path)
        inside = real == old or real.startswith(old + os.sep)
        target = new + real[len(old):]
        if inside and "site-packages" not in real and os.path.isdir(target):
            return target
        return path

    sys.path[:] = [moved(path) if path else path for path in sys.path]
    for name, module in list(sys.modules.items()):
        mapping = getattr(module, "MAPPING", None)
        if name.startswith("__editable__") and isinstance(mapping, dict):
            for package, path in list(mapping.items()):
                mapping[package] = moved(path)
