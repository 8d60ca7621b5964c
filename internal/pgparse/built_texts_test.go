package pgparse

import (
	"strings"
	"testing"
)

// Texts that double end at a bound, before they are made: a block of 600 bytes took 23 GB. What is executed then is no unknown text, as one
// from a table is, but more than onward reads.
func TestTextsThatDouble(t *testing.T) {
	t.Parallel()
	for _, step := range []string{
		"s := s || s;", "s := format('%s%s%s', s, s, s);", "s := format('%1$s%1$s%1$s', s);", "s := concat(s, s);", "s := concat_ws(s, s, s, s);",
		"s := replace(s, 'a', s);", "s := quote_literal(s || '''''') || quote_literal(s);", "s := quote_ident(s || s);", "s := replace(s, 'a', 'aaaaaaaaaaaa');",
		"s := upper(s) || lower(s);", "s := 'x' || (s || (s || s));", "s := repeat(s, 10);", "s := repeat(s, 1000000000000000000);",
	} {
		text := "DO $$ DECLARE s text := 'SELECT 1 AS a;'; BEGIN " + strings.Repeat(step, 60) + " EXECUTE s; END $$"
		b, err := ParseBlock(text)
		if err != nil {
			t.Fatalf("%s: %v", step, err)
		}
		for _, st := range b.Statements {
			if len(st.SQL) > 4*mostBuilt {
				t.Errorf("%s: a text of %d bytes is made", step, len(st.SQL))
			}
			if !st.Dynamic || !st.Exceeded {
				t.Errorf("%s: %+v, want one that exceeds", step, st)
			}
		}
	}
	query := ParseStatement("SELECT 'a' || format('%s-%I', 'b', 'C') || replace('xx', 'x', 'yy')").GetSelectStmt()
	if got, ok := ConstantString(query.GetTargetList()[0].GetResTarget().GetVal()); !ok || got != `ab-"C"yyyy` {
		t.Errorf("a short text: %q, %t", got, ok)
	}
}

// A loop of more rounds than are unrolled hides what an EXECUTE in it runs because of that bound, and one over rows does not.
func TestLoopsThatExceed(t *testing.T) {
	t.Parallel()
	for head, want := range map[string]bool{
		"FOR i IN 1..101": true, "FOR i IN 1..1000000000000": true, "FOR i IN -5..1000 BY 2": true, "FOR i IN 1..x": false,
		"FOREACH y IN ARRAY ARRAY['a'" + strings.Repeat(", 'b'", 100) + "]": true, "FOR r IN SELECT 1 FROM t": false,
	} {
		b, err := ParseBlock("DO $$ DECLARE x int := f(); y text; r record; i int; BEGIN " + head +
			" LOOP EXECUTE 'DROP TABLE ' || i || y || r; END LOOP; EXECUTE y; END $$")
		if err != nil {
			t.Fatalf("%s: %v", head, err)
		}
		last := len(b.Statements) - 1
		if st := b.Statements[last-1]; !st.Dynamic || st.Exceeded != want {
			t.Errorf("%s: %+v, want exceeded %t", head, st, want)
		}
		if b.Statements[last].Exceeded {
			t.Errorf("%s: what follows the loop exceeds", head)
		}
	}
	b, err := ParseBlock("DO $$ BEGIN FOR i IN 1..100 LOOP EXECUTE 'DROP TABLE t' || i; END LOOP; END $$")
	if err != nil || len(b.Statements) != 100 || b.Statements[99].SQL != "DROP TABLE t100" {
		t.Errorf("a loop of 100 rounds: %d statements, %v", len(b.Statements), err)
	}
}
