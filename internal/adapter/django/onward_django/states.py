"""Project states that render only the models that an operation looks at.

Rendering the classes of a state is what makes Django's own replay slow: each
operation re-renders the touched model and everything connected to it. One
operation on one model needs that model whole, and of the models around it
only the columns that its foreign keys meet.
"""
from django.contrib.postgres import operations as postgres
from django.db import migrations
from django.db.migrations import state as django_state
from django.db.migrations.state import ModelState, ProjectState, StateApps

from . import copies

ALL = object()

# Searches all models, only to decide whether rendered classes may be reloaded
# later. The states here hold no rendered classes.
if hasattr(django_state, "field_is_referenced"):
    django_state.field_is_referenced = lambda *args: False

# How state_forwards of a class finds the one model that it changes: the name
# of an attribute, or None where it changes none that exists.
_TOUCHES = {}
# The classes whose database_forwards looks at one model of each state only,
# with the function that says which of its fields: (operation, model) -> names.
_LOOKS_AT = {}


def _everything(operation, model):
    return ALL


def _one_field(operation, model):
    # The expression of a generated column may name any other column.
    field = model.fields.get(operation.name)
    given = getattr(operation, "field", None)
    if getattr(field, "generated", False) or getattr(given, "generated", False):
        return ALL
    return frozenset([operation.name])


def _renamed_field(operation, model):
    return frozenset([operation.old_name, operation.new_name])


def _indexed_fields(operation, model):
    index = operation.index
    if getattr(index, "expressions", ()) or index.condition or not index.fields:
        return ALL
    return frozenset([name.lstrip("-") for name in index.fields] + list(index.include))


def _learn(attribute, looks_at, *classes):
    for module, name in classes:
        cls = getattr(module, name, None)  # not every version has every operation
        if cls is not None:
            _TOUCHES[cls.state_forwards] = attribute
            if looks_at is not None:
                _LOOKS_AT[cls.database_forwards] = looks_at


def _named(module, names):
    return [(module, name) for name in names.split()]


_learn(None, _everything, (migrations, "CreateModel"))
_learn(
    "name_lower",
    _everything,
    *_named(
        migrations,
        "DeleteModel AlterModelTable AlterModelTableComment AlterUniqueTogether AlterIndexTogether"
        " AlterModelOptions AlterModelManagers AlterOrderWithRespectTo",
    )
)
_learn("model_name_lower", _one_field, *_named(migrations, "AddField RemoveField AlterField"))
_learn("model_name_lower", _indexed_fields, (migrations, "AddIndex"), (postgres, "AddIndexConcurrently"))
_learn(
    "model_name_lower",
    _everything,
    *_named(migrations, "RemoveIndex RenameIndex AddConstraint RemoveConstraint AlterConstraint"),
    *_named(postgres, "RemoveIndexConcurrently AddConstraintNotValid")
)
# Validating changes no state; it looks its model up by name.
_learn(None, _everything, (postgres, "ValidateConstraint"))
_learn(None, None, (migrations, "RunPython"), *_named(postgres, "CreateExtension CollationOperation"))
# Renaming a field changes the states of models around it, but looks at one.
_LOOKS_AT[migrations.RenameField.database_forwards] = _renamed_field


def touched(operation, app_label):
    """The keys of the models whose state an operation may change, or ALL."""
    forwards = type(operation).state_forwards
    if forwards in (migrations.RunSQL.state_forwards, migrations.SeparateDatabaseAndState.state_forwards):
        keys = set()
        for nested in operation.state_operations or ():
            more = touched(nested, app_label)
            if more is ALL:
                return ALL
            keys |= more
        return keys
    if forwards not in _TOUCHES:
        return ALL
    attribute = _TOUCHES[forwards]
    return {(app_label, getattr(operation, attribute))} if attribute else set()


