package predicate

import (
	"testing"

	"github.com/onward-sql/onward/internal/pgparse"
)

// expr parses an expression.
func expr(t interface{ Fatalf(string, ...any) }, text string) *pgparse.Node {
	f, err := pgparse.SplitText("SELECT " + text)
	if err != nil || len(f.Stmts) != 1 || f.Stmts[0].Err != nil {
		t.Fatalf("%s does not parse", text)
	}
	return f.Stmts[0].Node.GetSelectStmt().GetTargetList()[0].GetResTarget().GetVal()
}

// The rule is the server's; the rule of SET NOT NULL was tried on a server.
func TestProvesNotNull(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]bool{
		"a IS NOT NULL":                          true,
		"(a IS NOT NULL)":                        true,
		"t.a IS NOT NULL":                        true,
		"a IS NOT NULL AND b > 0":                true,
		"b > 0 AND (c > 0 AND a IS NOT NULL)":    true,
		"a IS NOT NULL OR b > 0":                 false,
		"a IS NOT NULL OR (a IS NOT NULL AND b)": true,
		"NOT a IS NULL":                          true,
		"NOT (a IS NULL)":                        true,
		"a > 0":                                  false,
		"b IS NOT NULL":                          false,
		"a IS NULL":                              false,
		"coalesce(a, b) IS NOT NULL":             false,
		"(a IS NOT NULL) = true":                 false,
		"CASE WHEN b THEN a IS NOT NULL END":     false,
	} {
		if got := ProvesNotNull(expr(t, text), "a"); got != want {
			t.Errorf("ProvesNotNull(%s, a) = %t, want %t", text, got, want)
		}
	}
	if ProvesNotNull(nil, "a") {
		t.Error("nothing proves something")
	}
}

func TestConstant(t *testing.T) {
	t.Parallel()
	for text, want := range map[string][2]bool{
		"true": {true, false}, "false": {false, true}, "'f'::bool": {false, true}, "NOT false": {true, false},
		"1 = 1": {true, false}, "NULL IS NULL": {true, false}, "1 = 2 OR a": {}, "a OR 1 = 1": {true, false}, "a": {}, "1": {}, "NULL": {}, "a = true": {},
		"COALESCE(NULL, 'off') <> 'on'": {true, false}, "COALESCE('01', 2) = '1'": {}, "COALESCE('01', a) = '1'": {}, "COALESCE(NULL, NULL) = 'on'": {},
	} {
		e := expr(t, text)
		if got := [2]bool{ConstantTrue(e), ConstantFalse(e)}; got != want {
			t.Errorf("ConstantTrue, ConstantFalse of %s = %v, want %v", text, got, want)
		}
	}
}
