"""Records what an Alembic command with --sql prints: each statement with its revision, place and transaction.

The record has one JSON object per line:

    {"event": "revision", "id", "path", "down", "depends", "labels"}
    {"event": "sql", "id", "sql", "block", "class", "table", "column", "line", "column_at", "end_line", "end_column", "literal"}
    {"event": "opaque", "id", "line", "why", "failed"}
    {"event": "end", "per_migration", "transactional"}

Nothing connects to a database. A revision that reads the result of a query is
stopped there and reported: what follows is not known. The other revisions are
rendered all the same.
"""
import ast
import functools
import importlib.util
import json
import os
import sys
import traceback
from contextlib import contextmanager

_TARGET = "alembic.runtime.migration"
_MOST_ROWS = 1000  # rows of one call that are recorded


class NeedsDatabase(BaseException):
    """The migration asks the database. Not an Exception: a migration must not catch it."""


class Finder:
    """Changes Alembic's module right after its import."""

    def __init__(self, trace):
        self.trace = trace

    def find_spec(self, name, path=None, target=None):
        if name != _TARGET:
            return None
        sys.meta_path.remove(self)
        spec = importlib.util.find_spec(name)
        if spec is None or spec.loader is None:
            return spec
        execute = spec.loader.exec_module

        def exec_module(module):
            execute(module)
            change(module, Recorder(self.trace))

        spec.loader.exec_module = exec_module
        return spec


def install(trace):
    sys.meta_path.insert(0, Finder(trace))


class Places:
    """Finds the statement of a file that contains a line."""

    def __init__(self):
        self.files = {}

    def statement(self, path, line):
        if path not in self.files:
            try:
                with open(path, "rb") as file:
                    tree = ast.parse(file.read())
                self.files[path] = [n for n in ast.walk(tree) if isinstance(n, ast.stmt)]
            except (OSError, SyntaxError, ValueError):
                self.files[path] = []
        best = None
        for node in self.files[path]:
            end = getattr(node, "end_lineno", None) or node.lineno
            if node.lineno <= line <= end and (best is None or node.lineno >= best.lineno):
                best = node
        if best is None or hasattr(best, "body"):
            # The head of a loop or of a with: one line.
            return {"line": line, "column_at": 1, "end_line": line, "end_column": 1}
        return {
            "line": best.lineno,
            "column_at": best.col_offset + 1,
            "end_line": getattr(best, "end_lineno", None) or best.lineno,
            "end_column": (getattr(best, "end_col_offset", None) or 0) + 1,
        }


class Recorder:
    def __init__(self, path):
        self.file = open(path, "a", encoding="utf-8", errors="backslashreplace")
        self.places = Places()
        self.revision = None  # the running one
        self.module_path = ""
        self.block, self.autocommit = 1, 0
        self.existing = set()  # types and tables, as ("type", "public", "color")
        self.checkfirst = False

    def write(self, event, **data):
        data["event"] = event
        json.dump(data, self.file, ensure_ascii=False)
        self.file.write("\n")
        self.file.flush()

    def place(self):
        """Returns the place in the running revision, and the operation that it calls."""
        frame, called, found = sys._getframe(2), None, None
        inner = []
        while frame is not None:
            if same_file(frame.f_code.co_filename, self.module_path):
                found = frame
                break
            inner.append(frame)
            frame = frame.f_back
        if found is None:
            return {"line": 1, "column_at": 1, "end_line": 1, "end_column": 1}, ""
        for f in reversed(inner):
            name = f.f_code.co_filename.replace("\\", "/")
            if name == "<string>" or "/alembic/operations/" in name:
                called = f.f_code.co_name
                break
        return self.places.statement(self.module_path, found.f_lineno), called or ""

    def sql(self, text, literal, table="", column=""):
        text = text.strip()
        if self.revision is None or not text:
            return
        place, called = self.place()
        self.write(
            "sql", id=self.revision, sql=text, literal=literal, table=table, column=column,
            block=0 if self.autocommit else self.block, **{"class": called}, **place,
        )

    def opaque(self, why, failed=False, place=None):
        if place is None:
            place = self.place()[0]
        self.write("opaque", id=self.revision, why=why, failed=failed, **place)


