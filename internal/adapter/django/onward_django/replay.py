"""Runs all migrations in order through Django's schema editor, into a list."""
from django.db import migrations, router
from django.db.migrations.operations.fields import FieldOperation, RenameField
from django.db.migrations.operations.models import ModelOperation
from django.db.migrations.state import ModelState
from django.db.utils import NotSupportedError

from . import copies, row_statements, rows, source, straight, tenants
from .errors import last_line, refusal
from .safemigrate import after_deploy
from .states import LazyState


def run(plan, connections, others, root, request):
    """Renders the plan; answers one JSON object per migration of the tree.

    Connections are those that are read as PostgreSQL, the default one first;
    others tells the vendors of the rest by alias.
    """
    want = request.get("want")
    want = None if want is None else {tuple(key) for key in want}
    replay = Replay(plan, connections, others, root, bool(request.get("whole")))
    answers = {}
    for key in plan.order:
        answer = replay.migration(plan.migrations[key])
        if want is None or key in want:
            answers[key] = answer
    for key in sorted(plan.migrations):
        if key not in answers and (want is None or key in want):
            answers[key] = replay.skipped(plan.migrations[key])
    return list(answers.values())


class Replay:
    def __init__(self, plan, connections, others, root, whole):
        self.plan, self.root, self.whole = plan, root, whole
        self.connections, self.others = connections, others
        self.connection = connections[0]  # the one that is being rendered for
        self.refused = []  # what routers kept from the connection, of one operation
        unmigrated = plan.loader.unmigrated_apps
        try:
            self.state = LazyState(real_apps=unmigrated)
        except AssertionError:  # Django before 4.0 takes a list
            self.state = LazyState(real_apps=list(unmigrated))
        self.state.cache = {}
        self.state.real_states = real_states(unmigrated)
        self.current = None

        # Code of the project must not run, in nested operations either.
        def forwards(operation, app_label, editor, before, after=None):
            if self.current is not None:
                self.current.python(operation, editor, before)

        migrations.RunPython.database_forwards = forwards
        asked = router.allow_migrate

        def allow_migrate(db, app_label, **hints):
            allowed = asked(db, app_label, **hints)
            if not allowed:
                self.refused.append((app_label, hints))
            return allowed

        router.allow_migrate = allow_migrate

    def skipped(self, migration):
        """A migration that never runs: described, not rendered."""
        key = (migration.app_label, migration.name)
        answer, file = self.header(migration)
        answer["replaced"] = self.plan.replaced.get(key, "not in the plan")
        places = file.places(migration.operations)
        for operation in migration.operations:
            answer["operations"].append(self.operation_header(operation, file, places))
        return answer

    def header(self, migration):
        key = (migration.app_label, migration.name)
        path = self.plan.files.get(key, "")
        file = source.Source(path)
        shown, external = source.relative(path, self.root)
        return {
            "app": migration.app_label,
            "name": migration.name,
            "path": shown,
            "external": external,
            "hash": file.hash,
            "atomic": bool(migration.atomic),
            "initial": bool(migration.initial or (migration.initial is None and not any(
                dependency[0] == migration.app_label for dependency in migration.dependencies
            ))),
            "after_deploy": after_deploy(migration),
            "dependencies": [list(map(str, d)) for d in migration.dependencies],
            "run_before": [list(map(str, d)) for d in migration.run_before],
            "replaces": [list(map(str, d)) for d in migration.replaces],
            "replaced": "",
            "error": next(
                (e["message"] for e in self.plan.errors if (e["app"], e["name"]) == key), ""
            ) if key in self.plan.broken else "",
            "database": "",
            "operations": [],
            "statements": [],
        }, file  # fmt: skip

    def operation_header(self, operation, file, places):
        return {
            "class": type(operation).__name__,
            **file.place(places.get(id(operation))),
            "describe": describe(operation),
            **subject(operation),
            "sql": [],
            "sql_source": "literal" if isinstance(operation, migrations.RunSQL) else "rendered",
            "opaque": None,
            "failed": False,
            "elsewhere": False,
            "refused": "",
            "code": None,
            "note": "",
            "defaults": [],
            "state_only": False,
            "transaction": "none",
        }

    def migration(self, migration):
        answer, file = self.header(migration)
        running = Running(self, migration, answer, file)
        try:
            for connection in self.connections:
                connection.onward.sink = running.statement
                editor = connection.schema_editor(atomic=migration.atomic)
                editor.__enter__()
                running.editors.extend((connection, editor, enter) for enter in tenants.schemas(connection))
            # A backend's editor may not take the transaction that it is offered.
            answer["atomic"] = bool(running.editors[0][1].atomic_migration)
            for index, operation in enumerate(migration.operations):
                running.operation(index, operation)
            running.end()
        finally:
            for connection in self.connections:
                connection.onward.sink = None
            self.connection = self.connections[0]
        for index, operation in enumerate(answer["operations"]):
            sql = [s["sql"] for s in answer["statements"] if s["op"] == index]
            operation["sql"] = sql
            operation["state_only"] = not sql and operation["opaque"] is None
        return answer


