"""Values that stand for defaults which only the database knows."""
import datetime
import decimal
import re
import uuid

_NUMBERS = "smallint integer bigint serial smallserial bigserial"
_STRINGS = "text varchar char character citext xml tsvector tsquery hstore ltree"
_RANGES = "int4range int8range numrange daterange tsrange tstzrange"
_MULTIRANGES = "int4multirange int8multirange nummultirange datemultirange tsmultirange tstzmultirange"

_OF = {
    **dict.fromkeys(_NUMBERS.split(), 0),
    **dict.fromkeys(_STRINGS.split(), ""),
    **dict.fromkeys(_RANGES.split(), "empty"),
    **dict.fromkeys(_MULTIRANGES.split(), "{}"),
    "bit varying": "",
    "boolean": False,
    "bytea": b"",
    "character varying": "",
    "cidr": "0.0.0.0/32",
    "date": datetime.date(2000, 1, 1),
    "double precision": 0.0,
    "inet": "0.0.0.0",
    "interval": datetime.timedelta(0),
    "json": "{}",
    "jsonb": "{}",
    "jsonpath": "$",
    "macaddr": "00:00:00:00:00:00",
    "macaddr8": "00:00:00:00:00:00:00:00",
    "numeric": decimal.Decimal(0),
    "real": 0.0,
    "time with time zone": datetime.time(0, 0, tzinfo=datetime.timezone.utc),
    "time without time zone": datetime.time(0, 0),
    "time": datetime.time(0, 0),
    "timestamp with time zone": datetime.datetime(2000, 1, 1, tzinfo=datetime.timezone.utc),
    "timestamp without time zone": datetime.datetime(2000, 1, 1),
    "timestamp": datetime.datetime(2000, 1, 1),
    "timestamptz": datetime.datetime(2000, 1, 1, tzinfo=datetime.timezone.utc),
    "uuid": uuid.UUID(int=0),
}


def of(db_type):
    """A value that a column of this type takes; None for types that nobody here knows."""
    if not db_type:
        return None
    if db_type.rstrip().endswith("]"):
        return "{}"
    # Without a length, a precision, a collation: "varchar(20) COLLATE ...".
    name = re.sub(r"\s*\([^)]*\)", "", db_type.lower()).split(" collate ")[0]
    return _OF.get(" ".join(name.split()))
