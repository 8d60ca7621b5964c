package report

import (
	"fmt"

	"github.com/onward-sql/onward/onward"
)

// also finds, by path, what was said once for many places.
type also map[string][]repeat

// repeat is one more place of a finding.
type repeat struct {
	finding *onward.Finding
	at      onward.Place
}

func newAlso(r *onward.Report) also {
	a := also{}
	for i := range r.Findings {
		f := &r.Findings[i]
		for _, at := range f.Also {
			a[at.Path] = append(a[at.Path], repeat{f, at})
		}
	}
	return a
}

// repeated prints a line for each finding that was said at an earlier place.
func (t *terminal) repeated(m *onward.Migration) {
	for _, r := range t.index.also[m.Path] {
		if r.at.Migration != m.ID {
			continue
		}
		t.line("  ", t.paint(t.Severity(r.finding.Severity), r.finding.Severity.String()), "  ",
			Line(r.finding.Rule), t.paint(t.Dim, fmt.Sprintf(" :%d, as above", r.at.Line)))
	}
}