def same_file(a, b):
    return a == b or os.path.basename(a) == os.path.basename(b) and os.path.realpath(a) == os.path.realpath(b)


class Unknown:
    """The result of a query that nobody has run."""

    def __init__(self, what="the result of a query"):
        object.__setattr__(self, "_what", what)

    def _ask(self, *_, **__):
        raise NeedsDatabase("reads " + object.__getattribute__(self, "_what"))

    def __getattr__(self, name):
        if name == "close":
            return lambda: None
        if name.startswith("__"):
            raise AttributeError(name)
        return self._ask()

    __iter__ = __bool__ = __len__ = __getitem__ = __next__ = __int__ = __float__ = _ask
    __eq__ = __ne__ = __lt__ = __gt__ = __le__ = __ge__ = __contains__ = __str__ = _ask
    __enter__ = __exit__ = __format__ = __add__ = __radd__ = _ask
    __hash__ = None


def as_rows(parameters):
    if not parameters:
        return [None]
    return list(parameters) if isinstance(parameters, (list, tuple)) else [parameters]


def with_values(construct, row):
    """Returns a statement with its parameters as values."""
    from sqlalchemy import text

    if row is None:
        return construct
    if isinstance(construct, type(text(""))):
        return construct.bindparams(**row)
    if getattr(construct, "is_insert", False) or getattr(construct, "__visit_name__", "") == "insert":
        return construct.values(**row)
    return construct.params(**row)


def make_bind(base, recorder):
    """Returns a class for the connection that op.get_bind() returns."""
    asks = {
        "begin", "begin_nested", "begin_twophase", "rollback", "connection",
        "get_transaction", "get_nested_transaction", "get_isolation_level", "info", "invalidate",
        "detach", "table_names", "has_table", "default_isolation_level", "run_callable", "transaction",
    }

    class Bind(base):
        # Statements about the same objects that a checkfirst has skipped.
        _skipped = frozenset()

        def execute(self, obj, parameters=None, *rest, **kw):
            from sqlalchemy import text

            construct = text(obj) if isinstance(obj, str) else obj
            if recorder.revision is None:
                return self._dump(construct)
            if recorder.checkfirst and self._is_there(construct):
                return Unknown()
            kw.pop("execution_options", None)
            if kw and parameters is None:
                parameters = kw
            rows = as_rows(parameters)
            for row in rows[:_MOST_ROWS]:
                self._dump(with_values(construct, row))
            return Unknown()

        def _dump(self, construct):
            return self._onward_context.impl._exec(construct)

        def exec_driver_sql(self, statement, parameters=None, execution_options=None):
            if parameters:
                raise NeedsDatabase("sends a statement of the driver with parameters")
            recorder.sql(statement, True)
            return Unknown()

        def scalar(self, *args, **kw):
            self.execute(*args, **kw)
            return Unknown()

        scalars = scalar

        def execution_options(self, **kw):
            if kw.get("isolation_level"):
                raise NeedsDatabase("sets an isolation level on the connection")
            return self

        def close(self):
            pass

        def commit(self):
            """The next statement begins a transaction."""
            if not recorder.autocommit:
                recorder.block += 1

        def _run_ddl_visitor(self, visitor, element, **kw):
            before, recorder.checkfirst = recorder.checkfirst, bool(kw.get("checkfirst"))
            self._skipped = set()
            try:
                return base._run_ddl_visitor(self, visitor, element, **kw)
            finally:
                recorder.checkfirst = before

        def _is_there(self, construct):
            """Reports whether checkfirst skips a statement."""
            name, element = type(construct).__name__, getattr(construct, "element", None)
            kind = "type" if "Type" in name else "table"
            if name.startswith("Create") and name in ("CreateEnumType", "CreateDomainType", "CreateTable"):
                if key_of(kind, element) in recorder.existing:
                    self._skipped.add(id(element))
                    return True
            if name in ("DropEnumType", "DropDomainType", "DropTable"):
                return key_of(kind, element) not in recorder.existing
            if name == "CreateIndex":
                return id(getattr(element, "table", None)) in self._skipped
            return False

        def __getattr__(self, name):
            if name in asks:
                raise NeedsDatabase("uses %s of the connection" % name)
            # Alembic itself asks for some that an offline connection lacks.
            raise AttributeError("the offline connection has no %s" % name)

        def __enter__(self):
            return self

        def __exit__(self, *_):
            return None

    try:
        from sqlalchemy.inspection import _inspects

        @_inspects(Bind)
        def ask(bind):
            raise NeedsDatabase("inspects the database")
    except ImportError:
        pass
    return Bind


