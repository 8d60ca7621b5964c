"""A PostgreSQL connection of Django's own make that never connects.

It is the backend that the project uses (or Django's, where the settings name
another database), with the connection, the cursor, introspection and the
schema editor's last step replaced. What the editor would send is recorded;
what it would ask is answered from what was recorded.
"""
import datetime
import re
import uuid

from . import driver, placeholders, tables, zero_downtime

_POSTGRES = "django.db.backends.postgresql"
_pg = 16
_named = {}  # alias -> (vendor, engine) that the settings name, "postgresql" or another


_SETTING = re.compile(r"\s*SET\s+(?:SESSION\s+)?(\w+)\s*(?:=|\bTO\b)\s*'?([\w. ]+?)'?\s*;?\s*$", re.I)
_READ_SETTING = re.compile(r"FROM pg_settings WHERE name = '(lock_timeout|statement_timeout)'")


def install(pg):
    """Makes every database of the settings an offline one."""
    global _pg
    _pg = pg
    from django.db import utils

    original = utils.load_backend
    made = {}

    def load_backend(name):
        if name not in made:
            wrapper, failed = _wrapper(original, name)
            if failed:  # perhaps only because the apps are not loaded yet
                return _Module(wrapper)
            made[name] = _Module(wrapper)
        return made[name]

    utils.load_backend = load_backend


class _Module:
    def __init__(self, wrapper):
        self.DatabaseWrapper = wrapper


def adopt(settings):
    """Says PostgreSQL where the settings name another database.

    Code that looks at the setting (routers, models, fields) then agrees with
    the SQL that is rendered.
    """
    from django.db.utils import load_backend

    databases = getattr(settings, "DATABASES", None) or {}
    if not databases.get("default"):
        databases["default"] = {"ENGINE": _POSTGRES, "NAME": "onward"}
    for alias, options in databases.items():
        engine = options.setdefault("ENGINE", _POSTGRES)
        wrapper = load_backend(engine).DatabaseWrapper
        options.setdefault("NAME", "onward")
        _named[alias] = (wrapper.onward_vendor, engine)
        if wrapper.onward_vendor != "postgresql":
            options["ENGINE"] = _POSTGRES
            options["OPTIONS"] = {}
    settings.DATABASES = databases


def aliases():
    """The databases that are read as PostgreSQL, and the vendors of the others by alias.

    Those beside the default one are what they say, but where the default one
    itself stands for PostgreSQL (SQLite in CI): then all of its kind do.
    """
    read_as = ("postgresql", named("default")[0])
    own = [alias for alias in _named if _named[alias][0] in read_as]
    own.sort(key=lambda alias: alias != "default")
    return own, {alias: _named[alias][0] for alias in _named if alias not in own}


def named(alias):
    """(vendor, engine) of a database in the settings."""
    return _named[alias]


def _wrapper(load, name):
    """The offline class for a backend, and whether the backend itself failed to load."""
    from django.db.backends.postgresql.base import DatabaseWrapper as Postgres

    vendor, failed = "", False
    try:
        base = load(name).DatabaseWrapper
        vendor = getattr(base, "vendor", "")
    except Exception:  # a backend whose libraries are missing (PostGIS without GDAL)
        base, failed = Postgres, True
        vendor = "postgresql" if "postg" in name else name.rsplit(".", 1)[-1]
    if not issubclass(base, Postgres):
        base = Postgres
    return _offline(base, vendor), failed


def _record(editor, sql, params=()):
    recorder = editor.connection.onward
    text = recorder.merge(sql, params)
    if getattr(editor, "is_altering_field_type", False):  # of django-pgtrigger's editor, which waits for a refusal
        refused = recorder.tables.triggers.refusal(text)
        if refused:
            raise recorder.refused(refused)
    recorder.record(text)


