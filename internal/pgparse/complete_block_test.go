package pgparse_test

import (
	"testing"

	"github.com/onward-sql/onward/internal/pgparse"
)

// A body of which IsBlockComplete says that nothing is wrong is read, wherever it was cut, and a correct one is not read twice.
func TestIsBlockComplete(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		body  string
		known bool // whole, the body is known to be complete
	}{
		{"BEGIN IF a > 1 THEN UPDATE t SET a = 1; END IF; END;", true},
		{"DECLARE x int; BEGIN FOR x IN 1..2 LOOP NULL; END LOOP; EXCEPTION WHEN OTHERS THEN NULL; END", true},
		{"BEGIN CASE a WHEN 1 THEN NULL; END CASE; END; -- it ends; here", false}, // it ends in a comment
		{"BEGIN LOOP NULL; END LOOP; END -- a comment;", true},
		{"BEGIN\nNULL;\nEND;\n", true},
		{"<<outer>> BEGIN NULL; END;", false}, // its own label looks like the end
		{"BEGIN NULL; END; x", false},
		{"BEGIN NULL; END;;", false},
		{"BEGIN UPDATE t SET a = = 1; END", false},
		{"", false},
	} {
		for i := range len(c.body) + 1 {
			sql := "CREATE FUNCTION f(a int) RETURNS int LANGUAGE plpgsql AS $$" + c.body[:i] + "$$"
			complete := pgparse.IsBlockComplete(sql, c.body[:i])
			if i == len(c.body) && complete != c.known {
				t.Errorf("%q: complete: %v", c.body, complete)
			}
			if _, err := pgparse.ParseBlock(sql); complete && err != nil {
				t.Errorf("%q is complete, but: %v", c.body[:i], err)
			}
		}
	}
	for _, sql := range []string{
		"CREATE FUNCTION f() RETURNS void LANGUAGE plpgsql AS 'BEGIN END'",
		"CREATE FUNCTION f(a text DEFAULT $$BEGIN END$$) RETURNS void LANGUAGE plpgsql AS 'BEGIN END'",
	} {
		if pgparse.IsBlockComplete(sql, "BEGIN END") {
			t.Errorf("%s: complete", sql)
		}
	}
}
