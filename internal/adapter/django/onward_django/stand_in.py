"""Stands in for packages that an older revision of the project imports and the
interpreter does not have, or has in another version.

The models are what is wanted of such a revision, and most of what a package
gives to a project has no part in them. Only what an import has failed on is
stood in for: an optional import must go on failing.
"""
import datetime
import importlib
import importlib.abc
import importlib.machinery
import re
import sys
import types


class Anything:
    """Takes whatever is done to it, and is nothing: a function, a decorator, a
    value, a class to derive from, a field that no table has."""

    def __init__(self, name):
        object.__setattr__(self, "_onward_name", name)

    def __getattr__(self, name):
        if name.startswith("__") and name.endswith("__"):
            raise AttributeError(name)
        return Anything("%s.%s" % (self._onward_name, name))

    def __setattr__(self, name, value):
        pass

    def __call__(self, *args, **kwargs):
        # A decorator gives back what it decorates.
        if len(args) == 1 and not kwargs and isinstance(args[0], (type, types.FunctionType)):
            return args[0]
        return Anything(self._onward_name + "()")

    def __mro_entries__(self, bases):
        return ()

    def __instancecheck__(self, instance):
        return False

    def __subclasscheck__(self, cls):
        return False

    def __getitem__(self, key):
        return Anything(self._onward_name + "[]")

    def __iter__(self):
        return iter(())

    def __len__(self):
        return 0

    def __contains__(self, item):
        return False

    def __bool__(self):
        return False

    def __int__(self):
        return 0

    __index__ = __int__

    def __float__(self):
        return 0.0

    def __str__(self):
        return self._onward_name

    __fspath__ = __str__

    def __get_pydantic_core_schema__(self, source, handler):
        return {"type": "any"}  # as the annotation of a field

    def __enter__(self):
        return self

    def __exit__(self, *args):
        return False

    def _other(self, other):
        return other if isinstance(other, (list, tuple, str, dict, set)) else self

    __add__ = __radd__ = __or__ = __ror__ = _other
    __truediv__ = __rtruediv__ = __sub__ = __mul__ = __mod__ = __and__ = _other


class _Module(types.ModuleType):
    def __getattr__(self, name):
        if name.startswith("__") and name.endswith("__"):
            raise AttributeError(name)
        return Anything("%s.%s" % (self.__name__, name))


class _Finder(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Finds the modules that are missing, and below them whatever is asked for."""

    def __init__(self, missing, path):
        self.missing, self.path = missing, path

    def find_spec(self, fullname, path=None, target=None):
        for name in self.missing:
            if fullname == name or fullname.startswith(name + "."):
                spec = importlib.machinery.ModuleSpec(fullname, self, is_package=True)
                spec.submodule_search_locations = [self.path]
                return spec
        return None

    def create_module(self, spec):
        return _Module(spec.name)

    def exec_module(self, module):
        pass


class _Completer(importlib.abc.MetaPathFinder):
    """Gives modules that are there the names that this version has not."""

    def __init__(self, names):
        self.names = names  # module -> names

    def find_spec(self, fullname, path=None, target=None):
        if fullname not in self.names:
            return None
        spec = importlib.machinery.PathFinder.find_spec(fullname, path)
        if spec is None or spec.loader is None:
            return None
        execute = spec.loader.exec_module

        def exec_module(module):
            execute(module)
            complete(module, self.names[fullname])

        spec.loader.exec_module = exec_module
        return spec


# What Django had once, and code does more with than to pass it on.
_HAD = {"django.utils.timezone.utc": datetime.timezone.utc}


_OPTIONS = "django.db.models.options"


def complete(module, names):
    for name in names:
        if not hasattr(module, name):
            full = "%s.%s" % (module.__name__, name)
            setattr(module, name, _HAD.get(full) or Anything(full))


def install(names, path):
    """Stands in for modules ("markdown"), and for names of modules
    ("social_core.exceptions:AuthFailed")."""
    modules, attributes = [], {}
    for name in names:
        module, colon, attribute = name.partition(":")
        if colon:
            attributes.setdefault(module, []).append(attribute)
        else:
            modules.append(module)
    sys.meta_path[:0] = [_Finder(modules, path), _Completer(attributes)]
    for module, given in attributes.items():
        if module in sys.modules:
            complete(sys.modules[module], given)
    if _OPTIONS in attributes:
        # What a model's Meta may say, index_together before Django 5.1.
        options = importlib.import_module(_OPTIONS)
        options.DEFAULT_NAMES += tuple(attributes[_OPTIONS])


def clean(settings):
    """Takes out of the settings what only a package that is missing can make."""
    databases = getattr(settings, "DATABASES", None)
    if not isinstance(databases, dict):
        databases = {}
    settings.DATABASES = {
        alias: {key: value for key, value in options.items() if not isinstance(value, Anything)}
        for alias, options in databases.items()
        if isinstance(options, dict)
    }


_NAME = re.compile(r"cannot import name '(\w+)' from (?:partially initialized module )?'([\w.]+)'")
_META = re.compile(r"^'class Meta' got invalid attribute\(s\): (\w+)")
_ATTRIBUTE = re.compile(r"^module '([\w.]+)' has no attribute '(\w+)'")


def missing(error):
    """What an import asked for and did not find, or code asked of a module, in install's
    words; "" for other errors."""
    seen = 0
    while error is not None and seen < 10:
        if isinstance(error, ModuleNotFoundError) and error.name:
            return error.name
        if isinstance(error, ImportError):
            found = _NAME.search(str(error))
            if found:
                return "%s:%s" % (found.group(2), found.group(1))
        if isinstance(error, AttributeError):
            found = _ATTRIBUTE.search(str(error))
            if found:
                return "%s:%s" % found.groups()
        if isinstance(error, TypeError):
            found = _META.search(str(error))
            if found:
                return "%s:%s" % (_OPTIONS, found.group(1))
        error, seen = error.__cause__ or error.__context__, seen + 1
    return ""


# What the same code raises again with the same packages. Other errors may be for want
# of a service, a file or a library of the system, which may be there the next time.
_OF_CODE = (AttributeError, TypeError, NameError, SyntaxError, KeyError, ValueError, ModuleNotFoundError)


def lasting(error):
    """Whether the project fails so until its code, its packages or the environment change."""
    seen = 0
    while error is not None and seen < 10:
        django = type(error).__module__ == "django.core.exceptions" and "library" not in str(error)
        django = django or isinstance(error, RuntimeError) and str(error).startswith("Model class ")
        if not django and not isinstance(error, _OF_CODE) and not missing(error):
            return False
        error, seen = error.__cause__ or error.__context__, seen + 1
    return 0 < seen < 10
