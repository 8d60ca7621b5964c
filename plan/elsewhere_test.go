package plan_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/onward-sql/onward/internal/gitrange/gittest"
)

// TestPlanNamesOtherDatabases plans a release for two databases with a table of one name: the
// plan is of one, and says which directory it leaves out.
func TestPlanNamesOtherDatabases(t *testing.T) {
	t.Parallel()
	const table = "-- +goose Up\nCREATE TABLE users (id bigint PRIMARY KEY, a text);\n"
	dir := gittest.Commits(t,
		map[string]string{"app/migrations/00001_a.sql": table, "crm/migrations/00001_a.sql": table},
		map[string]string{
			"app/migrations/00002_b.sql": "-- +goose Up\nALTER TABLE users ADD COLUMN b text;\nALTER TABLE users ADD COLUMN c text;\n",
			"crm/migrations/00002_b.sql": "-- +goose Up\nALTER TABLE users DROP COLUMN a;\n",
		})
	p := sketchRelease(t, dir)
	if len(p.Migrations) != 1 || p.Migrations[0].Path != "app/migrations/00002_b.sql" {
		t.Fatalf("the plan has the migrations %+v, want app/migrations/00002_b.sql alone", p.Migrations)
	}
	notes := strings.Join(p.Notes, "\n")
	if !slices.Equal(p.OtherDirs, []string{"crm/migrations"}) || !strings.Contains(notes, "the migrations in crm/migrations are in no step") ||
		!strings.Contains(notes, "app/migrations creates too") {
		t.Errorf("the plan names the other folders %q, want crm/migrations; notes:\n%s", p.OtherDirs, notes)
	}
	// The other database has nothing to do with the steps of this one.
	if len(p.Proof.Missing) > 0 || p.Migrations[0].Hash == "" {
		t.Errorf("the proof misses %q, want nothing; the migration's hash is %q", p.Proof.Missing, p.Migrations[0].Hash)
	}
}
