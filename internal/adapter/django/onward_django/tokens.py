"""The lexical structure of SQL, as much as following Django's DDL needs."""
import re

_TOKENS = re.compile(
    r"""
      (?P<space>\s+|--[^\n]*|/\*.*?\*/)
    | (?P<dollar>\$(?P<tag>\w*)\$.*?\$(?P=tag)\$)
    | (?P<string>[eE]'(?:[^'\\]|\\.|'')*'|'(?:[^']|'')*')
    | (?P<name>"(?:[^"]|"")*")
    | (?P<word>[^\W\d][\w$]*)
    | (?P<number>\d+(?:\.\d+)?)
    | (?P<mark>.)
    """,
    re.VERBOSE | re.DOTALL,
)


class Cursor:
    """Walks over the tokens of one statement."""

    def __init__(self, tokens):
        self.tokens, self.at = tokens, 0

    def done(self):
        return self.at >= len(self.tokens)

    def peek(self):
        return None if self.done() else self.tokens[self.at][1]

    def kind(self):
        return None if self.done() else self.tokens[self.at][0]

    def take(self):
        self.at += 1
        return self.tokens[self.at - 1][1]

    def skip(self, *words):
        """Steps over these keywords if all of them come next."""
        ahead = self.tokens[self.at : self.at + len(words)]
        if len(ahead) == len(words) and all(
            kind in ("word", "mark") and value == word for (kind, value), word in zip(ahead, words)
        ):
            self.at += len(words)
            return True
        return False

    def name(self):
        """A name; one outside the schema public keeps its schema."""
        parts = [self.take()]
        while self.skip("."):
            parts.append(self.take())
        if len(parts) > 1 and parts[-2] == "public":
            parts = parts[-1:]
        return '"."'.join(parts)

    def names(self):
        found = [self.name()]
        while self.skip(","):
            found.append(self.name())
        return found

    def group(self):
        """The tokens between the parenthesis that comes next and its partner."""
        depth, start = 0, self.at + 1
        while not self.done():
            value = self.take() if self.kind() == "mark" else (self.take(), "")[1]
            depth += {"(": 1, ")": -1}.get(value, 0)
            if depth == 0:
                break
        return self.tokens[start : self.at - 1]

    def rest(self):
        return self.tokens[self.at :]


def statements(sql):
    """The statements of a message, each as [(kind, value), ...]."""
    for tokens, _ in spelled(sql):
        yield tokens


def spelled(sql):
    """The statements of a message with their texts."""
    current, start = [], 0
    for match in _TOKENS.finditer(sql):
        kind, value = match.lastgroup, match.group()
        if kind == "space":
            continue
        if kind == "tag":
            kind = "dollar"
        if kind == "word":
            value = _identifier(value.lower())
        elif kind == "name":
            value = _identifier(value[1:-1].replace('""', '"'))
        elif value == ";":
            if current:
                yield current, sql[start : match.start()]
            current = []
            continue
        if not current:
            start = match.start()
        current.append((kind, value))
    if current:
        yield current, sql[start:]


def split(tokens):
    """Splits at the commas outside all parentheses."""
    parts, depth = [[]], 0
    for token in tokens:
        if token[0] == "mark":
            depth += {"(": 1, ")": -1}.get(token[1], 0)
            if token[1] == "," and depth == 0:
                parts.append([])
                continue
        parts[-1].append(token)
    return [part for part in parts if part]


def _identifier(name):
    """A name as PostgreSQL keeps it: the first 63 bytes."""
    return name if len(name) < 16 else name.encode()[:63].decode(errors="ignore")
