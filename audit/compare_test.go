package audit

import (
	"testing"

	"github.com/onward-sql/onward/internal/adapter"
)

// A migration of Django's that is gone stops it only where another one depends
// on it.
func TestDeletedOfDjango(t *testing.T) {
	t.Parallel()
	const refuses = "Django refuses to start"
	set := func(list ...*adapter.Migration) *adapter.Set {
		return &adapter.Set{Migrations: list, Habits: adapter.Habits{Deleted: refuses}}
	}
	gone := &adapter.Migration{ID: "billing.0001_initial"}
	for name, tc := range map[string]struct {
		after []string
		want  string
	}{
		"nothing depends on it": {[]string{"shop.0001_initial"}, ""},
		"another depends on it": {[]string{"billing.0001_initial"}, refuses},
	} {
		kept := &adapter.Migration{ID: "shop.0002_more", After: tc.after}
		c := compare(pair{source: adapter.Source{Framework: "django"}, base: set(gone, kept), head: set(kept)}, nil)
		if len(c.history) != 1 || c.history[0].Runner != tc.want {
			t.Errorf("%s: %+v", name, c.history)
		}
	}
}

// A migration with a version runs before the repeatable ones, whether the base has
// those or not.
func TestRepeatableIsNotBefore(t *testing.T) {
	t.Parallel()
	dir := repository(t, "-- db/migration/V1__a.sql --\nCREATE TABLE a (id int);\n-- db/migration/R__f.sql --\nCREATE OR REPLACE VIEW v AS SELECT id FROM a;\n",
		"-- db/migration/V2__b.sql --\nCREATE TABLE b (id int);\n")
	if got := found(changelog0(t, Config{Dir: dir})); len(got) != 0 {
		t.Errorf("%v", got)
	}
}

// The name of a schema that the runner fills in is shown as it is written.
func TestFilledInSchemaIsShownAsWritten(t *testing.T) {
	t.Parallel()
	const sql = "ALTER TABLE {{ .Schema }}.users ADD COLUMN a int"
	dir := repository(t, "-- migrations/1_a.sql --\nCREATE TABLE {{ .Schema }}.users (id int);\n", "-- migrations/2_b.sql --\n"+sql+";\n")
	report := changelog0(t, Config{Dir: dir})
	if got := report.Migrations[0].Statements[0]; got.SQL != sql || got.Effects[0].Relation != "public.users" {
		t.Errorf("%+v", got)
	}
}
