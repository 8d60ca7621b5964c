"""The models that a migration's function imports from the project's modules."""
import ast
import sys


def imported(function, tree):
    return _Imports(function, tree)


class _Imports:
    def __init__(self, function, tree):
        self.known, self.bound = dict(function.__globals__), _bound(tree)
        package = function.__globals__.get("__package__") or ""
        for node in ast.walk(tree):
            if isinstance(node, ast.ImportFrom):
                self._take(node, package)
                self.bound.difference_update(alias.asname or alias.name for alias in node.names)

    def _take(self, node, package):
        """Takes names of a module that is loaded already: nothing is imported."""
        parts = package.split(".")
        above = parts[: len(parts) - node.level + 1] if node.level else []
        module = sys.modules.get(".".join([*above, *([node.module] if node.module else [])]))
        for alias in node.names:
            self.known[alias.asname or alias.name] = getattr(module, alias.name, None)

    def key(self, node, models):
        """The key of the model that `Book` or `models.Book` means."""
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id not in self.bound:
            owner = self.known.get(node.value.id)
            found = vars(owner).get(node.attr) if type(owner) is type(ast) else None
        elif isinstance(node, ast.Name) and node.id not in self.bound:
            found = self.known.get(node.id)
        else:
            return None
        options = getattr(found, "_meta", None) if isinstance(found, type) else None
        key = (getattr(options, "app_label", None), getattr(options, "model_name", None))
        return key if key in models else None


def _bound(tree):
    """The names that a function gives values to: they hide those of its module."""
    names = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)}
    return names | {argument.arg for argument in tree.args.args}
