"""Copies of fields for the models of a state, which Django makes anew from what they are
deconstructed to: with long histories a fifth of the time.

A model takes its fields over and changes them. What it changes is copied here as it is
for the fields of an abstract model, which each heir has for itself.
"""
import contextlib
import copy

from django.apps import apps
from django.db.models import Field
from django.utils.functional import cached_property

_cached = {}  # class -> names of what it works out once


def remember_settings():
    """Keeps which setting may put another model in a model's place: each model that is
    rendered made Django look through all of them again."""
    lookup, known = apps.get_swappable_settings_name, {}

    def get_swappable_settings_name(to_string):
        if to_string not in known:
            known[to_string] = lookup(to_string)
        return known[to_string]

    get_swappable_settings_name.cache_clear = lambda: None
    apps.get_swappable_settings_name = get_swappable_settings_name


@contextlib.contextmanager
def made():
    """Makes clones of Django's own fields by copying them."""
    anew = Field.clone

    def clone(field):
        return copied(field) if plain(type(field)) else anew(field)

    Field.clone = clone
    try:
        yield
    finally:
        Field.clone = anew


def plain(cls):
    """Whether a field's class is Django's own, and holds no other field."""
    module = cls.__module__
    return module in ("django.db.models.fields", "django.db.models.fields.related") and cls.clone is Field.clone


def copied(field):
    """The field as it was before a model had it."""
    if field.__class__ not in _cached:
        _cached[type(field)] = [
            name
            for cls in type(field).__mro__
            for name, value in vars(cls).items()
            if isinstance(value, cached_property)
        ]
    clone = copy.deepcopy(field)
    for name in _cached[type(field)]:
        clone.__dict__.pop(name, None)
    # Columns come in the order in which their fields were made.
    if not clone.auto_created:
        clone.creation_counter = Field.creation_counter
        Field.creation_counter += 1
    return clone
