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
		return &adapter.Set{Migrations: list, HistoryBehavior: adapter.HistoryBehavior{Deleted: refuses}}
	}
	deleted := &adapter.Migration{ID: "billing.0001_initial"}
	for name, tc := range map[string]struct {
		after []string
		want  string
	}{
		"nothing depends on it": {[]string{"shop.0001_initial"}, ""},
		"another depends on it": {[]string{"billing.0001_initial"}, refuses},
	} {
		remaining := &adapter.Migration{ID: "shop.0002_more", After: tc.after}
		c := compareRevisions(pair{source: adapter.Source{Framework: "django"}, base: set(deleted, remaining), head: set(remaining)}, nil)
		if len(c.history) != 1 || c.history[0].Runner != tc.want {
			t.Errorf("%s: the history is %+v, want 1 change with the runner %q", name, c.history, tc.want)
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
		t.Errorf("the findings are %v, want none", got)
	}
}

// The name of a schema that the runner fills in is shown as it is written.
func TestFilledInSchemaIsShownAsWritten(t *testing.T) {
	t.Parallel()
	const sql = "ALTER TABLE {{ .Schema }}.users ADD COLUMN a int"
	dir := repository(t, "-- migrations/1_a.sql --\nCREATE TABLE {{ .Schema }}.users (id int);\n", "-- migrations/2_b.sql --\n"+sql+";\n")
	report := changelog0(t, Config{Dir: dir})
	if got := report.Migrations[0].Statements[0]; got.SQL != sql || got.Effects[0].Relation != "public.users" {
		t.Errorf("the statement is %+v, want %q on public.users", got, sql)
	}
}

// Two migrations of one version are reported if the release brings the pair. If the base has such pairs already, they are how the project works.
func TestDuplicateVersionsOfTheBase(t *testing.T) {
	t.Parallel()
	const a, b, c, z = "-- migrations/1_a.sql --\nCREATE TABLE a (id int);\n", "-- migrations/1_b.sql --\nCREATE TABLE b (id int);\n", "-- migrations/1_c.sql --\nCREATE TABLE c (id int);\n", "-- migrations/2_z.sql --\nCREATE TABLE z (id int);\n"
	for name, tc := range map[string]struct {
		base, release string
		want          string
	}{
		"a new pair":                         {a, b, "warning"},
		"the pair of the base":               {a + b, z, ""},
		"a third of the base that left":      {a + b + c, "-- migrations/1_b.sql --\n" + z, ""},
		"a new pair if the base has another": {a + b + z, "-- migrations/2_y.sql --\nCREATE TABLE y (id int);\n", "info"},
		"a new pair if the runner refuses it": {
			"-- Cargo.toml --\n[dependencies]\nrefinery = \"0.8\"\n-- migrations/V1__a.sql --\nSELECT 1;\n",
			"-- migrations/V1__b.sql --\nSELECT 2;\n", "error",
		},
		"the base has one that it refuses": {"-- Cargo.toml --\n[dependencies]\nrefinery = \"0.8\"\n-- migrations/V1__a.sql --\nSELECT 1;\n" +
			"-- migrations/V1__b.sql --\nSELECT 2;\n-- migrations/V2__a.sql --\nSELECT 3;\n",
			"-- migrations/V2__b.sql --\nSELECT 4;\n", "warning"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			report := changelog0(t, Config{Dir: repository(t, tc.base, tc.release)})
			if got := severityOf(report, "release-version-duplicate"); got != tc.want {
				t.Errorf("%q, want %q: %v", got, tc.want, found(report))
			}
		})
	}
	dir := repository(t, a+b, z)
	report, err := Check(t.Context(), CheckConfig{Dir: dir, Paths: []string{"migrations"}, Applied: []string{"migrations/1_a.sql", "migrations/1_b.sql"}})
	if err != nil || severityOf(report, "release-version-duplicate") != "" {
		t.Errorf("check: %v, %v", err, found(report))
	}
}
