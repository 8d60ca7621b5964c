package plan_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/onward-sql/onward/apply"
	"github.com/onward-sql/onward/audit"
	"github.com/onward-sql/onward/internal/pgserver/pgservertest"
	"github.com/onward-sql/onward/onward"
	"github.com/onward-sql/onward/plan"
	"github.com/onward-sql/onward/rehearse"
)

// writtenProject is a project of a migration tool with a release, and a database at its base.
type writtenProject struct {
	t       *testing.T
	dir, db string
	major   int
	audit   audit.Config
	// toBase and toHead run the real tool.
	toBase, toHead func(database string)
	rows           []string // SQL that adds rows of the base
	columns        []string // to compare
}

// start makes the database.
func (p *writtenProject) start() {
	p.t.Helper()
	p.db = p.newBase()
}

// newBase returns a database at the base, with rows.
func (p *writtenProject) newBase() string {
	p.t.Helper()
	db := pgservertest.Database(p.t, p.major)
	p.toBase(db)
	pgservertest.Exec(p.t, pgservertest.Connect(p.t, db), p.rows...)
	return db
}

// release returns a database at which the tool ran the release itself.
func (p *writtenProject) release() string {
	p.t.Helper()
	db := p.newBase()
	p.toHead(db)
	return db
}

// plan plans the release.
func (p *writtenProject) plan() *onward.Plan {
	p.t.Helper()
	c := plan.Config{Sketch: true, Config: rehearse.Config{Config: p.audit, Majors: []int{p.major}}}
	c.Quiet()
	return makePlan(p.t, c)
}

// writePlan writes the first files of the plan, and removes those that they replace.
func (p *writtenProject) writePlan() *plan.Draft {
	p.t.Helper()
	return writePlan(p.t, p.audit, p.dir, p.plan())
}

// writePlan writes the first files of a plan, and removes those that they replace.
func writePlan(t *testing.T, c audit.Config, dir string, p *onward.Plan) *plan.Draft {
	t.Helper()
	draft, err := plan.Write(t.Context(), c, p)
	if err != nil {
		t.Fatal(err)
	}
	save(t, draft)
	for _, m := range draft.Replaced {
		if err := os.Remove(filepath.Join(dir, m)); err != nil {
			t.Fatal(err)
		}
	}
	return draft
}

// applyPlan has onward carry out the plan, and record it in the tool's table.
func (p *writtenProject) applyPlan() {
	p.t.Helper()
	got, err := apply.RunPlanAndRecord(p.t.Context(), apply.PendingConfig{
		Config:     apply.Config{DB: p.db, Plan: p.plan(), Through: onward.Contract, Unproven: "this test compares the result"},
		Repository: p.audit,
	})
	if err != nil || got.State != onward.ApplyDone || got.Next != "" {
		p.t.Fatalf("apply the plan: %+v, %v, want it done and nothing next", got, err)
	}
}

// dropLedger drops onward's own tables.
func (p *writtenProject) dropLedger() {
	p.t.Helper()
	pgservertest.Exec(p.t, pgservertest.Connect(p.t, p.db), "DROP SCHEMA onward_ledger CASCADE")
}

// compare compares the database with one at which the tool ran the release itself.
func (p *writtenProject) compare(want string) {
	p.t.Helper()
	differ, err := plan.Differ(p.t.Context(), want, p.db)
	if err != nil || len(differ) > 0 {
		p.t.Errorf("compare the database with the wanted one: %v; differences:\n%s", err, strings.Join(differ, "\n"))
	}
	if diff := cmp.Diff(contents(p.t, want, p.columns), contents(p.t, p.db, p.columns)); diff != "" {
		p.t.Errorf("rows (-release +plan):\n%s", diff)
	}
}
