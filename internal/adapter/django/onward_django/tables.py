"""What the rendered SQL has built so far: tables, constraints, indexes.

Django's schema editor asks the database for the names of constraints. This
answers instead, from the statements that the same process rendered before,
named the way PostgreSQL names what a statement leaves unnamed.
"""
import re

from . import triggers
from .tokens import Cursor, spelled, split

# Statements of these kinds leave tables, constraints and indexes as they are.
_HARMLESS = {
    "insert", "update", "delete", "set", "reset", "comment", "grant", "revoke",
    "analyze", "vacuum", "begin", "commit", "rollback", "lock", "truncate",
    "refresh", "notify", "reindex", "cluster", "copy", "explain", "savepoint",
    "show", "start", "values", "checkpoint", "discard", "listen", "security",
}  # fmt: skip


# What begins an element of CREATE TABLE that is no column.
_CONSTRAINTS = {
    ("word", word) for word in ("constraint", "primary", "unique", "check", "foreign", "exclude", "like")
}


class Doubt(Exception):
    """The answer is not known from the migrations alone."""


class Table:
    def __init__(self):
        self.columns = []
        self.constraints = {}  # name -> description, in order of creation
        self.indexes = {}  # name -> description, those that back no constraint
        self.sequences = {}  # column -> sequence
        self.doubt = None  # the statement that may have changed it unseen