class LazyState(ProjectState):
    """A ProjectState whose `apps` renders models when they are asked for.

    ModelStates are shared between states and never changed in place: before
    an operation changes one, forward() puts a copy in.
    """

    looks_at = None  # which fields the operation looks at; None: any model
    operation = None
    cache = None
    real_states = None
    gone = {}  # models that were deleted: Django renders none anew that derives from one

    @property
    def apps(self):
        if "onward_apps" not in self.__dict__:
            self.onward_apps = Registry(self)
        return self.onward_apps

    @apps.setter
    def apps(self, value):
        pass

    @apps.deleter
    def apps(self):
        self.__dict__.pop("onward_apps", None)

    def clone(self):
        copy = self.snapshot()
        copy.models = {key: state.clone() for key, state in self.models.items()}
        return copy

    def snapshot(self):
        """This state as it is now, kept from the changes to come."""
        copy = LazyState(models=dict(self.models), real_apps=self.real_apps)
        copy.is_delayed = self.is_delayed
        copy.cache, copy.real_states, copy.gone = self.cache, self.real_states, self.gone
        return copy

    def find(self, key):
        """The state of a model, or of one that is left as a base only."""
        return self.models.get(key) or self.real_states.get(key) or self.gone.get(key)

    def forward(self, operation, app_label):
        """Applies the operation to this state; earlier snapshots stay as they are."""
        keys = touched(operation, app_label)
        before = dict(self.models)
        for key in before if keys is ALL else keys:
            if key in before:
                self.models[key] = before[key].clone()
        try:
            operation.state_forwards(app_label, self)
        finally:
            gone = {key: before[key] for key in before if key not in self.models}
            if gone:
                self.gone = {**self.gone, **gone}
            if keys is ALL:
                for key, state in before.items():
                    if key in self.models and _same(state, self.models[key]):
                        self.models[key] = state

    def look(self, operation, whole):
        """Says which operation will look at this state next."""
        self.operation = operation
        self.looks_at = None if whole else _LOOKS_AT.get(type(operation).database_forwards)
        del self.apps


def _same(one, other):
    """Whether a clone is still what it was cloned from."""
    return (
        one.name == other.name
        and one.bases == other.bases
        and list(one.fields) == list(other.fields)
        and all(field is other.fields[name] for name, field in one.fields.items())
        and one.options.keys() == other.options.keys()
        and all(value is other.options[name] for name, value in one.options.items())
        and [manager for _, manager in one.managers] == [manager for _, manager in other.managers]
    )


class Registry:
    """Stands in for StateApps: the one model that is asked for, or everything."""

    def __init__(self, state):
        self.state = state
        self.key = None
        self.part = None
        self.full = None

    def get_model(self, app_label, model_name=None, require_ready=True):
        if model_name is None:
            app_label, model_name = app_label.split(".")
        key = (app_label, model_name.lower())
        if self.state.looks_at and self.full is None and self.key in (None, key):
            if self.part is None:
                self.key, self.part = key, part(self.state, key)
            if self.part is not None:
                return self.part.get_model(*key)
        return self.whole().get_model(*key)

    def whole(self):
        if self.full is None:
            self.full = whole(self.state)
        return self.full

    def __getattr__(self, name):
        return getattr(self.whole(), name)


class PartApps(StateApps):
    """A registry of these model states and nothing else."""

    def __init__(self, states):
        super().__init__([], {})
        with copies.made():
            self.render_multiple(states)


def whole(state):
    """All models of the state, as Django renders them; the last one is kept."""
    fingerprint = {key: id(model) for key, model in state.models.items()}
    kept = state.cache.get("whole")
    if kept is None or kept[0] != fingerprint:
        states = [*state.models.values(), *state.real_states.values()]
        names = {(each.app_label, each.name_lower) for each in states}
        for each in states:  # grows
            for base in links(each).bases:
                if base not in names and base in state.gone:
                    names.add(base)
                    states.append(state.gone[base])
        kept = (fingerprint, PartApps(states), list(state.models.values()))
        state.cache["whole"] = kept
    return kept[1]


def part(state, key):
    """The registry for one model, or None where the state has no such model."""
    model = state.models.get(key) or state.real_states.get(key)
    if model is None:
        return None
    names = state.looks_at(state.operation, model)
    if names is not ALL:
        names = names & model.fields.keys()  # one that is added is not there before
    needs = {}
    need(state, needs, key, names)
    if meets_keys(state.operation, model, names):
        for other, more in referring(state, key).items():
            need(state, needs, other, frozenset(more))
    for kept_needs, kept_pieces, apps in state.cache.get(key, ()):
        if covers(kept_needs, needs) and all(state.find(k) is piece for k, piece in kept_pieces.items()):
            return apps
    pieces = {k: state.find(k) for k in needs}
    states = [
        model if needs[k] is ALL else thin(model, needs[k], whole_options=k == key)
        for k, model in pieces.items()
        if model is not None
    ]
    apps = PartApps(states)
    state.cache[key] = [(needs, pieces, apps)] + state.cache.get(key, [])[:2]
    return apps