def key_of(kind, element):
    schema = getattr(element, "schema", None) or "public"
    return (kind, str(schema).lower(), str(getattr(element, "name", "")).lower())


def track(existing, text):
    """Follows which types and tables exist, by the text of a statement."""
    import re

    name = r'(?:"?(\w+)"?\.)?"?(\w+)"?'
    flags = re.I
    for m in re.finditer(r"\bCREATE\s+(TYPE|DOMAIN|(?:UNLOGGED\s+)?TABLE)\s+(?:IF\s+NOT\s+EXISTS\s+)?" + name, text, flags):
        existing.add((kind_of(m.group(1)), (m.group(2) or "public").lower(), m.group(3).lower()))
    for m in re.finditer(r"\bDROP\s+(TYPE|DOMAIN|TABLE)\s+(?:IF\s+EXISTS\s+)?" + name, text, flags):
        existing.discard((kind_of(m.group(1)), (m.group(2) or "public").lower(), m.group(3).lower()))
    for m in re.finditer(r"\bALTER\s+(TYPE|DOMAIN|TABLE)\s+(?:IF\s+EXISTS\s+)?" + name + r'\s+RENAME\s+TO\s+"?(\w+)"?', text, flags):
        schema = (m.group(2) or "public").lower()
        existing.discard((kind_of(m.group(1)), schema, m.group(3).lower()))
        existing.add((kind_of(m.group(1)), schema, m.group(4).lower()))


def kind_of(word):
    return "table" if word.upper().endswith("TABLE") else "type"


def last_line(error):
    text = "".join(traceback.format_exception_only(type(error), error)).strip()
    return text.splitlines()[0][:1000] if text else type(error).__name__


def failed_at(error, path):
    """Returns the innermost line of a file in an error's traceback."""
    line, tb = 1, error.__traceback__
    while tb is not None:
        if same_file(tb.tb_frame.f_code.co_filename, path):
            line = tb.tb_lineno
        tb = tb.tb_next
    return line


def change(module, recorder):
    context_class = module.MigrationContext
    record_steps(context_class, recorder)
    record_autocommit(context_class, recorder)
    record_connection(context_class, recorder)
    refuse_connections(recorder)
    skip_shared_ids()


def refuse_connections(recorder):
    from sqlalchemy.engine.default import DefaultDialect

    def connect(self, *args, **kw):
        why = "connects to a database"
        raise NeedsDatabase(why if recorder.revision else why + "; does the command have --sql?")

    DefaultDialect.connect = connect


def skip_shared_ids():
    """Loads one revision of each id: with two, Alembic finds several heads, and nothing can be rendered."""
    from alembic.script.revision import RevisionMap

    original = RevisionMap.__init__

    def __init__(self, generator):
        def first_of_each():
            revisions, first = list(generator()), {}
            for r in sorted(revisions, key=lambda r: getattr(r, "path", "")):
                first.setdefault(r.revision, r)
            return [r for r in revisions if first[r.revision] is r]

        original(self, first_of_each)

    RevisionMap.__init__ = __init__


def watch_offline_mode(recorder):
    """A revision that asks for the mode may do something else on a database."""
    from alembic.runtime.environment import EnvironmentContext

    original = EnvironmentContext.is_offline_mode

    def is_offline_mode(self):
        if recorder.revision is not None:
            recorder.opaque("asks for the offline mode; on a database it may do something else")
        return original(self)

    EnvironmentContext.is_offline_mode = is_offline_mode


