"""The statements of RunPython functions that give all values themselves.

Django's own compiler makes them from the state's models. The function does not run: what its text
says beside calls of querysets, constants and loops over constants leaves it unread.
"""
import ast
import datetime
import operator

from django.db import models, router
from django.db.models import deletion, signals, sql
from django.db.models.expressions import Combinable
from django.db.models.manager import BaseManager
from django.db.models.sql import compiler as sql_compiler
from django.utils import timezone

from . import offline, rows

_MOST = 1000
_PLAIN = (str, int, float, bool, bytes, type(None), datetime.date, datetime.time, datetime.timedelta)
_KEEPS = frozenset("all filter exclude using order_by distinct select_related prefetch_related only defer iterator".split())
_SIGNALS = "pre_init post_init pre_save post_save pre_delete post_delete".split()
_MOMENT = datetime.datetime(2000, 1, 1, tzinfo=datetime.timezone.utc)
_OPERATORS = {ast.Add: operator.add, ast.Sub: operator.sub, ast.Mult: operator.mul, ast.Div: operator.truediv}
_COMPARES = {ast.Eq: operator.eq, ast.NotEq: operator.ne}
# Statements and expressions that a function may consist of.
_READABLE = (
    ast.arguments, ast.arg, ast.Expr, ast.Assign, ast.For, ast.If, ast.Return, ast.Pass, ast.Name, ast.Load, ast.Store,
    ast.Constant, ast.Attribute, ast.Call, ast.keyword, ast.Compare, ast.Eq, ast.NotEq, ast.Not, ast.UnaryOp, ast.USub,
    ast.BinOp, ast.Add, ast.Sub, ast.Mult, ast.Div, ast.BitOr, ast.BitAnd, ast.Invert, ast.Tuple, ast.List, ast.Set,
    ast.Dict, ast.Subscript, *([ast.Index] if hasattr(ast, "Index") else []),
)  # fmt: skip


class Unread(Exception):
    """The function does something that its text does not settle."""


def read(function, state_apps, connection, atomic):
    """[(SQL, parameters, whether a row may make it unnecessary, its call)]; None if the function is not read.

    state_apps gives the registry of the models, and is called only for functions that may be read.
    """
    tree = rows.parse(function)
    if tree is None or function.__closure__ or not _may_be_read(tree):
        return None
    ast.increment_lineno(tree, function.__code__.co_firstlineno - 1)
    asked = len(connection.onward.asked)
    try:
        reader = _Function(function, tree, state_apps(), connection, atomic)
        reader.run_all(tree.body)
    except Exception:  # also what Django says of calls that it would refuse
        del connection.onward.asked[asked:]
        return None
    return reader.sent


def _may_be_read(tree):
    nodes = [node for statement in tree.body for node in ast.walk(statement)]
    if len(tree.args.args) != 2 or tree.args.vararg or tree.args.kwarg or tree.args.kwonlyargs or tree.decorator_list:
        return False
    called = {getattr(node.func, "attr", "") for node in nodes if isinstance(node, ast.Call)}
    return "get_model" in called and all(isinstance(node, _READABLE) for node in nodes)


class _Returned(Exception):
    pass


class _Unknown:
    """A value that only the database has."""


