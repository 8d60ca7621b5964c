package report

import (
	"strings"

	"github.com/onward-sql/onward/onward"
)

// leastSimilar is the least number of findings of one rule and severity that are printed as one.
const leastSimilar = 4

// similar are findings of one rule and severity: they are printed once, with all their places and one fix.
type similar struct {
	// findings are in the order of the report; the first is printed in full.
	findings []*onward.Finding
}

// otherFindings are the findings after the first.
func (s *similar) otherFindings() []*onward.Finding { return s.findings[1:] }

// groupSimilar maps findings to the groups that are printed as one. Observations of a rehearsal are never grouped.
func groupSimilar(findings []onward.Finding) map[*onward.Finding]*similar {
	type key struct {
		rule     string
		severity onward.Severity
	}
	groups := map[key]*similar{}
	for i := range findings {
		f := &findings[i]
		if strings.HasPrefix(f.Rule, "rehearsal-") {
			continue
		}
		k := key{f.Rule, f.Severity}
		if groups[k] == nil {
			groups[k] = &similar{}
		}
		groups[k].findings = append(groups[k].findings, f)
	}
	out := map[*onward.Finding]*similar{}
	for _, g := range groups {
		if len(g.findings) < leastSimilar {
			continue
		}
		for _, f := range g.findings {
			out[f] = g
		}
	}
	return out
}

// isFirst reports whether a finding is printed in full: it is the first of its group, or has none.
func (x *index) isFirst(f *onward.Finding) bool {
	g := x.similar[f]
	return g == nil || g.findings[0] == f
}
