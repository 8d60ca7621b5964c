package audit

import (
	"strings"
	"testing"

	"github.com/onward-sql/onward/onward"
)

// A schema that the runner fills in is the one of the tables that the history made
// without one, and of the queries that put one in front as they run.
func TestSchemaFilledInIsTheOneOfTheHistory(t *testing.T) {
	t.Parallel()
	const base = `-- db/migrations/001_a.sql --
CREATE TABLE users (id bigint PRIMARY KEY, team_id bigint NOT NULL, name text);
CREATE TABLE teams (id bigint PRIMARY KEY);
-- db/migrations/002_b.sql --
ALTER TABLE {{ .Schema }}.users ADD COLUMN email text;
-- store.go --
package store

import "fmt"

func q(schema string) string {
	return fmt.Sprintf("SELECT id, name FROM %s.users WHERE id = $1", schema)
}
`
	dir := repository(t, base, `-- db/migrations/003_c.sql --
SET lock_timeout = '2s';
ALTER TABLE {{ .Schema }}.users DROP COLUMN name;
ALTER TABLE {{ .Schema }}.users ALTER COLUMN team_id SET NOT NULL;
`)
	report := changelog0(t, Config{Dir: dir, Base: "main"})
	dropped := false
	for _, f := range report.Findings {
		if f.Rule == "column-drop" && f.Severity == onward.Error {
			dropped = true
		} else if strings.HasPrefix(f.Rule, "column-") || f.Rule == "release-statement-fails" {
			t.Errorf("the finding %s is unexpected: %s; %s", f.Rule, f.Fact, f.Harm)
		}
		if strings.Contains(f.Fact, "schema") {
			t.Errorf("the finding %s names the schema: %s", f.Rule, f.Fact)
		}
	}
	if !dropped {
		t.Errorf("the column that the code reads: %+v", report.Findings)
	}
}
