package release

import (
	"github.com/onward-sql/onward/internal/history"
	"github.com/onward-sql/onward/internal/rule"
	"github.com/onward-sql/onward/onward"
)

// RunnerRefuses flags what the migration tool itself refuses, passes over or
// misreads in a file.
var RunnerRefuses = &rule.Rule{
	ID:       "release-runner-refuses",
	Category: onward.ReleaseOrder,
	Severity: onward.Error,
	Summary:  "the migration tool refuses the file, passes over it, or reads it otherwise than it is meant",
	Harm:     "A marker in the wrong place, a statement that the tool cuts in two, a name without a version: the file does not run, or not as its author thinks.",
	Instead:  "Mend the marker or the name as the finding says.",
	Gather:   reportRefusals,
	Release:  checkRunnerRefuses,
}

// reportRefusals reports what a judged migration has; checkRunnerRefuses adds the files
// that are no migrations.
func reportRefusals(p *rule.Pass, m *rule.Migration) {
	for i := range m.Refusals {
		x := &m.Refusals[i]
		p.ReportAt(m.ID, m.Path, x.Line, rule.Report{Fact: x.Message, Harm: x.Harm, Instead: x.Instead, Severity: x.Severity})
	}
}

func checkRunnerRefuses(p *rule.Pass, r *rule.Release) {
	for _, h := range changesOfKind(r, history.Refused) {
		if x := h.Refusal; x != nil {
			p.ReportAt(h.Migration, h.Path, x.Line, rule.Report{Fact: x.Message, Harm: x.Harm, Instead: x.Instead, Severity: x.Severity})
		}
	}
}
