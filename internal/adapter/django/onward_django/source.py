"""Where things stand in the source files: lines and columns.

Lines and columns count from 1, columns in characters; offsets count bytes.
"""
import ast
import hashlib
import os
import re
import sys

_PREFIX = re.compile(rb"[rRuU]?(\"\"\"|'''|\"|')")


def module_file(module):
    return getattr(module, "__file__", None) or ""


def relative(path, root):
    """(path, external): below the root, or as the search path finds it."""
    path = os.path.realpath(path)
    inside = path.startswith(root + os.sep)
    if inside and "site-packages" not in path:
        return path[len(root) + 1 :].replace(os.sep, "/"), False
    homes = [os.path.realpath(entry) for entry in sys.path if entry]
    homes = [home for home in homes if path.startswith(home + os.sep)]
    if homes:
        return path[len(max(homes, key=len)) + 1 :].replace(os.sep, "/"), True
    return os.path.basename(path), True


class Source:
    """One migration file: its hash, and the places of its operations."""

    def __init__(self, path):
        self.path, self.hash = path, ""
        self.text = b""
        self.tree = None
        self.names = {}
        self.lines, self.starts = [], []
        try:
            with open(path, "rb") as file:
                self.text = file.read()
        except OSError:
            return
        self.hash = hashlib.sha256(self.text).hexdigest()
        try:
            self.tree = ast.parse(self.text)
        except (SyntaxError, ValueError):
            return
        self.lines = self.text.split(b"\n")
        self.migration = None
        for node in self.tree.body:
            if isinstance(node, ast.ClassDef) and node.name == "Migration":
                self.migration = node
            self._remember(node)

    def _remember(self, node):
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            self.names[node.targets[0].id] = node.value
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name) and node.value:
            self.names[node.target.id] = node.value

    def places(self, operations):
        """Maps id(operation) to its syntax node, nested operations included."""
        found = {}
        if self.tree is None or self.migration is None:
            return found
        value = None
        for node in self.migration.body:
            before = self.names.get("operations")
            self._remember(node)
            if self.names.get("operations") is not before:
                value = self.names["operations"]
            elif isinstance(node, ast.AugAssign) and getattr(node.target, "id", "") == "operations":
                value = ast.BinOp(left=value, op=ast.Add(), right=node.value)
        self._pair(operations, self._elements(value), found)
        return found

    def _pair(self, operations, nodes, found):
        if nodes is None or len(nodes) != len(operations):
            return
        for operation, node in zip(operations, nodes):
            found[id(operation)] = node
            if not isinstance(node, ast.Call):
                continue
            for index, name in enumerate(("database_operations", "state_operations")):
                nested = getattr(operation, name, None)
                if nested:
                    self._pair(nested, self._elements(argument(node, index, name)), found)

    def _elements(self, node):
        """The syntax nodes of a list, or None where it is not written out."""
        if isinstance(node, ast.Name):
            node = self.names.get(node.id)
        if isinstance(node, (ast.List, ast.Tuple)):
            elements = []
            for element in node.elts:
                if isinstance(element, ast.Starred):
                    inner = self._elements(element.value)
                    if inner is None:
                        return None
                    elements.extend(inner)
                elif isinstance(element, ast.Name) and element.id in self.names:
                    elements.append(self.names[element.id])
                else:
                    elements.append(element)
            return elements
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
            left, right = self._elements(node.left), self._elements(node.right)
            return None if left is None or right is None else left + right
        return None

    def place(self, node):
        """Where an operation stands; the class, where it is not written out."""
        node = node or getattr(self, "migration", None)
        if node is None:
            return {"line": 1, "column": 1, "end_line": 1, "end_column": 1}
        end = (node.end_lineno, node.end_col_offset)
        if isinstance(node, ast.ClassDef):
            end = (node.lineno, node.col_offset + len("class"))
        return {
            "line": node.lineno,
            "column": self._column(node.lineno, node.col_offset),
            "end_line": end[0],
            "end_column": self._column(*end),
        }

    def _column(self, line, offset):
        return len(self.lines[line - 1][:offset].decode(errors="replace")) + 1

    def literals(self, node):
        """The string nodes of RunSQL(sql=...), one per message, or None."""
        value = argument(node, 0, "sql") if isinstance(node, ast.Call) else None
        if isinstance(value, ast.Name):
            value = self.names.get(value.id)
        if isinstance(value, (ast.List, ast.Tuple)):
            nodes = []
            for element in value.elts:
                if isinstance(element, (ast.List, ast.Tuple)) and element.elts:
                    element = element.elts[0]
                nodes.append(self._string(element))
            return nodes
        return [self._string(value)]

    def _string(self, node):
        if isinstance(node, ast.Name):
            node = self.names.get(node.id)
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            return node
        return None

    def verbatim(self, node, sql):
        """(start, length) in bytes if the file has the SQL letter for letter.

        A file with CRLF counts too: Python reads its line ends as LF.
        """
        if node.value != sql or not sql:
            return None
        begin = self.offset(node.lineno, node.col_offset)
        match = _PREFIX.match(self.text, begin)
        if not match:
            return None
        start = match.end()
        end = self.text.find(match.group(1), start)
        if end < 0 or self.text[start:end].replace(b"\r\n", b"\n") != sql.encode():
            return None
        return start, end - start

    def offset(self, line, column):
        if not self.starts:
            at = 0
            for text in self.lines:
                self.starts.append(at)
                at += len(text) + 1
        # The parser drops a byte order mark before it counts columns.
        mark = 3 if line == 1 and self.text.startswith(b"\xef\xbb\xbf") else 0
        return self.starts[line - 1] + mark + column

    def span(self, node):
        """Where a node begins and ends, in bytes."""
        return self.offset(node.lineno, node.col_offset), self.offset(node.end_lineno, node.end_col_offset)

    def cut(self, node):
        """The text of an operation."""
        start, end = self.span(node)
        return self.text[start:end].decode(errors="replace").replace("\r\n", "\n")

    def comments(self, node):
        """The comments in the lines above an operation, indented as makemigrations does."""
        first = node.lineno
        while first > 1 and self.lines[first - 2].lstrip().startswith(b"#"):
            first -= 1
        lines = self.lines[first - 1 : node.lineno - 1]
        return "".join("        %s\n" % line.decode(errors="replace").strip() for line in lines)


def argument(call, position, name):
    for keyword in call.keywords:
        if keyword.arg == name:
            return keyword.value
    if len(call.args) > position and not any(isinstance(arg, ast.Starred) for arg in call.args):
        return call.args[position]
    return None
