package plan

import (
	"slices"

	"github.com/onward-sql/onward/internal/undo"
	"github.com/onward-sql/onward/onward"
)

// noteStayChanged says which rows an abort of the plan does not give back. After the contract nothing is taken back.
func (p *planner) noteStayChanged() {
	var all []string
	for i := range p.plan.Steps {
		s := &p.plan.Steps[i]
		if s.Phase != onward.Contract {
			s.StayChanged = undo.StayChanged(p.plan, i)
			all = append(all, s.StayChanged...)
		}
	}
	slices.Sort(all)
	if words := undo.Sentence(slices.Compact(all)); words != "" {
		p.plan.Notes = append(p.plan.Notes, "if the plan is taken back, "+words+": no old value is kept")
	}
}
