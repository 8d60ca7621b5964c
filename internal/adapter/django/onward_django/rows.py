"""What a RunPython function writes, as far as its text tells.

The function is not run. Writes on models, of `apps.get_model` or imported, are told when they
are a queryset's update or delete, or a loop over rows that saves something: what
takes a time that grows with the table. So are UPDATE and DELETE in SQL that it spells out.
"""
import ast
import inspect
import re
import textwrap
import types

from .imported import imported
from .row_changes import changes
from .unrolled import unroll

_WRITES = {"update": "updates", "delete": "deletes", "bulk_update": "updates"}
_SAVES = frozenset("save delete update create bulk_create bulk_update get_or_create update_or_create".split())
_CHANGES = frozenset("update bulk_update save".split())
_RANGES = frozenset("gt gte lt lte range".split())
_ONE = frozenset("get first last latest earliest create get_or_create update_or_create in_bulk".split())

# Functions that give the rows which they are given.
_SAME = frozenset("list tuple set sorted reversed iter tqdm".split())

# How many rows of its table a queryset has.
_ALL, _SOME, _FEW = range(3)
# Tables that are small in every project.
_SMALL = frozenset([("contenttypes", "contenttype"), ("auth", "permission"), ("auth", "group"), ("sites", "site")])


def told(function, models):
    """What a function's text tells: "writes", "replaces" and "changes"."""
    tree = _tree(function)
    if tree is None:
        return {"writes": [], "replaces": [], "changes": []}
    ast.increment_lineno(tree, function.__code__.co_firstlineno - 1)
    unroll(tree)
    reader = _Reader(tree, models, _flushing(function, tree), imported(function, tree))
    writes = _written(tree, reader, models)
    tables = {_table(state, key) for key, state in models.items() if key not in _SMALL}
    for write in _in_sql(function, tree):
        if write["table"] in tables - {each["table"] for each in writes}:
            writes.append(write)
    return {"writes": writes, "replaces": list(_replaced(tree, reader, models)), "changes": changes(tree, reader, models)}


def _tree(function):
    tree = parse(function)
    return tree if tree is not None and tree.args.args else None


def parse(function):
    if type(function) is not types.FunctionType:
        return None
    try:
        tree = ast.parse(textwrap.dedent(inspect.getsource(function)))
    except (OSError, TypeError, SyntaxError, ValueError):
        return None
    return tree.body[0] if tree.body and isinstance(tree.body[0], ast.FunctionDef) else None


def _flushing(function, tree):
    """The functions of its module that a function calls, and that write a list of rows."""
    names = {node.func.id for node in ast.walk(tree) if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)}
    flushing = set()
    for name in names:
        other = function.__globals__.get(name)
        inner = parse(other)
        if inner is not None and other.__module__ == function.__module__ and any(_bulk(node) for node in ast.walk(inner)):
            flushing.add(name)
    return flushing


def _bulk(node):
    return getattr(getattr(node, "func", None), "attr", "") == "bulk_update"


_SQL = re.compile(r'\s*(UPDATE|DELETE\s+FROM)\s+(?:ONLY\s+)?(?:"?\w+"?\.)?"?(\w+)"?(.*)', re.IGNORECASE | re.DOTALL)
_ONE_ROW = re.compile(r'\bWHERE\s+(?:"?\w+"?\.)?"?(?:id|pk)"?\s*=\s*%', re.IGNORECASE)


def _in_sql(function, tree):
    for text in _sent(function, tree, True):
        found = _SQL.match(text)
        if found and not _ONE_ROW.search(text):
            verb = "updates" if found.group(1).upper() == "UPDATE" else "deletes"
            whole = re.search(r"\bWHERE\b", found.group(3), re.IGNORECASE) is None
            yield {"table": found.group(2), "verb": verb, "whole": whole, "few": False, "batches": False}


def _sent(function, tree, deeper):
    """What a function, and those of its module that it calls, gives to execute()."""
    known = function.__globals__
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call):
            continue
        if getattr(node.func, "attr", "") == "execute" and node.args:
            given = node.args[0]
            text = known.get(given.id) if isinstance(given, ast.Name) else getattr(given, "value", None)
            if isinstance(text, str):
                yield text
        elif deeper and isinstance(node.func, ast.Name):
            other = known.get(node.func.id)
            inner = parse(other)
            if inner is not None and other.__module__ == function.__module__:
                yield from _sent(other, inner, False)


