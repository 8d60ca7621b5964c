package pgparse

import (
	"strings"
	"testing"
)

// Texts that double end at a bound, before they are made: a block of 600 bytes took 23 GB.
func TestTextsThatDouble(t *testing.T) {
	t.Parallel()
	for _, step := range []string{
		"s := s || s;", "s := format('%s%s%s', s, s, s);", "s := format('%1$s%1$s%1$s', s);", "s := concat(s, s);", "s := concat_ws(s, s, s, s);",
		"s := replace(s, 'a', s);", "s := quote_literal(s || '''''') || quote_literal(s);", "s := quote_ident(s || s);", "s := replace(s, 'a', 'aaaaaaaaaaaa');",
		"s := upper(s) || lower(s);", "s := 'x' || (s || (s || s));",
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
		}
	}
	query := ParseStatement("SELECT 'a' || format('%s-%I', 'b', 'C') || replace('xx', 'x', 'yy')").GetSelectStmt()
	if got, ok := ConstantString(query.GetTargetList()[0].GetResTarget().GetVal()); !ok || got != `ab-"C"yyyy` {
		t.Errorf("a short text: %q, %t", got, ok)
	}
}
