package report

import (
	"fmt"

	"github.com/onward-sql/onward/internal/prose"
	"github.com/onward-sql/onward/onward"
)

// also maps a path to the findings that were printed once for many places.
type also map[string][]repeat

// repeat is a finding with further places in a migration.
type repeat struct {
	finding   *onward.Finding
	migration string
	lines     []int
}

func newAlso(r *onward.Report) also {
	a := also{}
	for i := range r.Findings {
		f := &r.Findings[i]
		for _, at := range f.Also {
			if at.Fact != "" {
				continue // a round of a loop, which is printed with the finding
			}
			list := a[at.Path]
			if n := len(list) - 1; n >= 0 && list[n].finding == f && list[n].migration == at.Migration {
				list[n].lines = append(list[n].lines, at.Line)
				continue
			}
			a[at.Path] = append(list, repeat{f, at.Migration, []int{at.Line}})
		}
	}
	return a
}

// shownPlaces is how many places are printed of one finding.
const shownPlaces = 8

// printRepeated prints a line for each finding that is printed in full elsewhere: findings of
// earlier migrations, or, if here is set, of this one.
func (t *terminal) printRepeated(m *onward.Migration, here bool) {
	for _, r := range t.index.also[m.Path] {
		if r.migration != m.ID || here != (r.finding.Path == m.Path && r.finding.Migration == m.ID) {
			continue
		}
		at := make([]string, len(r.lines))
		for i, line := range r.lines {
			at[i] = fmt.Sprintf(":%d", line)
		}
		t.addLine("  ", t.paintLine(t.Severity(r.finding.Severity), r.finding.Severity.String()), "  ",
			EscapeLine(r.finding.Rule), t.paintLine(t.Dim, " "+prose.FirstAndRest(at, shownPlaces)+", as above"))
	}
}