class _Function:
    def __init__(self, function, tree, apps, connection, atomic):
        self.known, self.connection, self.apps, self.atomic = function.__globals__, connection, apps, atomic
        names = [argument.arg for argument in tree.args.args]
        self.registry, self.editor = names
        self.values = {}
        self.sent = []

    def send(self, compiled, call, optional=False):
        if compiled is None:
            return
        if len(self.sent) >= _MOST:
            raise Unread
        self.sent.append((*compiled, optional, call))

    # Statements.

    def run_all(self, body):
        try:
            self.run(body)
        except _Returned:
            pass

    def run(self, body):
        for statement in body:
            self.step(statement)

    def step(self, statement):
        if isinstance(statement, ast.Expr):
            self.evaluate(statement.value)
        elif isinstance(statement, ast.Assign) and len(statement.targets) == 1:
            self.assign(statement.targets[0], self.evaluate(statement.value))
        elif isinstance(statement, ast.If):
            self.run(statement.body if self.plain(statement.test) else statement.orelse)
        elif isinstance(statement, ast.For) and not statement.orelse:
            over = self.plain(statement.iter)
            if not isinstance(over, (list, tuple, dict)):
                raise Unread
            for value in over:
                self.assign(statement.target, value)
                self.run(statement.body)
        elif isinstance(statement, ast.Return):
            if statement.value is not None:
                self.evaluate(statement.value)
            raise _Returned
        elif not isinstance(statement, ast.Pass):
            raise Unread

    def assign(self, target, value):
        if isinstance(target, ast.Name) and target.id not in (self.registry, self.editor):
            self.values[target.id] = value
        elif isinstance(target, ast.Tuple) and isinstance(value, (list, tuple)) and len(value) == len(target.elts):
            for each, part in zip(target.elts, value):
                self.assign(each, part)
        else:
            raise Unread

    # Expressions.

    def plain(self, node):
        value = self.evaluate(node)
        if not _is_plain(value):
            raise Unread
        return value

    def evaluate(self, node):
        if isinstance(node, ast.Constant):
            return node.value
        if isinstance(node, ast.Name):
            return self.name(node.id)
        if isinstance(node, (ast.List, ast.Tuple)):
            return type([] if isinstance(node, ast.List) else ())(self.evaluate(each) for each in node.elts)
        if isinstance(node, ast.Set):
            return [self.evaluate(each) for each in node.elts]
        if isinstance(node, ast.Dict) and None not in node.keys:
            return {self.plain(key): self.evaluate(value) for key, value in zip(node.keys, node.values)}
        if isinstance(node, ast.Call):
            return self.call(node)
        if isinstance(node, ast.Attribute):
            return self.attribute(node)
        if isinstance(node, ast.Subscript):
            key = node.slice.value if type(node.slice).__name__ == "Index" else node.slice  # before Python 3.9
            return self.plain(node.value)[self.plain(key)]
        if isinstance(node, ast.UnaryOp):
            return self.unary(node)
        if isinstance(node, ast.BinOp):
            return self.binary(node)
        if isinstance(node, ast.Compare) and len(node.ops) == 1 and type(node.ops[0]) in _COMPARES:
            return _COMPARES[type(node.ops[0])](self.plain(node.left), self.plain(node.comparators[0]))
        raise Unread

    def name(self, name):
        if name in self.values:
            return self.values[name]
        value = self.known.get(name, Unread)
        if not _is_plain(value) and not _is_djangos(value):
            raise Unread
        return value

    def unary(self, node):
        value = self.evaluate(node.operand)
        if isinstance(node.op, ast.Invert) and isinstance(value, models.Q):
            return ~value
        if isinstance(node.op, ast.Not) and _is_plain(value):
            return not value
        if isinstance(node.op, ast.USub) and isinstance(value, (int, float)):
            return -value
        raise Unread

    def binary(self, node):
        left, right = self.evaluate(node.left), self.evaluate(node.right)
        if isinstance(left, models.Q) and isinstance(right, models.Q):
            return left | right if isinstance(node.op, ast.BitOr) else left & right
        if type(node.op) not in _OPERATORS or isinstance(node.op, ast.Mult) and not isinstance(left, Combinable):
            raise Unread
        if not all(_is_plain(value) or isinstance(value, Combinable) for value in (left, right)):
            raise Unread
        return _OPERATORS[type(node.op)](left, right)

    def attribute(self, node):
        if isinstance(node.value, ast.Attribute) and node.value.attr == "connection":
            if isinstance(node.value.value, ast.Name) and node.value.value.id == self.editor:
                if node.attr in ("alias", "vendor"):
                    return getattr(self.connection, node.attr)
        owner = self.evaluate(node.value)
        if isinstance(owner, type) and issubclass(owner, models.Model) and node.attr in ("objects", "_default_manager"):
            return self.manager(owner, node.attr)
        if _is_djangos(owner) and type(owner) is type(ast):
            value = getattr(owner, node.attr)
            if _is_djangos(value):
                return value
        raise Unread

    def manager(self, model, name):
        manager = getattr(model, name)
        own = [type(manager), getattr(manager, "_queryset_class", None), *model.__mro__]
        if not all(_is_djangos(each) for each in own) or model._meta.parents or model._meta.proxy:
            raise Unread
        if any(getattr(signals, signal).has_listeners(model) for signal in _SIGNALS):
            raise Unread
        return manager

    def call(self, node):
        if any(isinstance(given, ast.Starred) for given in node.args):
            raise Unread
        method = node.func
        if isinstance(method, ast.Attribute) and isinstance(method.value, ast.Name) and method.value.id == self.registry:
            if method.attr != "get_model":
                raise Unread
            return self.apps.get_model(*self.arguments(node)[0])
        if isinstance(method, ast.Attribute):
            owner = self.evaluate(method.value)
            if isinstance(owner, (BaseManager, models.QuerySet)):
                return self.query(owner, method.attr, node)
            if isinstance(owner, models.Model) and method.attr == "save" and not node.args and not node.keywords:
                return self.save(owner, node)
            if isinstance(owner, dict) and method.attr == "items" and _is_plain(owner):
                return list(owner.items())
        function = self.evaluate(method)
        given, named = self.arguments(node)
        if function is timezone.now:
            return _MOMENT
        if isinstance(function, type) and issubclass(function, models.Model):
            self.manager(function, "_default_manager")
            return self.row(function, named) if not given else self.refuse()
        if isinstance(function, type) and issubclass(function, (Combinable, models.Q)):
            return function(*given, **named)
        raise Unread

    def refuse(self):
        raise Unread

    def arguments(self, node):
        given, named = [self.evaluate(each) for each in node.args], {}
        for keyword in node.keywords:
            value = self.evaluate(keyword.value)
            if keyword.arg is None:
                named.update(value if isinstance(value, dict) else self.refuse())
            else:
                named[keyword.arg] = value
        for value in [*given, *named.values()]:
            if isinstance(value, (_Unknown, BaseManager, type)) or isinstance(value, models.Model) and value.pk is None:
                if not isinstance(value, models.Model) or getattr(node.func, "attr", "") != "bulk_create":
                    raise Unread
        return given, named

    # Querysets.

    def query(self, of, method, node):
        given, named = self.arguments(node)
        queryset = of.get_queryset() if isinstance(of, BaseManager) else of
        if method in _KEEPS:
            return getattr(queryset, method)(*given, **named)
        if (queryset._db or router.db_for_write(queryset.model)) != self.connection.alias:
            raise Unread
        if method == "update" and not given:
            return self.update(queryset, named, node)
        if method == "delete" and not given and not named:
            return self.delete(queryset, node, 0)
        if method == "create" and not given:
            row = self.row(queryset.model, named)
            self.insert(queryset.model, [row], node)
            return row if row.pk is not None else _Unknown()
        if method == "get_or_create" and not given:
            return self.find_or_insert(queryset, named, node)
        if method == "bulk_create" and len(given) == 1 and set(named) <= {"batch_size"} and isinstance(given[0], list):
            if given[0] and all(isinstance(row, queryset.model) for row in given[0]):
                self.insert(queryset.model, given[0], node)
                return _Unknown()
        raise Unread

    def update(self, queryset, values, node):
        if queryset.query.is_sliced:
            raise Unread
        query = queryset.query.chain(sql.UpdateQuery)
        query.add_update_values(values)
        self.send(self.compiled(query), node)
        return _Unknown()

    def compiled(self, query):
        try:
            return query.get_compiler(self.connection.alias).as_sql()
        except sql_compiler.EmptyResultSet:
            return None

    def delete(self, queryset, node, depth):
        """Rows that refer to the deleted ones go first, or lose the reference, as Django's collector has it."""
        options = queryset.model._meta
        if queryset.query.is_sliced or depth > 5 or any(hasattr(f, "bulk_related_objects") for f in options.private_fields):
            raise Unread
        for relation in deletion.get_candidate_relations_to_delete(options):
            action, other = relation.on_delete, relation.related_model
            if action in (deletion.DO_NOTHING, deletion.PROTECT, deletion.RESTRICT):
                continue
            referring = other._base_manager.using(self.connection.alias).filter(**{relation.field.name + "__in": queryset})
            if other is queryset.model or not self.atomic:
                raise Unread
            self.manager(other, "_default_manager")
            if action is deletion.CASCADE:
                self.delete(referring, node, depth + 1)
            elif action is deletion.SET_NULL:
                self.update(referring, {relation.field.name: None}, node)
            else:
                raise Unread
        query = queryset.query.chain(sql.DeleteQuery)
        query.select_for_update = query.select_related = False
        query.clear_ordering(True)
        self.send(self.compiled(query), node)
        return _Unknown()

    # Rows.

    def row(self, model, values):
        """A new row, with constants for what a field computes at that moment."""
        for field in model._meta.concrete_fields:
            if field.name in values or field.attname in values or field.primary_key and not field.has_default():
                continue
            if callable(field.default):
                values = {**values, field.attname: offline.settled(field, field.get_default())}
        return model(**values)

    def insert(self, model, new, node, optional=False):
        options = model._meta
        fields = [field for field in options.local_concrete_fields if not getattr(field, "generated", False)]
        if len({row.pk is None for row in new}) > 1 or options.order_with_respect_to:
            raise Unread
        if new[0].pk is None:
            fields = [field for field in fields if field is not options.auto_field]
        query = sql.InsertQuery(model)
        moments = [field for field in fields if getattr(field, "auto_now", False) or getattr(field, "auto_now_add", False)]
        for field in moments:
            for row in new:
                setattr(row, field.attname, _of_moment(field))
        query.insert_values(fields, new, raw=True)
        compiler = query.get_compiler(self.connection.alias)
        if hasattr(compiler, "assemble_as_sql"):  # VALUES, also where Django sends arrays
            compiler.assemble_as_sql = sql_compiler.SQLInsertCompiler.assemble_as_sql.__get__(compiler)
        compiler.returning_fields = getattr(options, "db_returning_fields", None)
        for compiled in compiler.as_sql():
            self.send(compiled, node, optional)

    def save(self, row, node):
        key = row._meta.pk
        if not row._state.adding or row.pk is not None and not key.has_default() or router.db_for_write(type(row)) != self.connection.alias:
            raise Unread
        self.insert(type(row), [row], node)
        row._state.adding = False
        return _Unknown()

    def find_or_insert(self, queryset, named, node):
        defaults = named.pop("defaults", None) or {}
        values = {name: value for name, value in named.items() if "__" not in name}
        if not isinstance(defaults, dict):
            raise Unread
        self.insert(queryset.model, [self.row(queryset.model, {**values, **defaults})], node, True)
        return _Unknown(), _Unknown()


def _is_plain(value):
    if isinstance(value, (list, tuple, set, frozenset)):
        return all(map(_is_plain, value))
    if isinstance(value, dict):
        return all(_is_plain(key) and _is_plain(each) for key, each in value.items())
    return isinstance(value, _PLAIN)


def _is_djangos(value):
    """Whether a class, function or module is Django's, Python's, or a model of a state."""
    where = value.__name__ if type(value) is type(ast) else getattr(value, "__module__", None) or ""
    return where in ("builtins", "__fake__") or where.split(".")[0] == "django"


def _of_moment(field):
    if isinstance(field, models.DateTimeField):
        return _MOMENT
    return _MOMENT.date() if isinstance(field, models.DateField) else _MOMENT.time()
