package pgparse

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestReadBody(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ body, want string }{
		{"BEGIN NEW.a := now(); RETURN NEW; END", "NEW.a <- SELECT now()\nSELECT NEW"},
		{"BEGIN NEW.\"A\" = 1; \"B\" := 2; x[1] := 3; RETURN NEW; END", "NEW.\"A\" <- SELECT 1\n\"B\" <- SELECT 2\nx[1] <- SELECT 3\nSELECT NEW"},
		{"BEGIN -- NEW.a := 1;\n/* x := 2; */ PERFORM f(';', $x$;$x$, E'\\';'); END", "SELECT f(';', $x$;$x$, E'\\';')"},
		{
			"<<l>> DECLARE a posts.id%TYPE := 1; b CONSTANT text NOT NULL DEFAULT 'x'; c CURSOR FOR SELECT id FROM t; BEGIN NULL; END",
			"SELECT 1\nSELECT 'x'\nSELECT id FROM t",
		},
		{
			"BEGIN SELECT a, b INTO STRICT r.x, y FROM t WHERE c; INSERT INTO t (a) VALUES (1) RETURNING id INTO n; END",
			"r.x, y <- SELECT a, b FROM t WHERE c\nn <- INSERT INTO t (a) VALUES (1) RETURNING id ",
		},
		{
			"BEGIN IF a THEN b := CASE WHEN c THEN d END; ELSIF e THEN RETURN f; ELSE g(); END IF; h := 1; END",
			"SELECT a\nb <- ?SELECT CASE WHEN c THEN d END\n?SELECT e\n?SELECT f\n?g()\nh <- ?SELECT 1",
		},
		{"BEGIN IF CASE WHEN a THEN b END THEN c := 1; END IF; d := 1; END", "SELECT CASE WHEN a THEN b END\nc <- ?SELECT 1\nd <- SELECT 1"},
		{"BEGIN CASE a WHEN 1, 2 THEN b := 1; ELSE c := 1; END CASE; d := 2; END", "SELECT a\n?SELECT 1, 2\nb <- ?SELECT 1\nc <- ?SELECT 1\nd <- SELECT 2"},
		{"BEGIN FOR r IN SELECT * FROM t LOOP a := r.x; END LOOP; FOR i IN REVERSE 1..n.x BY 2 LOOP NULL; END LOOP; FOREACH e IN ARRAY es LOOP NULL; END LOOP; " +
			"WHILE z LOOP NULL; END LOOP; END",
			"r <- SELECT * FROM t\na <- ?SELECT r.x\nSELECT 1\nSELECT n.x\nSELECT 2\nSELECT es\nSELECT z"},
		{"BEGIN EXECUTE 'DELETE FROM t WHERE id = $1' USING OLD.id; EXECUTE format('x %I', TG_TABLE_NAME) INTO y; END",
			"SELECT 'DELETE FROM t WHERE id = $1'\nDELETE FROM t WHERE id = $1\nSELECT OLD.id\nSELECT format('x %I', TG_TABLE_NAME)"},
		{"BEGIN RAISE EXCEPTION 'a %', NEW.b, c USING HINT = NEW.d, DETAIL = f(1, 2); RETURN QUERY SELECT a FROM t; RETURN; ASSERT a = 1; END",
			"SELECT NEW.b, c\nSELECT NEW.d\nSELECT f(1, 2)\nSELECT a FROM t\nSELECT a = 1"},
		{"BEGIN a := 1; BEGIN b := 1; EXCEPTION WHEN undefined_column OR others THEN c := 1; END; d := 1; EXCEPTION WHEN unique_violation THEN NULL; END",
			"a <- SELECT 1\nb <- !SELECT 1\nc <- ?SELECT 1\nd <- SELECT 1"},
		{"#variable_conflict use_column\nBEGIN UPDATE t SET a = b; END", "UPDATE t SET a = b"},
		{"BEGIN IF a THEN", "SELECT a"},
		{"END; END; ) ( BEGIN x := ", "x <- SELECT "},
	} {
		var got []string
		for _, p := range ReadBody(c.body).Parts {
			s := p.SQL
			if p.Maybe {
				s = "?" + s
			}
			if p.Caught {
				s = "!" + s
			}
			if len(p.Into) > 0 {
				s = strings.Join(p.Into, ", ") + " <- " + s
			}
			got = append(got, s)
			if !strings.HasPrefix(c.body[p.Offset:], p.Text) {
				t.Errorf("%s: %q is not at %d", c.body, p.Text, p.Offset)
			}
		}
		if diff := cmp.Diff(c.want, strings.Join(got, "\n")); diff != "" {
			t.Errorf("the parts of %q (-want +got):\n%s", c.body, diff)
		}
	}
}

func TestVariablesOfABody(t *testing.T) {
	t.Parallel()
	got := ReadBody("DECLARE r posts%ROWTYPE; \"N\" numeric(10, 2) := 0; c CONSTANT app.mood DEFAULT 'x'; BEGIN DECLARE n int; BEGIN NULL; END; END").Variables
	want := map[string]string{"r": "posts%ROWTYPE", "N": "numeric(10, 2)", "c": "app.mood", "n": "int"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func FuzzReadBody(f *testing.F) {
	f.Add("DECLARE r posts%ROWTYPE; BEGIN FOR r IN SELECT 1 LOOP IF a THEN NEW.x := 1; END IF; END LOOP; EXCEPTION WHEN others THEN RAISE 'x', y USING a = b; END")
	f.Fuzz(func(t *testing.T, body string) {
		for _, p := range ReadBody(body).Parts {
			if !strings.HasPrefix(body[p.Offset:], p.Text) || p.Text == "" {
				t.Errorf("%q at %d", p.Text, p.Offset)
			}
		}
	})
}
