package pgparse_test

import (
	"testing"

	"github.com/onward-sql/onward/internal/pgparse"
)

func TestParentheses(t *testing.T) {
	t.Parallel()
	for sql, want := range map[string]string{
		"COPY (SELECT f(1), ')') TO STDOUT":   "SELECT f(1), ')'",
		"COPY /* ( */ (SELECT 1) TO STDOUT":   "SELECT 1",
		"a (b, $$)$$, \")\" -- )\n, (c)) (d)": "b, $$)$$, \")\" -- )\n, (c)",
		"a ()":                                "",
		"a (b":                                "none",
		"a":                                   "none",
		"":                                    "none",
	} {
		got, open := "none", pgparse.OpeningParenthesis(sql, 0)
		if end := pgparse.ClosingParenthesis(sql, open); end >= 0 {
			got = sql[open+1 : end]
		}
		if got != want {
			t.Errorf("%q: %q, want %q", sql, got, want)
		}
	}
}
