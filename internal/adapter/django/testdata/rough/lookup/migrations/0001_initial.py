import functools
import random
import uuid

import django.db.models.deletion
from django.contrib.postgres import fields as postgres
from django.contrib.postgres.operations import CITextExtension, HStoreExtension
from django.db import connection, migrations, models


def first(table="lookup_domain"):
    with connection.cursor() as cursor:
        cursor.execute("SELECT id FROM %s LIMIT 1" % table)
        return cursor.fetchone()[0]


def or_none():
    try:
        return first()
    except Exception:
        return None


def token():
    return uuid.uuid4().hex


def dashed():
    return str(uuid.uuid4())


def signed():
    return "v1:" + token()


class Signed(models.TextField):
    def get_prep_value(self, value):
        if not value.startswith("v1:"):
            raise ValueError("not signed: " + value)
        return "signed"


def draw():
    return random.randint(1, 1 << 30)


class Shape(models.Field):
    def db_type(self, connection):
        return "path"


class Plain(models.Field):
    """A field that must not be asked to prepare a placeholder."""

    def __init__(self, *args, of="integer", **kwargs):
        super().__init__(*args, **kwargs)
        self.of = of

    def deconstruct(self):
        name, path, args, kwargs = super().deconstruct()
        return name, path, args, {**kwargs, "of": self.of}

    def db_type(self, connection):
        return self.of

    def get_db_prep_save(self, value, connection):
        raise TypeError("not a value of mine: %r" % value)


TYPES = """
smallint|integer|bigint|numeric(10, 2)|real|double precision|boolean|text|varchar(20)|character varying(20)
char(3)|citext|hstore|xml|tsvector|tsquery|jsonpath|json|jsonb|bytea|uuid|inet|cidr|macaddr|macaddr8|bit varying(8)
date|time|time without time zone|time(3) with time zone|timestamp|timestamp(3) without time zone
timestamp with time zone|timestamptz|interval|integer[]|varchar(9)[][]
int4range|int8range|numrange|daterange|tsrange|tstzrange|int4multirange|datemultirange
varchar(10) COLLATE "C"
"""


def add(name, field):
    return migrations.AddField("host", name, field)


class Migration(migrations.Migration):
    operations = [
        HStoreExtension(),
        CITextExtension(),
        migrations.CreateModel("Domain", [("id", models.UUIDField(primary_key=True, default=uuid.uuid4))]),
        migrations.CreateModel(
            "Host",
            [("id", models.BigAutoField(primary_key=True)), ("size", models.IntegerField(null=True))],
        ),
        add("domain", models.ForeignKey("lookup.domain", django.db.models.deletion.CASCADE, default=first)),
        add("count", models.IntegerField(default=functools.partial(first, "lookup_host"))),
        add("caught", models.CharField(max_length=9, default=or_none)),
        migrations.AlterField("host", "size", models.IntegerField(default=first)),
        add("token", models.CharField(max_length=40, default=token)),
        add("drawn", models.IntegerField(default=draw)),
        add("handle", models.UUIDField(default=token)),
        add("dashed", models.UUIDField(default=dashed)),
        add("signed", Signed(default=signed)),
        # What is not a default stays open: this type, and what it would take.
        add("shape", Shape(default=first)),
        add("plain", models.TextField(default="")),
    ] + [
        add("t%d" % number, Plain(of=kind, default=first))
        for number, kind in enumerate(TYPES.strip().replace("\n", "|").split("|"))
    ]