class Tables:
    def __init__(self):
        self.tables = {}
        self.extensions = {"plpgsql"}
        self.collations = {}  # name -> deterministic
        self.triggers = triggers.Triggers()

    # Answers.

    def table(self, name):
        table = self.tables.get(name)
        if table is None:
            raise Doubt('table "%s" is not created by any migration rendered before' % name)
        if table.doubt:
            raise Doubt('table "%s" may have been changed by: %s' % (name, table.doubt))
        return table

    def describe(self, name):
        """What introspection.get_constraints answers for a table."""
        if '"' in name:  # the db_table hack for schemas: no relation has this name
            return {}
        table = self.table(name)
        answer = {}
        for key, value in [*table.constraints.items(), *table.indexes.items()]:
            # A foreign key may share its name with an index, and comes first.
            if key not in answer:
                answer[key] = {field: value[field] for field in value if field != "uses"}
        return answer

    def sequences(self, name):
        if '"' in name:
            return []
        return [
            {"name": sequence, "table": name, "column": column}
            for column, sequence in self.table(name).sequences.items()
        ]

    def dump(self):
        return {
            name: {
                "constraints": {} if table.doubt else self.describe(name),
                "sequences": [] if table.doubt else self.sequences(name),
                "doubt": table.doubt or "",
            }
            for name, table in self.tables.items()
        }

    # Folding.

    def run(self, sql):
        """Follows everything that one message does."""
        for tokens, text in spelled(sql):
            try:
                self.triggers.run(tokens, text)
                self._statement(tokens, sql)
            except IndexError:  # ends early: nothing the server would accept
                self._doubt(tokens, sql)

    def _statement(self, tokens, sql):
        words = [value if kind == "word" else "" for kind, value in tokens[:6]]
        verb = words[0]
        if verb in _HARMLESS:
            return
        rest = tokens[1:]
        if verb == "create":
            while rest and rest[0][1] in (
                "or", "replace", "temp", "temporary", "unlogged", "global", "local", "unique",
            ):
                rest = rest[1:]
            what = rest[0][1]
            if what == "table":
                return self._create_table(Cursor(rest[1:]), sql)
            if what == "index":
                return self._create_index(Cursor(rest[1:]), "unique" in words[:3])
            if what == "extension":
                cursor = Cursor(rest[1:])
                cursor.skip("if", "not", "exists")
                self.extensions.add(cursor.take())
                return None
            if what == "collation":
                cursor = Cursor(rest[1:])
                cursor.skip("if", "not", "exists")
                text = [value for _, value in tokens]
                fixed = "deterministic" not in text or text[text.index("deterministic") + 2] != "false"
                self.collations[cursor.name()] = fixed
                return None
            if what in ("schema", "sequence", "type", "domain", "view", "materialized", "function",
                        "procedure", "trigger", "constraint", "policy", "rule", "statistics", "role",
                        "publication", "aggregate", "cast", "operator", "text", "event", "recursive"):
                return None
        elif verb == "alter":
            what = rest[0][1]
            if what == "table":
                return self._alter_table(Cursor(rest[1:]), tokens, sql)
            if what == "index":
                return self._alter_index(Cursor(rest[1:]))
            if what == "sequence":
                return self._alter_sequence(Cursor(rest[1:]))
            return None
        elif verb == "drop":
            what = rest[0][1]
            cursor = Cursor(rest[1:])
            cursor.skip("concurrently")
            cursor.skip("if", "exists")
            if what in ("table", "index", "sequence", "extension"):
                for name in cursor.names():
                    getattr(self, "_drop_" + what)(name)
                return None
            if what in ("schema", "owned"):
                return self._doubt(tokens, sql, everything=True)
            return None
        elif verb == "select":
            # A plain query changes nothing; a call of a function may.
            if not any(value in ("alter", "create", "drop", "execute") for _, value in tokens):
                return None
        return self._doubt(tokens, sql)

    def _doubt(self, tokens, sql, everything=False):
        """Marks every table that a statement nobody follows here mentions."""
        mentioned = set(re.findall(r"\w+", sql))
        for name, table in self.tables.items():
            if everything or name in mentioned:
                table.doubt = table.doubt or " ".join(sql.split())[:80]

    def _create_table(self, cursor, sql):
        unless = cursor.skip("if", "not", "exists")
        name = cursor.name()
        if unless and name in self.tables:
            return
        table = self.tables[name] = Table()
        if cursor.peek() != "(":
            table.doubt = " ".join(sql.split())[:80]
            return
        elements = split(cursor.group())
        # A check may name a column that is written after it.
        table.columns = [e[0][1] for e in elements if e[0] not in _CONSTRAINTS]
        for element in elements:
            self._element(name, table, Cursor(element), sql)
        if cursor.skip("inherits"):
            table.doubt = " ".join(sql.split())[:80]

    def _element(self, name, table, cursor, sql):
        if (cursor.kind(), cursor.peek()) == ("word", "like"):
            table.doubt = " ".join(sql.split())[:80]
        elif (cursor.kind(), cursor.peek()) in _CONSTRAINTS:
            self._table_constraint(name, table, cursor)
        else:
            self._column(name, table, cursor)

    def _table_constraint(self, name, table, cursor):
        given = cursor.name() if cursor.skip("constraint") else None
        word = cursor.take()
        if word in ("primary", "unique"):
            cursor.skip("key")
            cursor.skip("nulls", "not", "distinct") or cursor.skip("nulls", "distinct")
            if cursor.skip("using", "index"):
                index = cursor.name()
                known = table.indexes.pop(index, {"columns": []})
                table.constraints[given or index] = _described(
                    known["columns"], unique=True, primary_key=word == "primary"
                )
                return
            columns = [group[0][1] for group in split(cursor.group())]
            self._unique(name, table, columns, word == "primary", given)
        elif word == "check":
            self._check(name, table, cursor.group(), given)
        elif word == "foreign":
            cursor.skip("key")
            columns = [group[0][1] for group in split(cursor.group())]
            cursor.skip("references")
            self._foreign(name, table, columns, cursor, given)
        elif word == "exclude":
            if cursor.skip("using"):
                cursor.take()
            columns, labels = [], []
            uses = {value for kind, value in cursor.rest() if kind in ("word", "name")}
            for group in split(cursor.group()):
                expression = group[0][1] == "(" or len(group) > 1 and group[1][1] == "("
                if not expression:
                    columns.append(group[0][1])
                labels.append(_label(group) if expression else group[0][1])
            label = given or self._choose(name, "_".join(_distinct(labels)), "excl")
            table.constraints[label] = _described(columns)
            table.constraints[label]["uses"] = uses.intersection(table.columns)

    def _column(self, name, table, cursor):
        column = cursor.name()
        if column not in table.columns:
            table.columns.append(column)
        if cursor.peek() in ("serial", "bigserial", "smallserial", "serial4", "serial8", "serial2"):
            table.sequences[column] = self._choose(name, column, "seq")
        given = None
        while not cursor.done():
            if cursor.skip("constraint"):
                given = cursor.name()
            elif cursor.skip("primary", "key"):
                self._unique(name, table, [column], True, given)
                given = None
            elif cursor.skip("unique"):
                self._unique(name, table, [column], False, given)
                given = None
            elif cursor.kind() == "word" and cursor.peek() == "check":
                cursor.take()
                self._check(name, table, cursor.group(), given)
                given = None
            elif cursor.skip("references"):
                self._foreign(name, table, [column], cursor, given)
                given = None
            elif cursor.skip("as", "identity"):
                table.sequences[column] = self._choose(name, column, "seq")
            elif cursor.peek() == "(":
                cursor.group()
            else:
                cursor.take()

    def _unique(self, name, table, columns, primary, given):
        if given is None:
            given = self._choose(name, "" if primary else "_".join(columns), "pkey" if primary else "key")
        table.constraints[given] = _described(columns, unique=True, primary_key=primary)

    def _check(self, name, table, expression, given):
        columns = []
        for position, (kind, value) in enumerate(expression):
            called = expression[position + 1 : position + 2] == [("mark", "(")]
            if kind in ("name", "word") and value in table.columns and not called:
                if value not in columns:
                    columns.append(value)
        if given is None:
            given = self._choose(name, columns[0] if len(columns) == 1 else "", "check")
        table.constraints[given] = _described(columns, check=True)

    def _foreign(self, name, table, columns, cursor, given):
        target = cursor.name()
        referenced = None
        if cursor.peek() == "(":
            referenced = cursor.group()[0][1]
        if referenced is None:
            for info in self.tables.get(target, Table()).constraints.values():
                if info["primary_key"]:
                    referenced = info["columns"][0]
        if given is None:
            given = self._choose(name, "_".join(columns), "fkey")
        table.constraints[given] = _described(columns, foreign_key=(target, referenced))

    def _create_index(self, cursor, unique):
        cursor.skip("concurrently")
        unless = cursor.skip("if", "not", "exists")
        given = None if cursor.peek() == "on" and cursor.kind() == "word" else cursor.name()
        cursor.skip("on")
        cursor.skip("only")
        name = cursor.name()
        table = self.tables.get(name)
        if table is None:
            return
        if unless and given in table.indexes:
            return
        method = cursor.take() if cursor.skip("using") else "btree"
        columns, orders, labels = [], [], []
        uses = {value for kind, value in cursor.rest() if kind in ("word", "name")}
        for group in split(cursor.group()):
            expression = len(group) > 1 and group[1][1] in ("(", ".") or group[0][1] == "("
            columns.append(None if expression else group[0][1])
            labels.append(_label(group) if expression else group[0][1])
            if method == "btree":
                orders.append("DESC" if ("word", "desc") in group else "ASC")
        if cursor.skip("include"):
            for group in split(cursor.group()):
                columns.append(group[0][1])
                labels.append(group[0][1])
                orders.append("ASC")
        if given is None:
            given = self._choose(name, "_".join(_distinct(labels)), "idx")
        cursor.skip("nulls", "not", "distinct") or cursor.skip("nulls", "distinct")
        options = cursor.skip("with")
        plain = method == "btree" and not given.endswith("_btree") and not options
        table.indexes[given] = {
            "columns": columns if columns != [None] else [],
            "orders": orders,
            "primary_key": False,
            "unique": unique,
            "foreign_key": None,
            "check": False,
            "index": True,
            "type": "idx" if plain else method,
            "definition": "expression" if None in columns else None,
            "options": None,
            "uses": uses.intersection(table.columns),
        }

    def _alter_table(self, cursor, tokens, sql):
        cursor.skip("all", "in", "tablespace")
        cursor.skip("if", "exists")
        cursor.skip("only")
        name = cursor.name()
        table = self.tables.get(name)
        if table is None:
            # ALTER TABLE renames indexes and sequences, too.
            if cursor.skip("rename", "to"):
                self._rename_relation(name, cursor.name())
            return
        for action in split(cursor.rest()):
            if not self._action(name, table, Cursor(action), sql):
                self._doubt(tokens, sql)

    def _action(self, name, table, cursor, sql):
        """Follows one action of ALTER TABLE; False where nobody follows it."""
        if cursor.skip("add"):
            cursor.skip("column")
            unless = cursor.skip("if", "not", "exists")
            if not (unless and cursor.peek() in table.columns):
                self._element(name, table, cursor, sql)
        elif cursor.skip("drop"):
            if cursor.skip("constraint"):
                cursor.skip("if", "exists")
                self._drop_constraint(name, table, cursor.name(), cursor.skip("cascade"))
            else:
                cursor.skip("column")
                cursor.skip("if", "exists")
                self._drop_column(name, table, cursor.name())
        elif cursor.skip("rename"):
            if cursor.skip("to"):
                self._rename_table(name, cursor.name())
            elif cursor.skip("constraint"):
                old = cursor.name()
                cursor.skip("to")
                _rename_key(table.constraints, old, cursor.name())
            else:
                cursor.skip("column")
                old = cursor.name()
                cursor.skip("to")
                self._rename_column(name, table, old, cursor.name())
        elif cursor.skip("alter"):
            if cursor.skip("constraint"):
                return True
            cursor.skip("column")
            column = cursor.name()
            if cursor.skip("add"):
                table.sequences[column] = self._choose(name, column, "seq")
            elif cursor.skip("drop", "identity"):
                table.sequences.pop(column, None)
        elif cursor.skip("set", "schema") or cursor.skip("inherit") or cursor.skip("no", "inherit"):
            return False
        return True

    def _alter_index(self, cursor):
        cursor.skip("if", "exists")
        old = cursor.name()
        if not cursor.skip("rename", "to"):
            return
        self._rename_relation(old, cursor.name())

    def _rename_relation(self, old, new):
        for table in self.tables.values():
            _rename_key(table.indexes, old, new)
            _rename_key(table.constraints, old, new)
            for column, sequence in table.sequences.items():
                if sequence == old:
                    table.sequences[column] = new

    def _alter_sequence(self, cursor):
        cursor.skip("if", "exists")
        sequence = cursor.name()
        if cursor.skip("owned", "by"):
            path = [cursor.take()]
            while cursor.skip("."):
                path.append(cursor.take())
            self._drop_sequence(sequence)
            if len(path) > 1 and path[-2] in self.tables:
                self.tables[path[-2]].sequences[path[-1]] = sequence
        elif cursor.skip("rename", "to"):
            self._rename_relation(sequence, cursor.name())

    def _drop_table(self, name):
        self.tables.pop(name, None)
        self._drop_references(name, None)

    def _drop_references(self, name, columns):
        """Drops the foreign keys to a table (CASCADE), or to its columns."""
        for table in self.tables.values():
            for key, info in list(table.constraints.items()):
                target = info["foreign_key"]
                if target and target[0] == name and (columns is None or target[1] in columns):
                    del table.constraints[key]

    def _drop_index(self, name):
        for table in self.tables.values():
            table.indexes.pop(name, None)

    def _drop_sequence(self, name):
        for table in self.tables.values():
            for column, known in list(table.sequences.items()):
                if known == name:
                    del table.sequences[column]

    def _drop_extension(self, name):
        self.extensions.discard(name)

    def _drop_constraint(self, name, table, constraint, cascade):
        gone = table.constraints.pop(constraint, None)
        if gone and cascade and gone["unique"]:
            self._drop_references(name, gone["columns"])

    def _drop_column(self, name, table, column):
        if column in table.columns:
            table.columns.remove(column)
        for known in (table.constraints, table.indexes):
            for key, info in list(known.items()):
                if column in info["uses"]:
                    del known[key]
        table.sequences.pop(column, None)
        self._drop_references(name, [column])

    def _rename_table(self, old, new):
        self.tables[new] = self.tables.pop(old)
        for table in self.tables.values():
            for info in table.constraints.values():
                if info["foreign_key"] and info["foreign_key"][0] == old:
                    info["foreign_key"] = (new, info["foreign_key"][1])

    def _rename_column(self, name, table, old, new):
        table.columns = [new if column == old else column for column in table.columns]
        for known in (table.constraints, table.indexes):
            for info in known.values():
                info["columns"] = [new if column == old else column for column in info["columns"]]
                info["uses"] = {new if column == old else column for column in info["uses"]}
        _rename_key(table.sequences, old, new)
        for other in self.tables.values():
            for info in other.constraints.values():
                if info["foreign_key"] == (name, old):
                    info["foreign_key"] = (name, new)

    def _choose(self, table, column, label):
        """The name that PostgreSQL chooses: makeObjectName, made unique."""
        attempt = 0
        while True:
            chosen = _object_name(table, column, label + (str(attempt) if attempt else ""))
            if not self._taken(chosen):
                return chosen
            attempt += 1

    def _taken(self, name):
        return any(
            name in table.constraints or name in table.indexes or name in table.sequences.values()
            for table in self.tables.values()
        )


