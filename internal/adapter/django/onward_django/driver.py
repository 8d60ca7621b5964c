"""A stand-in for psycopg2, for environments that have no Postgres driver.

Django's PostgreSQL backend imports its driver at module level, but rendering
SQL needs only the quoting of literals and the range types from it. Where the
project's own environment has a driver, that one is used and this is not.
"""
import datetime
import decimal
import importlib
import json
import re
import sys
import types
import uuid

_name = ""
_hstore_text = False  # psycopg sends hstore as text, psycopg2 as a call of hstore()


def name():
    """psycopg, psycopg2, or none for the stand-in."""
    return _name


def ensure(django_version):
    """Makes sure that Django's PostgreSQL backend can be imported."""
    global _name, _hstore_text
    usable = ["psycopg", "psycopg2"] if django_version >= (4, 2) else ["psycopg2"]
    for candidate in usable:
        try:
            importlib.import_module(candidate)
        except ImportError:
            continue
        _name = candidate
        _hstore_text = candidate == "psycopg"
        return
    _name = "none"
    _hstore_text = django_version >= (5, 0)  # by then most projects have moved to psycopg
    _install()


def literal(value):
    """A value as an SQL literal, in psycopg2's spelling."""
    if value is None:
        return "NULL"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, float, decimal.Decimal)):
        text = str(value)
        if text.lower().lstrip("-") in ("nan", "inf", "infinity"):
            return "'%s'::%s" % (text, "float" if isinstance(value, float) else "numeric")
        return " " + text if text.startswith("-") else text
    if isinstance(value, str):
        escaped = value.replace("'", "''")
        if "\\" in escaped:
            return "E'%s'" % escaped.replace("\\", "\\\\")
        return "'%s'" % escaped
    if isinstance(value, datetime.datetime):
        kind = "timestamptz" if value.tzinfo else "timestamp"
        return "'%s'::%s" % (value.isoformat(), kind)
    if isinstance(value, datetime.date):
        return "'%s'::date" % value.isoformat()
    if isinstance(value, datetime.time):
        return "'%s'::%s" % (value.isoformat(), "timetz" if value.tzinfo else "time")
    if isinstance(value, datetime.timedelta):
        return "'%d days %d.%06d seconds'::interval" % (
            value.days,
            value.seconds,
            value.microseconds,
        )
    if isinstance(value, uuid.UUID):
        return "'%s'::uuid" % value
    if isinstance(value, (bytes, bytearray, memoryview)):
        return "'\\x%s'::bytea" % bytes(value).hex()
    if isinstance(value, list):
        if not value:
            return "'{}'"
        return "ARRAY[%s]" % ",".join(literal(item) for item in value)
    if isinstance(value, tuple):
        return "(%s)" % ", ".join(literal(item) for item in value)
    if isinstance(value, dict) and all(isinstance(text, str) for text in _strings(value)):
        return _hstore(value)
    raise TypeError("can't adapt type %r" % type(value).__name__)


def _strings(value):
    """What has to be a string in a dict that the drivers send as hstore."""
    return [*value, *(item for item in value.values() if item is not None)]


def _hstore(value):
    """A dict: only connections to a server that has hstore can send one."""
    if value and not _hstore_text:
        return "hstore(%s, %s)" % (literal(list(value)), literal(list(value.values())))

    def quoted(text):
        return "NULL" if text is None else '"%s"' % re.sub(r'(["\\])', r"\\\1", text)

    pairs = ",".join("%s=>%s" % (quoted(key), quoted(item)) for key, item in value.items())
    text = literal(pairs)
    # psycopg sets backslashes off by a space.
    return (" " if text.startswith("E") else "") + text + "::hstore"


class _Adapted:
    encoding = "utf8"

    def __init__(self, value):
        self.adapted = value

    def prepare(self, connection):
        pass

    def getquoted(self):
        return literal(self.adapted).encode()

    def __str__(self):
        return self.getquoted().decode()


class Range:
    """psycopg2's range: bounds and emptiness, comparable and hashable."""

    cast = ""

    def __init__(self, lower=None, upper=None, bounds="[)", empty=False):
        self._lower, self._upper, self._bounds = lower, upper, bounds
        if empty:
            self._lower = self._upper = self._bounds = None

    lower = property(lambda self: self._lower)
    upper = property(lambda self: self._upper)
    isempty = property(lambda self: self._bounds is None)
    lower_inf = property(lambda self: bool(self._bounds) and self._lower is None)
    upper_inf = property(lambda self: bool(self._bounds) and self._upper is None)
    lower_inc = property(lambda self: bool(self._bounds) and self._bounds[0] == "[")
    upper_inc = property(lambda self: bool(self._bounds) and self._bounds[1] == "]")

    def _key(self):
        return (self._lower, self._upper, self._bounds)

    def __eq__(self, other):
        return isinstance(other, Range) and self._key() == other._key()

    def __hash__(self):
        return hash(self._key())

    def __repr__(self):
        return "%s(%r, %r, %r)" % (type(self).__name__, *self._key())

    def getquoted(self):
        if self.isempty:
            return b"'empty'" + (("::" + self.cast).encode() if self.cast else b"")
        if self.cast:
            return (
                "%s(%s, %s, '%s')"
                % (self.cast, literal(self._lower), literal(self._upper), self._bounds)
            ).encode()
        ends = ["" if end is None else str(end) for end in (self._lower, self._upper)]
        return ("'%s%s,%s%s'" % (self._bounds[0], *ends, self._bounds[1])).encode()