def record_connection(context_class, recorder):
    original = context_class._stdout_connection

    def _stdout_connection(self, connection):
        mock = original(self, connection)
        bind = make_bind(type(mock), recorder)(self.dialect, None)
        bind.__dict__.pop("execute", None)  # SQLAlchemy 1.4 keeps the function there
        bind._onward_context = self
        return bind

    context_class._stdout_connection = _stdout_connection


def record_autocommit(context_class, recorder):
    original = context_class.autocommit_block

    @contextmanager
    def autocommit_block(self):
        with original(self):
            recorder.autocommit += 1
            try:
                yield
            finally:
                recorder.autocommit -= 1
                recorder.block += 1

    context_class.autocommit_block = autocommit_block


def record_steps(context_class, recorder):
    original = context_class.run_migrations

    def run_migrations(self, **kw):
        if not self.as_sql:
            raise NeedsDatabase("connects to a database: the command lacks --sql")
        record_statements(self.impl, recorder)
        watch_offline_mode(recorder)
        steps = self._migrations_fn

        def recorded(heads, context):
            for step in steps(heads, context):
                yield record_step(step, recorder)

        self._migrations_fn = recorded
        original(self, **kw)
        recorder.write(
            "end",
            per_migration=bool(getattr(self, "_transaction_per_migration", False)),
            transactional=bool(self.impl.transactional_ddl),
        )

    context_class.run_migrations = run_migrations


def record_step(step, recorder):
    revision = getattr(step, "revision", None)
    run = step.migration_fn
    if revision is None:
        return step

    def listed(value):
        return [value] if isinstance(value, str) else list(value or ())

    recorder.write(
        "revision", id=revision.revision, path=os.path.realpath(revision.path), down=listed(revision.down_revision),
        depends=listed(revision.dependencies), labels=sorted(getattr(revision, "branch_labels", None) or ()),
    )

    @functools.wraps(run)
    def migration_fn(**kw):
        recorder.revision, recorder.module_path = revision.revision, revision.path
        recorder.block, recorder.autocommit = 1, 0
        try:
            run(**kw)
        except NeedsDatabase as error:
            place = recorder.places.statement(revision.path, failed_at(error, revision.path))
            recorder.opaque(str(error), False, place)
        except Exception as error:
            place = recorder.places.statement(revision.path, failed_at(error, revision.path))
            offline = "the offline connection has no" in str(error)
            recorder.opaque(str(error) if offline else last_line(error), not offline, place)
        finally:
            recorder.revision = None

    step.migration_fn = migration_fn
    return step


def record_statements(impl, recorder):
    from sqlalchemy import schema, text

    recorder.write("dialect", name=impl.dialect.name)
    execute = impl._exec
    # Only a driver with such parameters reads a percent sign twice.
    impl.dialect.identifier_preparer._double_percents = False

    def _exec(construct, *args, **kw):
        if recorder.revision is None:
            return execute(construct, *args, **kw)
        literal = isinstance(construct, str)
        if literal:
            construct = text(construct)
        ddl = isinstance(construct, getattr(schema, "ExecutableDDLElement", schema.DDLElement))
        compiled = construct.compile(dialect=impl.dialect, **({} if ddl else {"compile_kwargs": {"literal_binds": True}}))
        sql = str(compiled)
        element = getattr(construct, "element", None)
        table, column = subject(construct, element)
        literal = literal or isinstance(construct, type(text("")))
        recorder.sql(sql, literal, table, column)
        track(recorder.existing, sql)
        return Unknown()

    impl._exec = _exec


def subject(construct, element):
    """Returns the table and the column that an operation is about."""
    table = getattr(construct, "table_name", "") or getattr(getattr(element, "table", None), "name", "") or ""
    column = getattr(construct, "column_name", "") or ""
    added = getattr(construct, "column", None)
    if not column and added is not None:
        column = getattr(added, "name", "") if not isinstance(added, str) else added
    return str(table or ""), str(column or "")
