package pgparse

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// The text of EXECUTE is known if the rounds of its loop are.
func TestUnrolled(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		body string
		want string // SQL by SQL; ? for hidden SQL, ~ before a statement that may be skipped, @ before one in a loop
	}{
		"foreach": {
			"DECLARE t text; BEGIN FOREACH t IN ARRAY ARRAY['a', 'b']::text[] LOOP EXECUTE format('DROP TABLE %I', t); END LOOP; END",
			"DROP TABLE a|DROP TABLE b",
		},
		"literal array": {
			"DECLARE t text; BEGIN FOREACH t IN ARRAY '{a,b}'::text[] LOOP EXECUTE 'DROP TABLE ' || quote_ident(t); END LOOP; END",
			"DROP TABLE a|DROP TABLE b",
		},
		"numbers":   {"BEGIN FOR i IN 1..3 BY 2 LOOP EXECUTE 'DROP TABLE p_' || i; END LOOP; END", "DROP TABLE p_1|DROP TABLE p_3"},
		"backwards": {"BEGIN FOR i IN REVERSE 3..1 LOOP EXECUTE 'DROP TABLE p_' || i; END LOOP; END", "?~@"},
		"too many":  {"BEGIN FOR i IN 1..1000 LOOP EXECUTE 'DROP TABLE p_' || i; END LOOP; END", "?~@"},
		"unnest": {
			"DECLARE t text; BEGIN FOR t IN SELECT unnest(ARRAY['a', 'b']) LOOP EXECUTE format('DROP TABLE %1$I CASCADE', t); END LOOP; END",
			"SELECT unnest(ARRAY['a', 'b'])|DROP TABLE a CASCADE|DROP TABLE b CASCADE",
		},
		"of unnest": {
			"DECLARE r record; BEGIN FOR r IN SELECT * FROM unnest(ARRAY['a']) AS name LOOP EXECUTE format('DROP TABLE %I', r.name); END LOOP; END",
			"SELECT * FROM unnest(ARRAY['a']) AS name|DROP TABLE a",
		},
		"values": {
			"DECLARE r record; BEGIN FOR r IN SELECT * FROM (VALUES ('a', 'b')) v (x, y) LOOP EXECUTE format('ALTER TABLE %I DROP %I', r.x, r.y); END LOOP; END",
			"SELECT * FROM (VALUES ('a', 'b')) v (x, y)|ALTER TABLE a DROP b",
		},
		"bare values": {
			"DECLARE r record; BEGIN FOR r IN VALUES ('a'), ('b') LOOP EXECUTE format('DROP TABLE %I', r.column1); END LOOP; END",
			"VALUES ('a'), ('b')|DROP TABLE a|DROP TABLE b",
		},
		"of a table": {
			"DECLARE t text; BEGIN FOR t IN SELECT name FROM names LOOP EXECUTE format('DROP TABLE %I', t); END LOOP; END",
			"SELECT name FROM names|?~@",
		},
		"a condition": {
			"DECLARE t text; BEGIN FOREACH t IN ARRAY ARRAY['a', 'b'] LOOP IF t <> 'a' THEN EXECUTE format('DROP TABLE %I', t); END IF; END LOOP; END",
			"DROP TABLE a~|DROP TABLE b~",
		},
		"left early": {
			"DECLARE t text; BEGIN FOREACH t IN ARRAY ARRAY['a', 'b'] LOOP CONTINUE WHEN t = 'a'; EXECUTE format('DROP TABLE %I', t); END LOOP; END",
			"DROP TABLE a~|DROP TABLE b~",
		},
		"too many rounds": {
			"DECLARE t text; BEGIN FOREACH t IN ARRAY string_to_array('" + strings.Repeat("a,", 98) +
				"a', ',') LOOP FOR i IN 1..100 LOOP EXECUTE format('DROP TABLE %s_%s', t, i); END LOOP; END LOOP; END",
			strings.Repeat("|", 300),
		},
		"the same": {
			"DECLARE t text; BEGIN FOREACH t IN ARRAY ARRAY['a', 'b'] LOOP INSERT INTO log VALUES (t); EXECUTE 'DROP TABLE x'; END LOOP; END",
			"INSERT INTO log VALUES (t)~@|DROP TABLE x~@",
		},
		"in one another": {
			"DECLARE t text; BEGIN FOREACH t IN ARRAY ARRAY['a', 'b'] LOOP FOR i IN 1..2 LOOP EXECUTE format('DROP TABLE %s_%s', t, i); END LOOP; END LOOP; END",
			"DROP TABLE a_1|DROP TABLE a_2|DROP TABLE b_1|DROP TABLE b_2",
		},
		"assigned": {"DECLARE t text; BEGIN FOREACH t IN ARRAY ARRAY['a', 'b'] LOOP t := f(t); EXECUTE format('DROP TABLE %I', t); END LOOP; END", "?~@"},
		"selected into": {
			"DECLARE r record; BEGIN FOR r IN VALUES ('a') LOOP SELECT 1 INTO r; EXECUTE 'DROP TABLE ' || r.column1; END LOOP; END",
			"VALUES ('a')|SELECT 1~@|?~@",
		},
		"declared": {"DECLARE t constant text := 'a'; n text := t || '_b'; BEGIN EXECUTE format('DROP TABLE %I', n); END", "DROP TABLE a_b"},
		"changed":  {"DECLARE t text := 'a'; BEGIN SELECT name INTO t FROM names; EXECUTE format('DROP TABLE %I', t); END", "SELECT name FROM names|?"},
		"assigned from the loop's variable": {
			"DECLARE t text; n text; BEGIN FOR t IN SELECT unnest(ARRAY['_a', '_b']) LOOP n := 'old_' || substr(t, 2); " +
				"IF EXISTS (SELECT 1 FROM pg_tables WHERE tablename = t) THEN EXECUTE format('ALTER TABLE %I RENAME TO %I', t, n); END IF; END LOOP; END",
			"SELECT unnest(ARRAY['_a', '_b'])|ALTER TABLE _a RENAME TO old_a~|ALTER TABLE _b RENAME TO old_b~",
		},
		"a declared array": {
			"DECLARE t text; list constant text[] := ARRAY['a', 'b']; BEGIN FOREACH t IN ARRAY list LOOP EXECUTE 'DROP TABLE ' || t; END LOOP; END",
			"DROP TABLE a|DROP TABLE b",
		},
		"elements of an array": {
			"DECLARE list text[] := '{a,b}'; BEGIN FOR i IN 1 .. array_length(list, 1) LOOP EXECUTE 'DROP TABLE ' || list[i]; END LOOP; END",
			"DROP TABLE a|DROP TABLE b",
		},
		"an array that changes": {
			"DECLARE t text; list text[] := ARRAY['a']; BEGIN list[1] := f(); FOREACH t IN ARRAY list LOOP EXECUTE 'DROP TABLE ' || t; END LOOP; END", "?~@",
		},
		"an array that a query fills": {
			"DECLARE t text; list text[] := ARRAY['a']; BEGIN SELECT array_agg(x) INTO list FROM names; FOREACH t IN ARRAY list " +
				"LOOP EXECUTE 'DROP TABLE ' || t; END LOOP; END",
			"SELECT array_agg(x) FROM names|?~@",
		},
		"assigned once": {"DECLARE q text; BEGIN q := 'DROP TABLE a'; EXECUTE q; q := 'DROP TABLE b'; EXECUTE q; END", "DROP TABLE a|DROP TABLE b"},
		"assigned in a branch": {
			"DECLARE q text := 'DROP TABLE a'; BEGIN IF f() THEN q := 'DROP TABLE b'; EXECUTE q; ELSE EXECUTE q; END IF; EXECUTE q; END",
			"DROP TABLE b~|DROP TABLE a~|?",
		},
		"assigned in a handler": {
			"DECLARE q text := 'DROP TABLE a'; BEGIN BEGIN PERFORM f(); EXCEPTION WHEN others THEN q := 'x'; END; EXECUTE q; END",
			"SELECT f()|?",
		},
		"assigned in a loop": {"DECLARE q text := 'DROP TABLE a'; BEGIN WHILE f() LOOP EXECUTE q; q := 'DROP TABLE b'; END LOOP; EXECUTE q; END", "?~@|?"},
		"carried to a round": {
			"DECLARE q text := 'DROP TABLE a'; BEGIN FOR i IN 1..2 LOOP EXECUTE q; q := 'DROP TABLE b'; END LOOP; EXECUTE q; END",
			"?~@|?",
		},
		"a block that is left":   {"DECLARE q text := 'DROP TABLE a'; BEGIN <<b>> BEGIN EXIT b WHEN f(); q := 'DROP TABLE b'; END; EXECUTE q; END", "?"},
		"assigned by label":      {"<<o>> DECLARE q text := 'DROP TABLE a'; BEGIN o.q := f(); EXECUTE q; END", "?"},
		"a default that follows": {"DECLARE a text := 'x'; BEGIN a := 'y'; DECLARE b text := a; BEGIN EXECUTE 'DROP TABLE ' || b; END; END", "?"},
		"the loop's variable after it": {
			"DECLARE t text := 'z'; BEGIN FOR t IN SELECT unnest(ARRAY['a']) LOOP EXECUTE 'DROP TABLE ' || t; END LOOP; EXECUTE 'DROP TABLE ' || t; END",
			"SELECT unnest(ARRAY['a'])|DROP TABLE a|?",
		},
		"declared twice": {"DECLARE t text := 'a'; BEGIN DECLARE t text := 'b'; BEGIN EXECUTE format('DROP TABLE %I', t); END; END", "?"},
		"of a partition": {
			"BEGIN FOR m IN 1..2 LOOP EXECUTE format('CREATE TABLE p_%s PARTITION OF p FOR VALUES FROM (%L) TO (%L)', m, m - 1, m + 1); END LOOP; END",
			"CREATE TABLE p_1 PARTITION OF p FOR VALUES FROM ('0') TO ('2')|CREATE TABLE p_2 PARTITION OF p FOR VALUES FROM ('1') TO ('3')",
		},
	} {
		block, err := ParseBlock("DO $do$ " + c.body + " $do$")
		if err != nil {
			t.Errorf("ParseBlock, %s: %v", name, err)
			continue
		}
		var got []string
		for _, s := range block.Statements {
			text := strings.Join(strings.Fields(s.SQL), " ")
			if s.Dynamic {
				text = "?"
			}
			if s.Conditional {
				text += "~"
			}
			if s.Loop {
				text += "@"
			}
			got = append(got, text)
		}
		if n := strings.Count(c.want, "||"); n > 0 { // too many to spell out
			if hidden := strings.Count(strings.Join(got, ""), "?"); len(got) != n*2+1 || hidden != 1 {
				t.Errorf("%s: %d statements, %d of them hidden", name, len(got), hidden)
			}
			continue
		}
		if diff := cmp.Diff(c.want, strings.Join(got, "|")); diff != "" {
			t.Errorf("the statements of %q (-want +got):\n%s", name, diff)
		}
	}
}

// The functions of names return what the server returns.
func TestTextFunctions(t *testing.T) {
	t.Parallel()
	for expression, want := range map[string]string{
		"substr('_abc', 2)": "abc", "substr('abc', 0, 2)": "a", "substr('abc', -1, 3)": "a", "substr('abc', 2, 1)": "b", "substr('abc', 9)": "",
		"substr('abc', 2, 2000000000)": "bc", "substring('abc' from 2 for 1)": "b", "substring('abc' from 'b')": "?",
		"left('abc', 2)": "ab", "left('abc', -1)": "ab", "right('abc', 2)": "bc", "right('abc', -5)": "",
		"lower('ABC')": "abc", "upper('ä')": "?", "replace('a_b_c', '_', '')": "abc", "replace('abc', '', 'x')": "abc",
		"concat_ws('_', 'a', 'b')": "a_b", "trim(' a ')": "a", "f('a')": "?",
	} {
		got, ok := constantExprText(expression)
		if !ok {
			got = "?"
		}
		if got != want {
			t.Errorf("%s: %q, want %q", expression, got, want)
		}
	}
}
