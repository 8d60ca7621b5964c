"""The rows that a function may insert, update or delete, as its text tells: of which table, and which columns.

A write of a single row counts here, too: the checks that it leaves for the commit keep the table from being altered.
"""
import ast

from django.db import models

_INSERTS = frozenset("create bulk_create get_or_create update_or_create acreate abulk_create aget_or_create".split())


def changes(tree, reader, states):
    """[{"table", "verb", "columns", "line"}]; none for a function that has the checks run."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and "SET CONSTRAINTS" in node.value.upper():
            return []
        if getattr(node, "attr", "") == "check_constraints":
            return []
    writer = _Writer(tree, reader, states)
    found = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            for key, verb, columns in writer.writes(node):
                found.setdefault((key, verb, columns), node.lineno)
    return [
        {"table": states[key].options.get("db_table") or "%s_%s" % key, "verb": verb, "columns": list(columns), "line": line}
        for (key, verb, columns), line in found.items()
    ]


class _Writer:
    def __init__(self, tree, reader, states):
        self.reader, self.states = reader, states
        self.loaded, self.new, self.assigned = {}, {}, {}
        for node in ast.walk(tree):
            if isinstance(node, ast.For) and isinstance(node.target, ast.Name):
                self.remember(self.loaded, node.target.id, reader.rows(node.iter))
            elif isinstance(node, ast.Assign) and len(node.targets) == 1:
                self.assign(node.targets[0], node.value)

    def remember(self, rows, name, found):
        if found is not None:
            rows[name] = found[0]

    def assign(self, target, value):
        if isinstance(target, ast.Attribute) and isinstance(target.value, ast.Name):
            if not (isinstance(value, ast.Constant) and value.value is None):
                self.assigned.setdefault(target.value.id, set()).add(target.attr)
        elif isinstance(target, ast.Name):
            self.remember(self.loaded, target.id, self.reader.rows(value))
            if isinstance(value, ast.Call) and isinstance(value.func, ast.Name):
                self.remember(self.new, target.id, self.reader.rows(value.func))

    def writes(self, call):
        """(model, verb, columns) of a method's call."""
        method, of = call.func.attr, call.func.value
        if method == "save":
            yield from self.saves(call, getattr(of, "id", None))
            if isinstance(of, ast.Call):
                yield from self.inserts(self.reader.rows(of.func))
            return
        key = self.loaded.get(of.id) if isinstance(of, ast.Name) else None
        rows = (key,) if key is not None else self.reader.rows(of)
        if rows is None:
            return
        key = rows[0]
        if method in _INSERTS:
            yield from self.inserts(rows)
            method = "update" if method == "update_or_create" else ""
        if method in ("update", "aupdate"):
            values = next((k.value for k in call.keywords if k.arg == "defaults"), None)
            pairs = [(k.arg, k.value) for k in call.keywords]
            if isinstance(values, ast.Dict):
                pairs = [(getattr(name, "value", None), value) for name, value in zip(values.keys, values.values)]
            yield from self.updates(key, (name for name, value in pairs if not _is_null(value)))
        elif method in ("bulk_update", "abulk_update"):
            names = call.args[1] if len(call.args) > 1 else next((k.value for k in call.keywords if k.arg == "fields"), None)
            yield from self.updates(key, [getattr(n, "value", None) for n in getattr(names, "elts", ())])
        elif method in ("delete", "adelete"):
            yield from self.deletes(key, set())

    def saves(self, call, name):
        if name in self.new:
            yield self.new[name], "INSERT", ()
        elif name in self.loaded:
            named = next((k.value for k in call.keywords if k.arg == "update_fields"), None)
            fields = {getattr(n, "value", None) for n in getattr(named, "elts", ())}
            yield from self.updates(self.loaded[name], fields or self.assigned.get(name, ()))

    def inserts(self, rows):
        if rows is not None:
            yield rows[0], "INSERT", ()

    def updates(self, key, names):
        columns = {_column(self.states[key], name) for name in names} - {None}
        if columns:
            yield key, "UPDATE", tuple(sorted(columns))

    def deletes(self, key, seen):
        """Rows that refer to the deleted ones by a cascading key are deleted, too."""
        if key in seen:
            return
        seen.add(key)
        yield key, "DELETE", ()
        for other, state in self.states.items():
            for field in state.fields.values():
                remote = getattr(field, "remote_field", None)
                if getattr(remote, "on_delete", None) is models.CASCADE and _target(remote.model, other) == key:
                    yield from self.deletes(other, seen)


def _is_null(node):
    return isinstance(node, ast.Constant) and node.value is None


def _column(state, name):
    """The column of a field, by the field's name or by the attribute of a foreign key."""
    for known, field in state.fields.items():
        key = isinstance(field, models.ForeignKey)
        if name in (known, known + "_id" if key else known):
            return field.db_column or (known + "_id" if key else known)
    return None


def _target(model, other):
    if not isinstance(model, str):
        return model._meta.app_label, model._meta.model_name
    label, _, name = model.rpartition(".")
    return (label or other[0], other[1] if name == "self" else name.lower())