def _written(tree, reader, models):
    """The writes of a function: for each table a verb, and whether it means all rows.

    A loop over batches ends with all of them. Those that are few at a time are told too.
    """
    found = {}
    for model, verb, whole, batches in reader.writes():
        found.setdefault(model, (verb, whole, batches))
    for model, verb, whole in reader.batches():
        found.setdefault(model, (verb, whole, True))
    answer = [
        {"table": _table(models[m], m), "verb": verb, "whole": whole, "few": False, "batches": batches}
        for m, (verb, whole, batches) in found.items()
    ]
    loops = [node for node in ast.walk(tree) if isinstance(node, (ast.For, ast.While))]
    if any(getattr(getattr(n, "func", None), "attr", "") in _CHANGES for loop in loops for n in ast.walk(loop)):
        few = (_table(models[m], m) for m in reader.got() if m not in found and m not in _SMALL)
        answer += [{"table": t, "verb": "writes", "whole": False, "few": True, "batches": False} for t in few]
    return answer


def _replaced(tree, reader, models):
    """The texts of a column that an update gives another: filter(kind="a").update(kind="b")."""
    for node in ast.walk(tree):
        if not (isinstance(node, ast.Call) and getattr(node.func, "attr", "") == "update"):
            continue
        rows = reader.rows(node.func.value)
        if rows is None:
            continue
        fields, asked = models[rows[0]].fields, reader.asked(node.func.value)
        for keyword in node.keywords:
            field, now = fields.get(keyword.arg), getattr(keyword.value, "value", None)
            if field is None or not isinstance(now, str):
                continue
            for old in asked.get(keyword.arg, ()):
                column = field.db_column or keyword.arg
                yield {"table": _table(models[rows[0]], rows[0]), "column": column, "old": old, "now": now}


def _table(state, key):
    return state.options.get("db_table") or "%s_%s" % key


