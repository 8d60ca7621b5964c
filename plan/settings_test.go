package plan_test

import (
	"testing"

	"github.com/onward-sql/onward/audit"
	"github.com/onward-sql/onward/internal/pgserver/pgservertest"
	"github.com/onward-sql/onward/onward"
	"github.com/onward-sql/onward/plan"
	"github.com/onward-sql/onward/rehearse"
)

// TestSettingsOfTheDatabase: a plan for a database is proven under the settings of its role, under which the migrations'
// own tool would run them. The day that this one writes exists in one order of day and month only.
func TestSettingsOfTheDatabase(t *testing.T) {
	t.Parallel()
	const base = "CREATE TABLE days (id int PRIMARY KEY, day date);"
	url := pgservertest.Database(t, onward.NewestMajor)
	conn := pgservertest.Connect(t, url)
	pgservertest.Exec(t, conn, base, "DO $$BEGIN EXECUTE format('ALTER DATABASE %I SET datestyle = ''SQL, DMY''', current_database()); END$$")
	c := plan.Config{Config: rehearse.Config{Config: audit.Config{
		Dir:  repository(t, base, "UPDATE days SET day = '31/12/2020' WHERE day IS NULL;"),
		Base: "main",
		Head: "feature",
	},
		Majors: []int{onward.NewestMajor}}}
	c.Quiet()
	for _, c.Deployed.DB = range []string{"", url} {
		p := makePlan(t, c)
		if p.Proof.Proven != (c.Deployed.DB != "") {
			t.Errorf("with --db %t: %s", c.Deployed.DB != "", told(p))
		}
	}
}