class Json:
    """A value that is stored as JSON."""

    def __init__(self, adapted, dumps=None):
        self.adapted = adapted
        self._dumps = dumps or json.dumps

    def dumps(self, value):
        return self._dumps(value)

    def getquoted(self):
        return literal(self.dumps(self.adapted)).encode()


class Inet:
    def __init__(self, addr):
        self.addr = addr

    def getquoted(self):
        return (literal(self.addr) + "::inet").encode()


_adapters = {}


def _adapt(value, *args):
    for cls in type(value).__mro__:
        if cls in _adapters:
            return _adapters[cls](value)
    return value if hasattr(value, "getquoted") else _Adapted(value)


def _module(name, **members):
    module = types.ModuleType(name)
    module.__dict__.update(members)
    sys.modules[name] = module
    parent, _, child = name.rpartition(".")
    if parent:
        setattr(sys.modules[parent], child, module)
    return module


def _install():
    def nothing(*args, **kwargs):
        return None

    def refuse(*args, **kwargs):
        raise errors["OperationalError"]("onward renders without a database")

    errors = {"Error": type("Error", (Exception,), {})}
    errors["Warning"] = type("Warning", (Exception,), {})
    errors["InterfaceError"] = type("InterfaceError", (errors["Error"],), {})
    errors["DatabaseError"] = type("DatabaseError", (errors["Error"],), {})
    for kind in ("Data", "Operational", "Integrity", "Internal", "Programming", "NotSupported"):
        errors[kind + "Error"] = type(kind + "Error", (errors["DatabaseError"],), {})

    def by_state(attribute):
        """psycopg2.errors has a class per SQLSTATE: made as they are asked for."""
        if attribute.startswith("__"):
            raise AttributeError(attribute)
        return type(attribute, (errors["DatabaseError"],), {})

    def by_code(attribute):
        if attribute.startswith("__"):
            raise AttributeError(attribute)
        return attribute

    class cursor:
        pass

    _module(
        "psycopg2",
        __version__="2.9.99 (stand-in)",
        __path__=[],
        apilevel="2.0",
        paramstyle="pyformat",
        threadsafety=2,
        connect=refuse,
        Binary=bytes,
        STRING=None,
        **errors
    )
    _module("psycopg2.errors", __getattr__=by_state)
    _module("psycopg2.errorcodes", __getattr__=by_code)
    _module(
        "psycopg2.extensions",
        ISOLATION_LEVEL_AUTOCOMMIT=0,
        ISOLATION_LEVEL_READ_COMMITTED=1,
        ISOLATION_LEVEL_REPEATABLE_READ=2,
        ISOLATION_LEVEL_SERIALIZABLE=3,
        ISOLATION_LEVEL_READ_UNCOMMITTED=4,
        TRANSACTION_STATUS_IDLE=0,
        UNICODE=None,
        UNICODEARRAY=None,
        AsIs=type("AsIs", (_Adapted,), {"getquoted": lambda self: str(self.adapted).encode()}),
        QuotedString=_Adapted,
        ISQLQuote=type("ISQLQuote", (), {}),
        adapt=_adapt,
        register_adapter=lambda cls, adapter: _adapters.__setitem__(cls, adapter),
        register_type=nothing,
        new_type=nothing,
        new_array_type=nothing,
        connection=type("connection", (), {}),
        cursor=cursor,
        quote_ident=lambda text, scope=None: '"%s"' % text.replace('"', '""'),
    )
    _module(
        "psycopg2.extras",
        Range=Range,
        NumericRange=type("NumericRange", (Range,), {}),
        DateRange=type("DateRange", (Range,), {"cast": "daterange"}),
        DateTimeRange=type("DateTimeRange", (Range,), {"cast": "tsrange"}),
        DateTimeTZRange=type("DateTimeTZRange", (Range,), {"cast": "tstzrange"}),
        Json=Json,
        Inet=Inet,
        DictCursor=cursor,
        RealDictCursor=cursor,
        NamedTupleCursor=cursor,
        LoggingConnection=type("LoggingConnection", (), {}),
        execute_values=refuse,
        execute_batch=refuse,
        register_uuid=nothing,
        register_hstore=nothing,
        register_range=nothing,
        register_inet=nothing,
        register_json=nothing,
        register_default_json=nothing,
        register_default_jsonb=nothing,
        register_composite=nothing,
    )

    class Composable:
        def __init__(self, wrapped=None):
            self._wrapped = wrapped

        def as_string(self, context=None):
            return str(self._wrapped)

    class SQL(Composable):
        def format(self, *args, **kwargs):
            return SQL(
                self._wrapped.format(
                    *[part.as_string() for part in args],
                    **{key: part.as_string() for key, part in kwargs.items()}
                )
            )

        def join(self, parts):
            return SQL(self._wrapped.join(part.as_string() for part in parts))

    class Identifier(Composable):
        def __init__(self, *names):
            super().__init__(".".join('"%s"' % part.replace('"', '""') for part in names))

    class Literal(Composable):
        def as_string(self, context=None):
            return _adapt(self._wrapped).getquoted().decode()

    _module(
        "psycopg2.sql",
        Composable=Composable,
        Composed=SQL,
        SQL=SQL,
        Identifier=Identifier,
        Literal=Literal,
    )