class _Reader:
    def __init__(self, function, models, flushing, imports):
        self.function, self.models, self.flushing, self.imports = function, models, flushing, imports
        self.apps = function.args.args[0].arg
        self.names = {}  # local name -> (model, which of its rows, which batch by batch)
        self.querysets = {}  # local name -> what it was given, one after the other
        for node in ast.walk(function):
            if isinstance(node, ast.Assign) and len(node.targets) == 1 and isinstance(node.targets[0], ast.Name):
                rows = self.rows(node.value)
                if rows is not None:
                    self.names[node.targets[0].id] = (*rows, self.rows(node.value, True)[1])
                    self.querysets.setdefault(node.targets[0].id, []).append(node.value)

    def got(self):
        """The models that the function asks for."""
        calls = (self.model(node) for node in ast.walk(self.function) if isinstance(node, ast.Call))
        return list(dict.fromkeys(key for key in calls if key is not None))

    def model(self, call):
        """The key of the model that apps.get_model gives."""
        if not (isinstance(call.func, ast.Attribute) and call.func.attr == "get_model"):
            return None
        if not (isinstance(call.func.value, ast.Name) and call.func.value.id == self.apps):
            return None
        given = [*call.args, *(k.value for k in call.keywords)]
        texts = [a.value for a in given if isinstance(a, ast.Constant) and isinstance(a.value, str)]
        if len(texts) != len(given):
            return None
        parts = texts[0].split(".") if len(texts) == 1 else texts
        key = (parts[0], parts[1].lower()) if len(parts) == 2 else None
        return key if key in self.models else None

    def rows(self, node, batches=False):
        """The model whose rows an expression stands for, and which of them.

        batches: which of them all batches together are, that a slice or a range of the key makes.
        """
        calls, which = [], _ALL
        while True:
            key = self.imports.key(node, self.models)
            if key is not None:
                break
            if isinstance(node, ast.Call):
                key = self.model(node)
                if key is not None:
                    break
                if self.imports.key(node.func, self.models) is not None:
                    return None  # a new row
                if _named(node) in _SAME and node.args:
                    node = node.args[0]
                    continue
                calls.append(node)
                node = node.func
            elif isinstance(node, ast.Attribute):
                node = node.value
            elif isinstance(node, ast.Subscript):
                which, node = which if batches else _FEW, node.value
            elif isinstance(node, ast.Name) and node.id in self.names:
                key, before, together = self.names[node.id]
                which = max(which, together if batches else before)
                break
            else:
                return None
        computed = {k.arg for call in calls if getattr(call.func, "attr", "") == "annotate" for k in call.keywords}
        return key, max([which, *(self.left(key, call, computed, batches) for call in calls)])

    def asked(self, node):
        """The texts one of which each row of a queryset has, by the field."""
        texts, given = {}, {name: list(values) for name, values in self.querysets.items()}
        while True:
            if isinstance(node, ast.Call):
                if getattr(node.func, "attr", "") == "filter":
                    for keyword in node.keywords:
                        name, _, lookup = (keyword.arg or "").partition("__")
                        texts.setdefault(name, _texts(keyword.value, lookup))
                node = node.func
            elif isinstance(node, ast.Attribute):
                node = node.value
            elif isinstance(node, ast.Name) and given.get(node.id):
                node = given[node.id].pop()
            else:
                return texts

    def left(self, key, call, computed, batches=False):
        """Which rows a call of a queryset's method leaves. A condition on what is computed for each row reads them all."""
        method = getattr(call.func, "attr", "")
        if method in _ONE:
            return _FEW
        if method not in ("filter", "exclude"):
            return _ALL
        which, fields = _SOME if call.args else _ALL, self.models[key].fields
        for keyword in call.keywords:
            name, _, lookup = (keyword.arg or "").partition("__")
            field = fields.get(name)
            if field is None and name in computed:
                continue
            unique = name in ("pk", "id") or field is not None and (field.unique or field.primary_key)
            if method == "filter" and unique and lookup in ("", "exact", "iexact", "in"):
                return _FEW
            if batches and unique and lookup in _RANGES:
                continue
            empty = isinstance(keyword.value, ast.Constant) and keyword.value.value in (None, "")
            if lookup != "isnull" and not empty:  # of a new column, all are empty
                which = _SOME
        return which

    def writes(self):
        loops = (node for node in ast.walk(self.function) if isinstance(node, (ast.For, ast.While)))
        looped = {id(node) for loop in loops for node in ast.walk(loop)}
        for node in ast.walk(self.function):
            rows, verb = self.write(node)
            if rows is not None and rows[1] < _FEW and rows[0] not in _SMALL:
                # A bulk_update writes the rows that it is given: in a loop, some at a time.
                some = _bulk(node) and id(node) in looped or isinstance(node, ast.For) and self.flushed(node, rows[0])
                yield rows[0], verb, rows[1] == _ALL, some

    def write(self, node):
        """Which rows a call, or a loop, writes to, and how; None for no write."""
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in _WRITES:
            return self.rows(node.func.value), _WRITES[node.func.attr]
        if isinstance(node, ast.For) and any(saves(n) or _named(n) in self.flushing for n in ast.walk(node)):
            return self.rows(node.iter), self.loop(node)
        return None, ""

    def flushed(self, loop, key):
        """Whether a loop collects rows of a model in a list, and writes the list now and then."""
        for node in ast.walk(loop):
            if _named(node) in self.flushing:
                return True
            if _bulk(node):
                rows = self.rows(node.func.value)
                if rows is None or rows[0] == key:
                    return True
        return False

    def loop(self, node):
        """What a loop does: it saves the rows that it goes over, or writes something else for each."""
        row, over = getattr(node.target, "id", ""), self.rows(node.iter)
        if over is not None and self.flushed(node, over[0]):
            return "updates"
        for call in ast.walk(node):
            method = getattr(getattr(call, "func", None), "attr", "")
            verb = {"save": "saves", "update": "saves", "delete": "removes"}.get(method)
            if verb is None:
                continue
            if method != "update" and getattr(call.func.value, "id", None) == row:
                return verb
            if method != "save" and over is not None and self.rows(call.func.value) == (over[0], _FEW):
                return verb  # filter(pk=row.pk).update(), get(pk=key).delete()
        return "goes over"

    def batches(self):
        """The writes of loops that go on until no row is left: they read a slice of a
        queryset, and write to its rows by their keys or one by one."""
        for loop in ast.walk(self.function):
            if not (isinstance(loop, ast.While) or isinstance(loop, ast.For) and _named(loop.iter) == "range"):
                continue
            inside, read = list(ast.walk(loop)), {}
            for node in inside:
                if isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Slice):
                    rows = self.rows(node, True)
                    if rows is not None and rows[1] < _FEW:
                        read[rows[0]] = min(rows[1], read.get(rows[0], rows[1]))
            for node in inside:
                rows, verb = self.write(node)
                if rows is not None and rows[0] in read and rows[0] not in _SMALL:
                    yield rows[0], verb, read[rows[0]] == _ALL


def _texts(node, lookup):
    """The constant texts that a field is compared with."""
    if lookup == "in" and isinstance(node, (ast.List, ast.Tuple, ast.Set)):
        nodes = node.elts
    else:
        nodes = [node] if lookup in ("", "exact") else []
    return [n.value for n in nodes if isinstance(n, ast.Constant) and isinstance(n.value, str)]


def _named(node):
    """The name of the function that is called."""
    return getattr(getattr(node, "func", None), "id", "")


def saves(node):
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in _SAVES
