package release

import (
	"slices"

	"github.com/onward-sql/onward/internal/effect"
	"github.com/onward-sql/onward/internal/rule"
	"github.com/onward-sql/onward/onward"
)

// PlanUnderWay flags a statement that uses what the contract of a plan under way on the database will drop.
// https://www.postgresql.org/docs/current/sql-altertable.html
var PlanUnderWay = &rule.Rule{
	ID:       "release-plan-under-way",
	Category: onward.ReleaseOrder,
	Severity: onward.Error,
	Summary:  "the statement uses what the contract of a plan under way will drop",
	Harm: "The ledger of the database has a plan whose contract is still to come. It drops the column, table, constraint or view that the statement " +
		"uses. If the migration runs before it, the contract fails or takes away what the migration has made. " +
		"On a database where the contract has run, the migration fails.",
	Instead:   "Finish the plan first, with onward contract or onward abort, and write the migration for the schema after it.",
	Manual:    []string{"https://www.postgresql.org/docs/current/sql-altertable.html"},
	Statement: checkPlanUnderWay,
}

func checkPlanUnderWay(p *rule.Pass, s *rule.Stmt) {
	for i := range p.Release.LaterDrops {
		d := &p.Release.LaterDrops[i]
		if slices.Contains(d.Replaces, s.Migration.Path) || !d.IsTouched(s.Node, s.SQL, s.Before, effect.NewVersion(s.Results[0].Versions[0])) {
			continue
		}
		p.Report(s, rule.Report{
			Fact:    "the statement uses " + d.Text + ", which plan " + d.Plan + " will drop",
			Harm:    "the plan is under way on this database: its contract fails or takes away what the migration has made",
			Instead: d.FinishAdvice(),
		})
		return
	}
}
