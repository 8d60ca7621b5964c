"""Loads all migrations and puts them into the order in which Django runs them.

What Django refuses (leaves, circles, what is missing) is asked of the graph
that Django itself makes. In that, a squash stands in for what it replaces
unless a part of it is applied and a part is not. `applied` says what the
deployed database has (by default, all migrations that exist).

The history is read from a graph of its own, for it is the originals that have
run wherever they are still there:

- everything that a squash replaces exists, and any of it is applied: the
  originals are the history, and the squash itself never runs;
- nothing that it replaces is applied, or the originals are gone from the
  tree: the squash runs in their place.
"""
import ast
import importlib
import pkgutil
import sys

from django.apps import apps
from django.db.migrations import Migration
from django.db.migrations import loader as loading
from django.db.migrations.graph import DummyNode, MigrationGraph

from .errors import last_line
from .source import module_file


class Plan:
    """All migrations of a project: .order, .migrations, .conflicts, .errors."""

    def __init__(self, connection, applied):
        self.errors = []
        self.replaced = {}  # key of a migration that never runs -> why
        self.uprooted = set()  # keys whose dependency was cut: it is missing, or a circle
        self.broken = set()  # keys whose file does not import
        self.applied = None if applied is None else {tuple(key) for key in applied}
        self.files = {}
        self.disk = None  # (migrations, apps without, apps with), once they are read
        self.known = True  # errors are taken note of
        try:
            graph = self.build(connection)
            self.known = False
            self.build(None)
        except LookupError as error:  # Django itself fails: a squash of what another took away
            self.error(getattr(error, "node", None) or next(iter(self.loader.replacements)), last_line(error))
            graph = self.build(None)
        self.conflicts = {
            app: sorted(names) for app, names in self.detect_conflicts(graph).items()
        }
        self.migrations = self.loader.disk_migrations
        self.order = self.plan()

    def build(self, connection):
        """Builds a graph, without the migrations whose dependencies cannot be read.

        It is Django's own with a connection, and that of the history without.
        """
        plan = self

        class Graph(MigrationGraph):
            def validate_consistency(self, *args):
                if connection is None:
                    plan.replace(self)
                plan.drop_missing(self)

            def ensure_not_cyclic(self):
                plan.break_cycles(self)

        class Loader(loading.MigrationLoader):
            def load_disk(self):
                plan.load_disk(self)

        class Recorder:
            def __init__(self, connection):
                pass

            def applied_migrations(self):
                return dict.fromkeys(plan.deployed())

        graph, recorder = loading.MigrationGraph, loading.MigrationRecorder
        loading.MigrationGraph, loading.MigrationRecorder = Graph, Recorder
        try:
            self.loader = Loader(connection, load=False, replace_migrations=connection is not None)
            self.resolve()
        finally:
            loading.MigrationGraph, loading.MigrationRecorder = graph, recorder
        return self.loader.graph

    def deployed(self):
        """The migrations that the deployed database has."""
        if self.applied is not None:
            return self.applied
        every = self.loader.disk_migrations
        return {*every, *(tuple(key) for migration in every.values() for key in migration.replaces)}

    def resolve(self):
        """Builds the loader's graph, and again without what Django cannot resolve."""
        while True:
            try:
                return self.loader.build_graph()
            except ValueError as error:  # a dependency on an app that is not installed
                guilty = self.guilty()
                if guilty is None:
                    raise
                key, reference = guilty
                self.error(key, str(error))
                self.uprooted.add(key)
                self.removed = getattr(self, "removed", set()) | {(key, reference)}
                self.disk = None

    def guilty(self):
        """The migration and the dependency that Django could not resolve."""
        loader = self.loader
        for key, migration in loader.disk_migrations.items():
            for reference in [*migration.dependencies, *migration.run_before]:
                try:
                    if reference[0] != key[0]:
                        loader.check_key(reference, key[0])
                except ValueError:
                    return key, tuple(reference)
        return None

    def error(self, key, message, missing=None):
        if not self.known:
            return
        self.errors.append({"app": key[0], "name": key[1], "message": message, "missing": missing})

    def load_disk(self, loader):
        """Django's load_disk, in which one broken file costs one migration."""
        if self.disk is not None:
            loader.disk_migrations, loader.unmigrated_apps, loader.migrated_apps = self.disk
            return
        loader.disk_migrations = {}
        loader.unmigrated_apps, loader.migrated_apps = set(), set()
        removed = getattr(self, "removed", set())
        for config in apps.get_app_configs():
            label = config.label
            module_name, explicit = loader.migrations_module(label)
            module = None
            if module_name is not None:
                try:
                    module = importlib.import_module(module_name)
                except ModuleNotFoundError as error:
                    if explicit or loading.MIGRATIONS_MODULE_NAME not in (error.name or "").split("."):
                        self.error((label, ""), last_line(error))
                except Exception as error:
                    self.error((label, ""), last_line(error))
            namespace = getattr(module, "__file__", None) is None and not isinstance(
                getattr(module, "__path__", None), list
            )
            if module is None or not hasattr(module, "__path__") or namespace:
                loader.unmigrated_apps.add(label)
                continue
            loader.migrated_apps.add(label)
            names = sorted(
                name
                for _, name, is_package in pkgutil.iter_modules(module.__path__)
                if not is_package and name[0] not in "_~"
            )
            for position, name in enumerate(names):
                key = (label, name)
                previous = names[position - 1] if position else None
                migration = self.load(key, module, module_name, previous)
                for field in ("dependencies", "run_before"):
                    kept = [d for d in getattr(migration, field) if (key, tuple(d)) not in removed]
                    setattr(migration, field, kept)
                loader.disk_migrations[key] = migration
        self.disk = loader.disk_migrations, loader.unmigrated_apps, loader.migrated_apps

    def load(self, key, module, module_name, previous):
        path = "%s.%s" % (module_name, key[1])
        try:
            loaded = importlib.import_module(path)
            self.files[key] = module_file(loaded)
            return loaded.Migration(key[1], key[0])
        except BaseException as error:
            if isinstance(error, KeyboardInterrupt):
                raise
            if key not in self.broken:
                message = last_line(error)
                if isinstance(error, AttributeError) and path in sys.modules:
                    message = "the file has no class Migration"
                self.error(key, message)
            self.broken.add(key)
        # A stand-in keeps the place of the migration in the graph.
        filename = "%s/%s.py" % (list(module.__path__)[0], key[1])
        self.files[key] = filename
        migration = Migration(key[1], key[0])
        migration.dependencies = read_dependencies(filename)
        if migration.dependencies is None:
            migration.dependencies = [(key[0], previous)] if previous else []
        return migration

    def replace(self, graph):
        """Decides for each squashed migration whether it or the originals run."""
        squashes = self.loader.replacements
        pending, done = list(squashes), set()
        while pending:
            # A squash of squashes is decided after those that it replaces.
            key = next(
                (k for k in pending if not any(tuple(r) in pending for r in squashes[k].replaces)),
                pending[0],
            )
            pending.remove(key)
            done.add(key)
            replaces = [tuple(replaced) for replaced in squashes[key].replaces]
            exist = [replaced for replaced in replaces if replaced in self.loader.disk_migrations]
            known = exist if self.applied is None else [r for r in replaces if r in self.applied]
            if key not in graph.nodes:
                continue
            try:
                if exist and len(exist) == len(replaces) and known:
                    graph.remove_replacement_node(key, replaces)
                    self.replaced[key] = "replaces migrations that are applied"
                else:
                    graph.remove_replaced_nodes(key, replaces)
                    for replaced in exist:
                        self.replaced[replaced] = "replaced by %s.%s" % key
            except Exception as error:  # a node that another squash took away
                self.error(key, last_line(error))

    def drop_missing(self, graph):
        """Turns dependencies on migrations that do not exist into errors."""
        for node in list(graph.node_map.values()):
            if not isinstance(node, DummyNode):
                continue
            for child in list(node.children):
                child.parents.discard(node)
                self.uprooted.add(child.key)
                self.error(
                    child.key,
                    "depends on migration %s.%s, which does not exist" % tuple(node.key[:2]),
                    missing=list(node.key[:2]),
                )
            for parent in list(node.parents):
                parent.children.discard(node)
            del graph.node_map[node.key]
            graph.nodes.pop(node.key, None)

    def break_cycles(self, graph):
        """Turns circular dependencies into errors, and cuts them."""
        state = {}
        for start in sorted(graph.nodes):
            if start in state:
                continue
            state[start] = "open"
            stack = [(start, iter(sorted(graph.node_map[start].parents)))]
            while stack:
                key, parents = stack[-1]
                node = next(parents, None)
                if node is None:
                    state[key] = "done"
                    stack.pop()
                elif state.get(node.key) == "open":
                    graph.node_map[key].parents.discard(node)
                    node.children.discard(graph.node_map[key])
                    self.uprooted.update((key, node.key))
                    self.error(key, "circular dependency with %s.%s" % tuple(node.key))
                elif node.key not in state:
                    state[node.key] = "open"
                    stack.append((node.key, iter(sorted(node.parents))))

    def detect_conflicts(self, graph):
        """The apps with several leaf migrations.

        What hangs on a dependency that was cut has no place in the graph: Django
        refuses that dependency, and says nothing of leaves.
        """
        found = {}
        for app, name in graph.leaf_nodes():
            if self.uprooted.isdisjoint(graph.forwards_plan((app, name))):
                found.setdefault(app, set()).add(name)
        return {app: names for app, names in found.items() if len(names) > 1}

    def plan(self):
        """What `migrate` would run on an empty database, in order."""
        graph, order, seen = self.loader.graph, [], set()
        for target in graph.leaf_nodes():
            for key in graph.forwards_plan(target):
                if key not in seen:
                    seen.add(key)
                    order.append(key)
        return order


def read_dependencies(filename):
    """The literal `dependencies` of a migration file that does not import."""
    try:
        with open(filename, "rb") as file:
            tree = ast.parse(file.read())
    except (OSError, SyntaxError, ValueError):
        return None
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") == "dependencies":
            found = []
            for item in getattr(node.value, "elts", []):
                try:
                    app, name = ast.literal_eval(item)
                    found.append((app, name))
                except (ValueError, TypeError):
                    continue
            return found
    return None