def _offline(base, vendor):
    from django.db.backends.postgresql import schema

    class Introspection(base.introspection_class):
        def get_constraints(self, cursor, table_name):
            return self.connection.onward.ask(lambda known: known.describe(table_name))

        def get_sequences(self, cursor, table_name, table_fields=()):
            return self.connection.onward.ask(lambda known: known.sequences(table_name))

        def get_table_list(self, cursor):
            from django.db.backends.base.introspection import TableInfo

            return self.connection.onward.ask(
                lambda known: [TableInfo(name, "t") for name in known.tables]
            )

    # Where Django sends a statement: a backend's own execute, which may make
    # several of one, comes before.
    schema.DatabaseSchemaEditor.execute = _record

    class Editor(base.SchemaEditorClass):
        def __init__(self, *args, **kwargs):
            super().__init__(*args, **kwargs)
            zero_downtime.adopt(self)

        locals().update(zero_downtime.answers(base.SchemaEditorClass))

        def __enter__(self):
            self.deferred_sql = []
            return self

        def __exit__(self, exc_type, exc_value, trace):
            recorder = self.connection.onward
            try:
                for recorder.deferred in self.deferred_sql if exc_type is None else ():
                    self.execute(recorder.deferred, None)
            finally:
                recorder.deferred = None

        def _effective_default(self, field):  # static in Django, which calls it on the editor
            recorder = self.connection.onward
            asked = len(recorder.asked)
            try:
                value = base.SchemaEditorClass._effective_default(field)
            except Exception:
                if len(recorder.asked) == asked:
                    raise
                raise _Unknown(asked)
            # Also where its author caught the error and went on.
            if len(recorder.asked) > asked:
                raise _Unknown(asked)
            if isinstance(value, (str, int)) and callable(field.default) and field.get_default() != value:
                return _even(field, value, self.connection)
            return settled(field, value)

        def effective_default(self, field):
            recorder = self.connection.onward
            try:
                return super().effective_default(field)
            except _Unknown as unknown:
                # A default that is looked up in the database is a constant
                # once it is in the statement: which one changes no lock, no
                # work and no column.
                value = placeholders.of(field.db_type(self.connection))
                if value is None:
                    raise recorder.error(recorder.asked[unknown.asked])
                del recorder.asked[unknown.asked :]
                recorder.stand_in(field)
                return value

    class DatabaseWrapper(base):
        SchemaEditorClass = Editor
        introspection_class = Introspection
        onward_vendor = vendor
        pg_version = property(lambda self: _pg * 10000)

        def __init__(self, *args, **kwargs):
            super().__init__(*args, **kwargs)
            self.onward = Recorder(self)
            self.introspection = Introspection(self)  # where the backend made another
            self.ops.compose_sql = self.onward.merge
            if hasattr(self.ops, "postgis_lib_version"):
                self.ops.__dict__["spatial_version"] = (3, 4, 0)

        def cursor(self, *args, **kwargs):
            return Cursor(self.onward)

        chunked_cursor = cursor

        def ensure_connection(self):
            pass

        connect = ensure_connection
        close = ensure_connection
        commit = rollback = ensure_connection

        def get_autocommit(self):
            return self.autocommit

        def set_autocommit(self, autocommit, *args, **kwargs):
            self.autocommit = autocommit

        def savepoint(self):
            return "onward"

        def savepoint_commit(self, sid):
            pass

        savepoint_rollback = savepoint_commit

        def is_usable(self):
            return True

    return DatabaseWrapper


class _Unknown(Exception):
    """The default of a field asks the database; what was asked before it is not its."""

    def __init__(self, asked):
        super().__init__("the default of a field asks the database")
        self.asked = asked


def settled(field, value):
    """A default that depends on the moment or on chance, made the same each time."""
    if not (callable(field.default) or getattr(field, "auto_now", 0) or getattr(field, "auto_now_add", 0)):
        return value
    if isinstance(value, datetime.datetime):
        return datetime.datetime(2000, 1, 1, tzinfo=value.tzinfo)
    if isinstance(value, datetime.date):
        return datetime.date(2000, 1, 1)
    if isinstance(value, datetime.time):
        return datetime.time(0, 0, tzinfo=value.tzinfo)
    if isinstance(value, uuid.UUID):
        return uuid.UUID(int=0)
    return value


def _even(field, value, connection):
    """A string or a number that is made by chance, the same each time."""
    same = re.sub(r"[^\W_]", "0", value) if isinstance(value, str) else 0
    try:
        field.get_db_prep_save(same, connection)
    except Exception:  # a field that takes some values only
        return value
    return same


