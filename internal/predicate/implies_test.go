package predicate

import "testing"

func TestImplies(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		old, now string
		want     bool
	}{
		{"a > 0", "a > 0", true},
		{"a > 0", "a > -1", true},
		{"a > 0", "a >= 0", true},
		{"a >= 0", "a > 0", false},
		{"a > 0", "a > 1", false},
		{"a > 0", "b > -1", false},
		{"a <= 10", "a < 11", true},
		{"length(s) <= 10", "length(s) <= 20", true},
		{"length(s) <= 20", "length(s) <= 10", false},
		{"a BETWEEN 1 AND 5", "a >= 0", true},
		{"a BETWEEN 1 AND 5", "a BETWEEN 0 AND 9", true},
		{"a BETWEEN 1 AND 5", "a BETWEEN 2 AND 9", false},
		{"a > 9007199254740992", "a > 9007199254740993", false},
		{"a > 0 AND b > 0", "a > 0", true},
		{"a > 0", "a > 0 AND b > 0", false},
		{"a > 0", "a > 0 OR b > 0", true},
		{"a > 0 OR b > 0", "a > 0", false},
		{"a > 0 OR b > 0", "a > -1 OR b > -1", true},
		{"s IN ('x', 'y')", "s IN ('y', 'z', 'x')", true},
		{"s IN ('x', 'y')", "s IN ('x')", false},
		{"s IN ('x')", "t IN ('x', 'y')", false},
		{"s = 'x'", "s IN ('x', 'y')", true},
		{"(s)::text = ANY ((ARRAY['x'::character varying, 'y'::character varying])::text[])", "s IN ('x', 'y', 'z')", true},
		{"s IN ('x', 'y')", "s = ANY (ARRAY['x'])", false},
		{"s = t", "s = 'x'", false},
		{"a > 5", "true", true},
	} {
		if got := Implies(expr(t, c.old), expr(t, c.now)); got != c.want {
			t.Errorf("Implies(%s, %s) = %v", c.old, c.now, got)
		}
	}
}
