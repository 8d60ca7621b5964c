"""The triggers that the rendered SQL has made, as far as an ALTER TABLE meets them.

django-pgtrigger has a schema editor that sends ALTER COLUMN TYPE, reads in the server's refusal which trigger is in the
way, drops that trigger, sends the statement again and makes the trigger anew. Here the server's refusal and its
definition of the trigger are made up from the statements that were rendered before.
"""
import re

from .tokens import Cursor, split, statements

_ASKED = re.compile(r"pg_get_triggerdef\(.*tgname = '(\w+)' AND tgrelid = '\"?([\w.]+)\"?'::regclass", re.S)


class Triggers:
    def __init__(self):
        self.known = {}  # (table, trigger) -> (names in its condition and its columns, statement)

    def run(self, tokens, text):
        """Follows one statement."""
        words = [value for kind, value in tokens[:6] if kind == "word"]
        if words[:1] == ["create"] and "trigger" in words[:5]:
            self._create(Cursor(tokens), text)
        elif words[:2] == ["drop", "trigger"]:
            cursor = Cursor(tokens[2:])
            cursor.skip("if", "exists")
            trigger = cursor.name()
            cursor.skip("on")
            self.known.pop((cursor.name(), trigger), None)
        elif words[:2] == ["alter", "table"]:
            self._rename(Cursor(tokens[2:]))
        elif words[:2] == ["drop", "table"]:
            cursor = Cursor(tokens[2:])
            cursor.skip("if", "exists")
            gone = set(cursor.names())
            self.known = {key: value for key, value in self.known.items() if key[0] not in gone}

    def _create(self, cursor, text):
        while cursor.take() != "trigger":
            pass
        trigger, names = cursor.name(), set()
        while not cursor.skip("on"):
            kind, value = cursor.kind(), cursor.take()
            if kind in ("word", "name"):
                names.add(value)
        table = cursor.name()
        while not cursor.done():
            if cursor.skip("when"):
                names.update(value for kind, value in cursor.group() if kind in ("word", "name"))
            else:
                cursor.take()
        self.known[table, trigger] = names, text

    def _rename(self, cursor):
        cursor.skip("if", "exists")
        cursor.skip("only")
        table = cursor.name()
        if not cursor.skip("rename"):
            return
        if cursor.skip("to"):
            new = cursor.name()
            for key in [key for key in self.known if key[0] == table]:
                names, text = self.known.pop(key)
                self.known[new, key[1]] = names, _spelled(text, table, new)
            return
        cursor.skip("column")
        old = cursor.name()
        cursor.skip("to")
        new = cursor.name()
        for key, (names, text) in self.known.items():
            if key[0] == table and old in names:
                self.known[key] = names - {old} | {new}, _spelled(text, old, new)

    def refusal(self, sql):
        """What the server says of a statement that changes the type of a column which a trigger uses; None for nothing."""
        for tokens in statements(sql):
            if [value for _, value in tokens[:2]] != ["alter", "table"]:
                continue
            cursor = Cursor(tokens[2:])
            cursor.skip("if", "exists")
            cursor.skip("only")
            table = cursor.name()
            for action in split(cursor.rest()):
                change = Cursor(action)
                if not change.skip("alter"):
                    continue
                change.skip("column")
                column = change.name()
                if not (change.skip("type") or change.skip("set", "data", "type")):
                    continue
                for (of, trigger), (names, _) in self.known.items():
                    # The editor knows its own triggers by their names.
                    if of == table and column in names and trigger.startswith("pgtrigger_"):
                        return (
                            "cannot alter type of a column used in a trigger definition\n"
                            'DETAIL:  trigger %s on table %s depends on column "%s"' % (trigger, table, column)
                        )
        return None

    def asked(self, text):
        """The definition of a trigger that a query asks for; None for another query."""
        found = _ASKED.search(text)
        if found is None:
            return None
        trigger, table = found.groups()
        known = self.known.get((table.rsplit(".", 1)[-1], trigger))
        return None if known is None else known[1]


def _spelled(text, old, new):
    """A statement with another name in it."""
    return re.sub(r'(?<![\w"])"?%s"?(?![\w"])' % re.escape(old), '"%s"' % new.replace('"', '""'), text)