class Recorder:
    """What one connection was told to run, and what it knows from that."""

    def __init__(self, connection):
        self.connection = connection
        self.tables = tables.Tables()
        self.sink = None  # called with (sql, deferred) while migrations run
        self.deferred = None  # what was held back until the end of the migration, when that is sent
        self.settings = {}  # of the session, as far as statements set them
        self.asked = []  # questions that nobody here can answer
        self.defaults = []  # [(field, function)]: a placeholder stands for the value

    def record(self, sql):
        if self.sink is None:
            raise self.refusal("runs: " + _short(sql))
        self.sink(sql, self.deferred)
        self.tables.run(sql)
        setting = _SETTING.match(sql)
        if setting:
            self.settings[setting.group(1).lower()] = setting.group(2)

    def ask(self, question):
        try:
            return question(self.tables)
        except tables.Doubt as doubt:
            raise self.refusal(str(doubt))

    def refusal(self, question):
        self.asked.append(question)
        return self.error(question)

    def refused(self, message):
        from django.db.utils import NotSupportedError

        return NotSupportedError(message)

    def error(self, question):
        from django.db.utils import OperationalError

        return OperationalError("no database while rendering: " + question)

    def stand_in(self, field):
        """Takes note of a default whose value is not known."""
        function = getattr(field.default, "func", field.default)  # functools.partial
        known = (field.name, getattr(function, "__qualname__", type(function).__name__))
        if known not in self.defaults:
            self.defaults.append(known)

    def merge(self, sql, params=()):
        """The statement with its parameters in place, as the driver sends it."""
        text = _text(sql)
        if params is None:
            return text
        if isinstance(params, dict):
            return text % {key: self.literal(value) for key, value in params.items()}
        return text % tuple(self.literal(value) for value in params)

    def literal(self, value):
        editor = self.connection.schema_editor()
        try:
            text = editor.quote_value(value)
        except Exception:
            return driver.literal(value)
        # quote_value doubles the percent signs of plain strings.
        return text.replace("%%", "%") if isinstance(value, str) else text


class Cursor:
    """A cursor without a server: records changes, answers what it can."""

    rowcount = -1
    description = None
    connection = None

    def __init__(self, recorder):
        self.recorder = recorder
        self.rows = []

    def __enter__(self):
        return self

    def __exit__(self, *args):
        pass

    def close(self):
        pass

    def execute(self, sql, params=None):
        recorder = self.recorder
        text = " ".join(_text(sql).split())
        values = list(params) if isinstance(params, (list, tuple)) else []
        if "FROM pg_extension WHERE extname = " in text and values:
            self.rows = [(1,)] if values[0] in recorder.tables.extensions else []
        elif "FROM pg_collation WHERE collname = " in text and values:
            self.rows = [(self._deterministic(values[0]),)]
        elif "FROM pg_type" in text and "typname" in text:
            self.rows = []  # object ids of extension types: only a live driver uses them
        elif _READ_SETTING.search(text):
            self.rows = [(self._setting(_READ_SETTING.search(text).group(1)),)]
        elif recorder.tables.triggers.asked(text):
            self.rows = [(recorder.tables.triggers.asked(text),)]
        elif "postgis_lib_version" in text:
            self.rows = [("3.4.0",)]
        elif recorder.sink and text.split(" ", 1)[0].lower() not in ("select", "with", "show", "table", "values"):
            recorder.record(recorder.merge(sql, params))
            self.rows = None
        else:
            raise recorder.refusal("asks the database: " + _short(text))

    def _setting(self, name):
        """A timeout, which is off where neither a statement nor the settings set it."""
        from .project import session

        settings = self.recorder.settings
        return settings.get(name) or session(self.recorder.connection).get(name) or "0ms"

    def _deterministic(self, collation):
        known = self.recorder.tables.collations
        if collation in known:
            return known[collation]
        # All collations that PostgreSQL brings or imports are deterministic.
        if collation in ("C", "POSIX", "default", "ucs_basic", "unicode", "pg_c_utf8") or (
            collation.endswith("-x-icu") or "_" in collation[:4]
        ):
            return True
        raise self.recorder.refusal('asks the database whether collation "%s" is deterministic' % collation)

    def executemany(self, sql, many):
        for params in many:
            self.execute(sql, params)

    def fetchone(self):
        rows = self.fetchall()
        return rows[0] if rows else None

    def fetchall(self):
        if self.rows is None:
            raise self.recorder.refusal("reads the result of a statement")
        return self.rows

    fetchmany = lambda self, *args: self.fetchall()  # noqa: E731

    def __iter__(self):
        return iter(self.fetchall())


def _text(sql):
    """The text of a statement: a string, Django's Statement, or a driver's Composed."""
    compose = getattr(sql, "as_string", None)
    return compose(None) if compose else str(sql)


def _short(sql):
    text = " ".join(sql.split())
    return text if len(text) <= 120 else text[:117] + "..."
