package sql

import "testing"

// The short way to a name's number is the pattern's.
func TestNumberLen(t *testing.T) {
	t.Parallel()
	for _, name := range []string{
		"1.sql", "001_x.sql", "2024-01-31_x.sql", "1.2.3-x.sql", "1.sql.sql", "1..2.sql", "1-.sql", "1.2a.sql", "12", "x.sql",
		"V7__x.sql", "R__x.sql", ".sql", "1x", "1x.SQL", "0", "1\n.sql", "1_\n.sql", "١.sql", "9.9.sqlx", "3.", "20240131120000_a.up.sql",
	} {
		want := ""
		if m := versioned.FindStringSubmatch(name); m != nil {
			want = m[1] + m[2]
		}
		if got := version(name); got != want {
			t.Errorf("version(%q) = %q, want %q", name, got, want)
		}
		if got := isVersioned(name); got != versioned.MatchString(name) {
			t.Errorf("isVersioned(%q) = %v", name, got)
		}
	}
}
