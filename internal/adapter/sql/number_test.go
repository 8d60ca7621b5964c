package sql

import (
	"regexp"
	"testing"
)

// The short way to a name's number is the pattern's.
func TestNumberLen(t *testing.T) {
	t.Parallel()
	versioned := regexp.MustCompile(`(?s)^(?:(\d+(?:[.-]\d+)*)(?:[^0-9].*)?|V(\d+(?:[._]\d+)*)__.*|R__.*)\.sql$`)
	for _, name := range []string{
		"1.sql", "001_x.sql", "2024-01-31_x.sql", "1.2.3-x.sql", "1.sql.sql", "1..2.sql", "1-.sql", "1.2a.sql", "12", "x.sql",
		"V7__x.sql", "R__x.sql", ".sql", "1x", "1x.SQL", "0", "1\n.sql", "1_\n.sql", "١.sql", "9.9.sqlx", "3.", "20240131120000_a.up.sql",
	} {
		want := ""
		if m := versioned.FindStringSubmatch(name); m != nil {
			want = m[1] + m[2]
		}
		if got := leadingVersion(name); got != want {
			t.Errorf("version(%q) = %q, want %q", name, got, want)
		}
		if got := isVersioned(name); got != versioned.MatchString(name) {
			t.Errorf("isVersioned(%q) = %v", name, got)
		}
	}
}

// undoes returns the same as these patterns.
func TestUndoes(t *testing.T) {
	t.Parallel()
	sure := regexp.MustCompile(`(?i)(\.(down|rollback|undo|revert)\.sql$)|^(down|rollback|undo|revert)([._-].*)?\.sql$|^U\d[^_]*__`)
	ending := regexp.MustCompile(`(?i)^(.*)[_-](down|rollback|undo|revert)\.sql$`)
	for _, name := range []string{
		"", "x", ".sql", "x.sql", "down.sql", "Down.SQL", "down_x.sql", "down-x.sql", "downx.sql", "x.down.sql", "x_down.sql", "X_DOWN.SQL",
		"x-rollback.sql", "_undo.sql", "1_revert.sql", "U7__x.sql", "U1.2__x.sql", "U_7__x.sql", "Users.sql", "U7_x.sql", "meltdown.sql",
		"a_down.up.sql", "rollback.sql.sql", "x_down.sqlx", "down", "a.undo", "undo.down.sql", "down_down.sql", "x__down.sql", "--down.sql",
	} {
		isSure, stem, undo := isDownName(name)
		m := ending.FindStringSubmatch(name)
		if want := sure.MatchString(name); isSure != want {
			t.Errorf("%q: sure is %v, want %v", name, isSure, want)
		} else if want := want || m != nil; undo != want {
			t.Errorf("%q: undo is %v, want %v", name, undo, want)
		} else if m != nil && !isSure && stem != m[1] {
			t.Errorf("%q: stem %q, want %q", name, stem, m[1])
		}
	}
}
