"""Loops over constant texts, such as the names of models, as their rounds one after the other."""
import ast
import copy

_MOST = 20


def unroll(tree):
    _Rounds().visit(tree)


class _Rounds(ast.NodeTransformer):
    def visit_For(self, node):
        self.generic_visit(node)
        texts = _texts(node)
        if not texts or not any(getattr(getattr(n, "func", None), "attr", "") == "get_model" for n in ast.walk(node)):
            return node
        rounds = []
        for number, text in enumerate(texts):
            body = copy.deepcopy(node.body)
            names = {n.id for part in body for n in ast.walk(part) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)}
            renamed = _Renamed(node.target.id, text, names, number)
            rounds += [renamed.visit(part) for part in body]
        return rounds


def _texts(node):
    if not isinstance(node.target, ast.Name) or not isinstance(node.iter, (ast.List, ast.Tuple, ast.Set)):
        return None
    texts = [n.value for n in node.iter.elts if isinstance(n, ast.Constant) and isinstance(n.value, str)]
    return texts if len(texts) == len(node.iter.elts) <= _MOST else None


class _Renamed(ast.NodeTransformer):
    """A round: its text in place of the loop's variable, and variables of its own."""

    def __init__(self, variable, text, names, number):
        self.variable, self.text, self.names, self.number = variable, text, names, number

    def visit_Name(self, node):
        if node.id == self.variable and isinstance(node.ctx, ast.Load):
            return ast.copy_location(ast.Constant(value=self.text), node)
        if node.id in self.names:
            node.id = "%s %d" % (node.id, self.number)
        return node
