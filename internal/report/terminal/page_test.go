package terminal

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/onward-sql/onward/onward"
)

func TestBroken(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{
		"db/001.sql":                        "db/001.sql",
		"db/nineteen__01.sql":               "db/\nnineteen__01.sql",
		"db/migrations/0001_add-user-x.sql": "db/migrations/\n0001_add-user-x.sql",
		"db/shop/more/migrations/001.sql":   "db/shop/more/\nmigrations/001.sql",
		"0001_a_very_long_name_of_all.sql":  "0001_a_very_long_name_of_all.sql",
		"a_directory_wider_than_all/1.sql":  "a_directory_wider_than_all/1.sql",
	} {
		if got := breakPath(name, 18); got != want {
			t.Errorf("breakPath(%q) = %q, want %q", name, got, want)
		}
	}
}

// TestFold: paths, flags and names are not broken at their hyphens.
func TestFold(t *testing.T) {
	t.Parallel()
	got := foldText("where it may, rehearse with --superuser, see db/2024-01-02-users.sql:1:1 and a-b", 30)
	want := []string{"where it may, rehearse with", "--superuser, see", "db/2024-01-02-users.sql:1:1", "and a-b"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// A place is not broken within its line number: a path that is too long for a line is broken after a directory.
func TestFoldPlaces(t *testing.T) {
	t.Parallel()
	got := foldText("and at: db/shop/main/migrations/20240101_users.sql:1570:1 it reads users", 30)
	want := []string{"and at:", "db/shop/main/migrations/", "20240101_users.sql:1570:1 it", "reads users"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// TestNotes: the report of a clean release also says what a rehearsal left out.
func TestNotes(t *testing.T) {
	t.Parallel()
	r := &onward.Report{
		Migrations: []onward.Migration{{ID: "1", Path: "1.sql", Verdict: "ok"}},
		Summary:    onward.Summary{Migrations: 1, Safe: true, Verdict: "Safe to deploy."},
		Rehearsals: []onward.Rehearsal{{Postgres: 18, Version: "18.1", Notes: []string{"the extension x was left out", "2", "3", "4", "5", "6", "7"}}},
	}
	var b strings.Builder
	if err := WriteReport(&b, r, Options{}); err != nil {
		t.Fatal(err)
	}
	if out := b.String(); !strings.Contains(out, "  the extension x was left out\n") || !strings.Contains(out, "  and 2 more notes (-v shows them)\n") {
		t.Errorf("the report lacks the note on extension x or the count of 2 more notes:\n%s", out)
	}
}
