package migrations

import (
	"path"
	"slices"

	"github.com/onward-sql/onward/audit"
	"github.com/onward-sql/onward/internal/readiness"
	"github.com/onward-sql/onward/onward"
)

// judgeWrittenPlans returns the state of the plans whose steps were written as migrations of this source: those that are under way, and
// those with files among the migrations of this run. ran: all of these have run.
func (p *Pending) judgeWrittenPlans(list []*audit.Planned, ran bool) (out []onward.Readiness) {
	if p.To != "" {
		return nil // some files of a plan may be after it
	}
	for _, written := range p.release.WrittenPlans() {
		if written.Dir != p.set.Source.Dir {
			continue
		}
		isListed := func(f onward.PlanFile) bool {
			return slices.ContainsFunc(list, func(m *audit.Planned) bool { return m.Path == f.Path || m.Path == path.Dir(f.Path) })
		}
		if r := readiness.JudgeWritten(written, ran); r.NextStep != "" || slices.ContainsFunc(written.WrittenFiles(), isListed) {
			out = append(out, *r)
		}
	}
	return out
}