def _described(columns, unique=False, primary_key=False, foreign_key=None, check=False):
    return {
        "columns": columns,
        "primary_key": primary_key,
        "unique": unique,
        "foreign_key": foreign_key,
        "check": check,
        "index": False,
        "definition": None,
        "options": None,
        "uses": set(columns),
    }


def _label(expression):
    """What PostgreSQL calls an expression in the name of an index."""
    tokens = expression
    while tokens and tokens[0] == ("mark", "("):
        tokens = Cursor(tokens).group()
    called = len(tokens) > 1 and tokens[0][0] in ("word", "name") and tokens[1] == ("mark", "(")
    return tokens[0][1] if called else "expr"


def _distinct(labels):
    found = []
    for label in labels:
        name, number = label, 0
        while name in found:
            number += 1
            name = "%s%d" % (label, number)
        found.append(name)
    return found


def _rename_key(known, old, new):
    if old in known:
        items = [(new if key == old else key, value) for key, value in known.items()]
        known.clear()
        known.update(items)


def _object_name(first, second, label):
    """PostgreSQL's makeObjectName: shortens the longer part first, to 63 bytes."""
    one, two = first.encode(), second.encode()
    room = 63 - len(label.encode()) - 1 - (1 if two else 0)
    long_one, long_two = len(one), len(two)
    while long_one + long_two > room:
        if long_one > long_two:
            long_one -= 1
        else:
            long_two -= 1
    parts = [one[:long_one].decode(errors="ignore")]
    if two:
        parts.append(two[:long_two].decode(errors="ignore"))
    return "_".join(parts + [label])
