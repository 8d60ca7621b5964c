"""What django-pg-zero-downtime-migrations asks the server, answered from the migrations.

Its schema editor turns each statement into several, between settings of the
timeouts that it reads first, and drops the constraints and indexes of a column
or a table by name before the column or the table.
"""


def adopt(editor):
    """Settles what differs between two runs: all is sent, whatever a server has already."""
    if hasattr(editor, "IDEMPOTENT_SQL"):
        editor.IDEMPOTENT_SQL = False  # as in sqlmigrate


def answers(base):
    """The methods that stand for its queries, where a schema editor has them."""
    if not (hasattr(base, "_get_constraints") and hasattr(base, "_get_indexes")):
        return {}
    return {"_get_constraints": constraints, "_get_indexes": indexes}


def constraints(editor, cursor, model):
    """(name, kind, table, referenced table, columns, referenced columns) of what a table is in."""
    table = model._meta.db_table
    return editor.connection.onward.ask(lambda known: list(_constraints(known, table)))


def _constraints(known, wanted):
    known.table(wanted)
    for table in sorted(known.tables):
        if known.tables[table].doubt:
            continue
        for name, found in sorted(known.describe(table).items()):
            to, column = found["foreign_key"] or (None, None)
            kind = (
                "f" if to else "p" if found["primary_key"] else "u" if found["unique"] else "c" if found["check"] else ""
            )
            backed = kind and name in known.tables[table].constraints
            if backed and wanted in (table, to):
                yield name, kind, table, to, found["columns"], [column]


def indexes(editor, cursor, model):
    """(name, table, columns) of the indexes of a table that back no constraint."""
    table = model._meta.db_table
    found = editor.connection.onward.ask(lambda known: known.table(table).indexes)
    return [(name, table, found[name]["columns"]) for name in sorted(found)]
