package pgparse

import "testing"

// A comparison without reflection has the same result as one with it.
func TestEqualPlain(t *testing.T) {
	t.Parallel()
	expressions := []string{
		"1", "2", "0", "1.5", "2.5", "''", "'a'", "'b'", "true", "false", "NULL", "B'1'", "B'0'", "X'1'", "99999999999",
		"now()", "pg_catalog.now()", "NOW ( )", "f()", "f(1)", "f(*)", "count(*)", "f(DISTINCT 1)", "f() FILTER (WHERE true)", "f() OVER ()",
		"a", "b > 1", "b > 2", "a IN (1)", "-a", "a LIKE f(1)", "a.b > now()", "current_timestamp", "'a'::text", "1 + 1", "a.b", "(now())", "trim(' a')", "extract(year from now())",
		"a IS NULL", "a IS NOT NULL", "f(1) IS NULL", "a AND b", "a OR b", "a AND b AND c", "a AND f(1)", "b AND f(1)", "NOT a",
		"a IN (1, 2)", "a IN (1, 3)", "a IN (1, f(1))", "ROW(a, b) IS NULL",
	}
	decidedPairs := 0
	for _, a := range expressions {
		for _, b := range expressions {
			x, y := targetOf(t, a), targetOf(t, b)
			want := equalMessages(x.ProtoReflect(), y.ProtoReflect())
			if equal, plain := compareSimpleNodes(x, y); plain {
				decidedPairs++
				if equal != want {
					t.Errorf("%s, %s: %v, want %v", a, b, equal, want)
				}
			}
			if got := Equal(x, y); got != want {
				t.Errorf("Equal(%s, %s) = %v, want %v", a, b, got, want)
			}
			if got := ShapeKey(x) == ShapeKey(y); got != want {
				t.Errorf("the shapes of %s and %s: %v, want %v", a, b, got, want)
			}
		}
	}
	if decidedPairs < len(expressions)*len(expressions)/2 {
		t.Errorf("only %d pairs were told", decidedPairs)
	}
}

func targetOf(t *testing.T, expression string) *Node {
	t.Helper()
	f, err := SplitText("SELECT " + expression)
	if err != nil || len(f.Stmts) != 1 || f.Stmts[0].Node == nil {
		t.Fatalf("%s does not parse", expression)
	}
	return f.Stmts[0].Node.GetSelectStmt().GetTargetList()[0].GetResTarget().GetVal()
}