class Running:
    """One migration while it is being rendered."""

    def __init__(self, replay, migration, answer, file):
        self.replay, self.migration = replay, migration
        self.answer, self.file = answer, file
        self.places = file.places(migration.operations)
        self.editors = []  # (connection, editor, what to call before), the default database first
        self.first = None  # the connection that anything was rendered for
        self.owners = []  # (deferred statement, operation index, its place)
        self.index, self.place, self.optional = 0, file.place(None), False
        self.literals, self.literal_at = None, 0
        replay.current = self

    @property
    def entry(self):
        return self.answer["operations"][self.index]

    def operation(self, index, operation):
        self.index = index
        entry = self.replay.operation_header(operation, self.file, self.places)
        self.answer["operations"].append(entry)
        entry["transaction"] = self.transaction(operation)
        state = self.replay.state
        before = state.snapshot()
        try:
            state.forward(operation, self.migration.app_label)
        except Exception as error:
            self.opaque("the state cannot be followed: " + last_line(error), failed=True)
            return
        after = state.snapshot()
        for connection, editor, enter in self.editors:
            self.replay.connection, self.replay.refused = connection, []
            enter()
            recorder = connection.onward
            recorder.asked, recorder.defaults = [], []
            sent = len(self.answer["statements"]) + len(editor.deferred_sql)
            self.forwards(operation, editor, before, after)
            if recorder.asked and entry["opaque"] is None:
                self.opaque(recorder.asked[0])
            entry["defaults"] = [{"field": field, "function": name} for field, name in recorder.defaults]
            self.adopt_deferred(editor)
            ran = len(self.answer["statements"]) + len(editor.deferred_sql) > sent or entry["opaque"] is not None
            if ran and self.first is None:
                self.first = connection
                self.answer["database"] = "" if connection is self.replay.connections[0] else connection.alias
            # What the routers keep from one database runs on the next.
            if ran or not self.replay.refused:
                return
        self.elsewhere(operation)

    def transaction(self, operation):
        """As Migration.apply has it: "migration", "operation" (one of its own) or "none"."""
        if self.answer["atomic"]:
            return "migration"
        # An editor may have none for the migration: RunPython still asks for one.
        own = operation.atomic or (self.migration.atomic and operation.atomic is not False)
        return "operation" if own else "none"

    def elsewhere(self, operation):
        """Says so where the routers keep an operation for a database of another kind, or from all."""
        if isinstance(operation, migrations.RunSQL) and not operation.sql:
            return
        others = self.replay.others
        for app_label, hints in list(self.replay.refused):
            for alias, vendor in others.items():
                if router.allow_migrate(alias, app_label, **hints):
                    self.opaque("it runs on the database %s, which is not Postgres but %s" % (alias, vendor))
                    self.entry["elsewhere"] = True
                    return
        kept = sorted({*(connection.alias for connection in self.replay.connections), *others})
        self.opaque("no database of these settings takes it: the routers keep it from " + ", ".join(kept))
        self.entry["elsewhere"] = True

    def forwards(self, operation, editor, before, after):
        """The database side of one operation, or of one nested in another."""
        kind = type(operation)
        self.place = self.file.place(
            self.places.get(id(operation)) or self.places.get(id(self.migration.operations[self.index]))
        )
        if kind.database_forwards is migrations.SeparateDatabaseAndState.database_forwards:
            for nested in operation.database_operations:
                after = before.snapshot()
                try:
                    after.forward(nested, self.migration.app_label)
                except Exception as error:
                    self.opaque("the state cannot be followed: " + last_line(error), failed=True)
                    return
                self.forwards(nested, editor, before, after)
                before = after
            return
        # One that derives from RunPython and has no function is an operation of its own.
        if isinstance(operation, migrations.RunPython) and hasattr(operation, "code"):
            self.python(operation, editor, before)
            return
        self.literals = None
        if isinstance(operation, migrations.RunSQL):
            node = self.places.get(id(operation))
            self.literals, self.literal_at = self.file.literals(node), 0
        connection = self.replay.connection
        sent, asked = len(self.answer["statements"]), len(connection.onward.asked)
        error = self.attempt(operation, editor, before, after, self.replay.whole)
        unsent = len(self.answer["statements"]) == sent and len(connection.onward.asked) == asked
        if error is not None and unsent:
            # Perhaps it looked at more models than are rendered for it.
            error = self.attempt(operation, editor, before, after, True)
        self.literals = None
        if error is not None:
            asked = connection.onward.asked
            self.opaque(asked[0] if asked else last_line(error), failed=not asked)
            if not asked:
                self.entry["refused"] = refusal(error)

    def attempt(self, operation, editor, before, after, whole):
        """Lets Django render one operation; returns what went wrong."""
        if not whole and alike(operation, editor, self.migration.app_label, before, after):
            return None
        before.look(operation, whole)
        after.look(operation, whole)
        connection = self.replay.connection
        connection.in_atomic_block = self.transaction(operation) != "none"
        app_label = self.migration.app_label
        try:
            try:
                operation.database_forwards(app_label, editor, before, after)
            except NotSupportedError as error:
                if not connection.in_atomic_block:
                    raise
                # Django refuses to run it in a transaction; what it would
                # have run is still worth judging.
                self.entry["note"] = last_line(error)
                connection.in_atomic_block = False
                operation.database_forwards(app_label, editor, before, after)
        except BaseException as error:  # a custom operation may even exit
            if isinstance(error, KeyboardInterrupt):
                raise
            return error
        finally:
            connection.in_atomic_block = False
        return None

    def opaque(self, reason, failed=False):
        if self.entry["opaque"] is None:
            self.entry["opaque"] = reason
            self.entry["failed"] = failed

    def python(self, operation, editor, before):
        """Takes note of a RunPython; no code of the project is run."""
        code = getattr(operation, "code", None)
        alias = self.replay.connection.alias
        if code is None or code is migrations.RunPython.noop:
            return
        if not router.allow_migrate(alias, self.migration.app_label, **getattr(operation, "hints", {})):
            return
        function = getattr(code, "func", code)  # functools.partial
        if function is code and not hasattr(function, "__wrapped__"):
            if straight.only_editor(function, alias) and self.straight(operation, editor, before):
                return
            if self.rows(operation, function, before):
                return
        function = getattr(function, "__wrapped__", function)
        name = getattr(function, "__qualname__", type(function).__name__)
        compiled = getattr(function, "__code__", None)
        if compiled is not None:
            path, external = source.relative(compiled.co_filename, self.replay.root)
            self.entry["code"] = {
                "name": name,
                "path": path,
                "external": external,
                "line": compiled.co_firstlineno,
                **rows.told(function, before.models),
            }
        self.opaque("runs Python: " + name)

    def straight(self, operation, editor, before):
        """Renders a function that only calls the editor; says whether that went well."""
        connection = self.replay.connection
        before.look(operation, True)
        connection.in_atomic_block = self.transaction(operation) != "none"
        try:
            operation.code(before.apps, editor)
        except Exception:
            return False
        finally:
            connection.in_atomic_block = False
        return True

    def rows(self, operation, function, before):
        """Takes note of what a function sends that gives all values itself; says whether it is one."""
        connection, place = self.replay.connection, self.place

        def state_apps():
            before.look(operation, True)
            return before.apps

        atomic = self.transaction(operation) != "none"
        sent = row_statements.read(function, state_apps, connection, atomic)
        if sent is None:
            return False
        shown = function.__code__.co_filename == self.file.path and function.__qualname__ == function.__name__
        for sql, parameters, self.optional, call in sent:
            self.place = self.file.place(call) if shown else place
            connection.onward.record(connection.onward.merge(sql, parameters))
        self.place, self.optional = place, False
        return True

    def statement(self, sql, deferred):
        """Takes note of a message that would be sent to the server."""
        index, place = self.index, self.place
        if deferred is not None:
            for known, *owner in self.owners:
                if known is deferred:
                    index, place = owner
                    break
        entry = {
            "sql": sql,
            "op": index,
            "deferred": deferred is not None,
            "conditional": self.optional,
            "source": "rendered",
            **place,
            "start": -1,
            "length": 0,
        }
        if self.literals is not None and deferred is None:
            entry["source"] = "literal"
            node = None
            if self.literal_at < len(self.literals):
                node = self.literals[self.literal_at]
            self.literal_at += 1
            if node is not None:
                entry.update(self.file.place(node))
                exact = self.file.verbatim(node, sql)
                if exact:
                    entry["start"], entry["length"] = exact
        self.answer["statements"].append(entry)

    def adopt_deferred(self, editor):
        known = {id(sql) for sql, *_ in self.owners}
        for sql in editor.deferred_sql:
            if id(sql) not in known:
                self.owners.append((sql, self.index, self.place))

    def end(self):
        """Sends what the editors held back until the end of the migration."""
        for connection, editor in {id(editor): (connection, editor) for connection, editor, _ in self.editors}.values():
            self.replay.connection = connection
            try:
                editor.__exit__(None, None, None)
            except Exception as error:
                self.replay.plan.error((self.migration.app_label, self.migration.name), last_line(error))
        self.replay.current = None


