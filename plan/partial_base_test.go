package plan_test

import (
	"strings"
	"testing"

	"github.com/onward-sql/onward/audit"
	"github.com/onward-sql/onward/internal/gitrange/gittest"
	"github.com/onward-sql/onward/onward"
	"github.com/onward-sql/onward/plan"
	"github.com/onward-sql/onward/rehearse"
)

// A history that does not run as a whole on the throwaway server is enough for a proof if the tables of the plan are as the
// migrations make them.
func TestPartialBase(t *testing.T) {
	t.Parallel()
	const refused = "UPDATE pg_index SET indisvalid = true WHERE indexrelid = 'orders_pkey'::regclass;\n" // a superuser may
	const tables = "CREATE TABLE orders (id bigint PRIMARY KEY, note text);\nCREATE TABLE other (id bigint PRIMARY KEY, note text);\n"
	// The server refuses to make a column of the second table, because the function is missing: the model has the column.
	const missing = "ALTER TABLE other ADD COLUMN code text DEFAULT made_elsewhere();\n"
	for name, c := range map[string]struct {
		history, release string
		proven           int
		want             string // in a failed check
	}{
		"other statements":  {tables + refused, "CREATE INDEX orders_note ON orders (note);\nCREATE INDEX other_note ON other (note);\n", 2, ""},
		"tables":            {tables + missing, "CREATE INDEX other_note ON other (note);\n", 0, "public.other: the history of the base did not run"},
		"tables of a chain": {tables + missing, "CREATE INDEX orders_note ON orders (note);\nCREATE INDEX other_note ON other (note);\n", 1, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := gittest.Commits(t, map[string]string{"m/00001_a.sql": "-- +goose Up\n" + c.history}, map[string]string{"m/00002_b.sql": "-- +goose Up\n" + c.release})
			p := makePlan(t, plan.Config{Config: rehearse.Config{Config: audit.Config{Dir: dir, Base: "HEAD~1"}}})
			var failed []string
			for _, x := range p.Proof.Checks {
				if !x.OK {
					failed = append(failed, x.Detail)
				}
			}
			proven, _ := p.CountChanges()
			if proven != c.proven || c.want == "" && len(failed) > 0 || !strings.Contains(strings.Join(failed, "\n"), c.want) {
				t.Errorf("%d changes are proven, left %+v, failed checks %q", proven, p.Left, failed)
			}
			if !strings.Contains(strings.Join(p.Notes, "\n"), "1 statement of the base's history did not run on the throwaway server: m/00001_a.sql:4: ") {
				t.Errorf("notes %q", p.Notes)
			}
			for i := range p.Left {
				if l := &p.Left[i]; !strings.Contains(l.SQL, "other_note") || !strings.Contains(strings.Join(l.Why, "\n"), "public.other: the history") {
					t.Errorf("left: %+v", l)
				}
			}
			if p.Proof.Proven != (c.proven == 2) || c.proven > 0 && p.Steps[0].Class != onward.StepConcurrent {
				t.Errorf("proven %v, first step %+v", p.Proof.Proven, p.Steps[0])
			}
		})
	}
}
