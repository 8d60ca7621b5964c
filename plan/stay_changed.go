package plan

import (
	"slices"

	"github.com/onward-sql/onward/internal/undo"
	"github.com/onward-sql/onward/onward"
)

// noteStayChanged says which rows an abort of the plan does not restore. After the contract there is no abort.
func (p *planner) noteStayChanged() {
	var all []string
	for i, changed := range undo.StayChanged(p.plan) {
		if s := &p.plan.Steps[i]; s.Phase != onward.Contract {
			s.StayChanged = changed
			all = append(all, changed...)
		}
	}
	slices.Sort(all)
	if words := undo.DescribeChanged(slices.Compact(all)); words != "" {
		p.plan.Notes = append(p.plan.Notes, "if the plan is aborted, "+words+": no old value is kept")
	}
}