def covers(have, needs):
    """Whether what is rendered has what is needed, and perhaps more."""
    return all(k in have and (have[k] is ALL or names is not ALL and names <= have[k]) for k, names in needs.items())


def need(state, needs, key, names):
    """Adds to {key: ALL or field names} what these fields of a model need."""
    todo = [(key, names)]
    while todo:
        key, names = todo.pop()
        model = state.find(key)
        have = needs.get(key)
        if have is ALL or (have is not None and names is not ALL and names <= have):
            continue
        if model is None:
            needs[key] = ALL
            continue
        if names is not ALL:
            names = names | identity(model) | (have or frozenset())
        needs[key] = names
        todo.extend((base, ALL) for base in links(model).bases)
        for name, target, meets in links(model).fields:
            if names is ALL or name in names:
                todo.append((target, meets))


def meets_keys(operation, model, names):
    """Whether the operation may change a column that foreign keys refer to."""
    if not isinstance(operation, (migrations.AlterField, migrations.RenameField)):
        return False
    fields = [getattr(operation, "field", None), *map(model.fields.get, names)] if names is not ALL else [None]
    return names is ALL or any(field is not None and (field.primary_key or field.unique) for field in fields)


def referring(state, key):
    """The models that refer to a model, with the fields that do: {key: names}.

    Follows on through referring columns that are keys themselves.
    """
    found = {}
    todo, seen = [key], set()
    while todo:
        target = todo.pop()
        if target in seen:
            continue
        seen.add(target)
        for other, model in state.models.items():
            names = {name for name, to, _ in links(model).fields if to == target}
            if target in links(model).bases:
                todo.append(other)
            if not names:
                continue
            found.setdefault(other, set()).update(names)
            for name in names:
                field = model.fields.get(name)
                if field is not None and (field.primary_key or field.unique):
                    todo.append(other)
    return found


class Links:
    """Which models a model's state refers to."""

    def __init__(self, model):
        self.bases = [
            tuple(base.lower().split(".")) if "." in base else (model.app_label, base.lower())
            for base in model.bases
            if isinstance(base, str)
        ]
        self.fields = []
        for name, field in model.fields.items():
            remote = getattr(field, "remote_field", None)
            if remote is None or not getattr(remote, "model", None):
                continue
            target = _key(remote.model, model)
            names = frozenset(n for n in (getattr(field, "to_fields", None) or ()) if n and n != "self")
            self.fields.append((name, target, names))
            through = getattr(remote, "through", None)
            if through:
                self.fields.append((name, _key(through, model), frozenset()))


def links(model):
    if "onward_links" not in model.__dict__:
        model.onward_links = Links(model)
    return model.onward_links


def _key(reference, model):
    if not isinstance(reference, str):
        return (reference._meta.app_label, reference._meta.model_name)
    if reference == "self":
        return (model.app_label, model.name_lower)
    if "." in reference:
        return tuple(reference.lower().rsplit(".", 1)) if reference.islower() else _split(reference)
    return (model.app_label, reference.lower())


def _split(reference):
    app_label, name = reference.split(".", 1)
    return (app_label, name.lower())


def identity(model):
    """The fields that make up a model's primary key; all, where it names none."""
    if "onward_identity" not in model.__dict__:
        names = set()
        for name, field in model.fields.items():
            if field.primary_key:
                names.add(name)
                names.update(getattr(field, "field_names", ()))  # CompositePrimaryKey
        model.onward_identity = frozenset(names or model.fields)
    return model.onward_identity


_KEPT_OPTIONS = ("db_table", "db_tablespace", "managed", "proxy", "swappable")


def thin(model, names, whole_options):
    """A model with some of its fields only."""
    options = model.options
    if whole_options:
        # The editor leaves constraints and indexes alone that Meta names.
        options = {name: value for name, value in options.items() if name != "order_with_respect_to"}
    else:
        options = {name: options[name] for name in _KEPT_OPTIONS if name in options}
    return ModelState(
        model.app_label,
        model.name,
        [(name, field) for name, field in model.fields.items() if name in names],
        options,
        model.bases,
        [],
    )