def alike(operation, editor, app_label, before, after):
    """Whether Django's own editor leaves a field alone, as it differs in nothing that the
    database knows: the choices, a text for people, what validates it. Told without the
    models, which half of the operations of a long history are rendered for."""
    if type(operation).database_forwards is not migrations.AlterField.database_forwards or not operation.preserve_default:
        return False
    if any(not getattr(editor, name).__module__.startswith("django.") for name in ("alter_field", "_field_should_be_altered")):
        return False
    fields = []
    for state in (before, after):
        model = state.models.get((app_label, operation.model_name_lower))
        field = model.fields.get(operation.name) if model else None
        if field is None or not copies.plain(type(field)) or field.remote_field:
            return False
        field = copies.copied(field)
        field.set_attributes_from_name(operation.name)
        fields.append(field)
    try:
        return not editor._field_should_be_altered(*fields)
    except AttributeError:  # asks for the model
        return False


def describe(operation):
    try:
        return str(operation.describe())
    except Exception as error:
        return "%s (%s)" % (type(operation).__name__, last_line(error))


def subject(operation):
    """The model and the field that an operation is about, as its author wrote them."""
    model, name = getattr(operation, "model_name", None), None
    if isinstance(operation, ModelOperation):
        model = getattr(operation, "name", None)
    elif isinstance(operation, RenameField):
        name = operation.new_name
    elif isinstance(operation, FieldOperation):
        name = getattr(operation, "name", None)
    return {
        "model": model if isinstance(model, str) else "",
        "field": name if isinstance(name, str) else "",
    }


def real_states(labels):
    """The models of apps without migrations, the way StateApps takes them."""
    from django.apps import apps

    states = {}
    for label in sorted(labels):
        for model in apps.get_app_config(label).get_models():
            state = ModelState.from_model(model, exclude_rels=True)
            states[state.app_label, state.name_lower] = state
    return states
