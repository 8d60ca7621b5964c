package view

import (
	"strings"

	"github.com/onward-sql/onward/onward"
)

// leastSimilar is the least number of findings of one rule and severity that are printed as one.
const leastSimilar = 4

// SimilarFindings are findings of one rule and severity: they are printed once, with all their places and one fix.
type SimilarFindings struct {
	// Findings are in the order of the report; the first is printed in full.
	Findings []*onward.Finding
}

// OtherFindings are the findings after the first.
func (s *SimilarFindings) OtherFindings() []*onward.Finding { return s.Findings[1:] }

// groupSimilar maps findings to the groups that are printed as one. Observations of a rehearsal are never grouped.
func groupSimilar(findings []onward.Finding) map[*onward.Finding]*SimilarFindings {
	type key struct {
		rule     string
		severity onward.Severity
	}
	groups := map[key]*SimilarFindings{}
	for i := range findings {
		f := &findings[i]
		if strings.HasPrefix(f.Rule, "rehearsal-") {
			continue
		}
		k := key{f.Rule, f.Severity}
		if groups[k] == nil {
			groups[k] = &SimilarFindings{}
		}
		groups[k].Findings = append(groups[k].Findings, f)
	}
	out := map[*onward.Finding]*SimilarFindings{}
	for _, g := range groups {
		if len(g.Findings) < leastSimilar {
			continue
		}
		for _, f := range g.Findings {
			out[f] = g
		}
	}
	return out
}

// IsFirst reports whether a finding is printed in full: it is the first of its group, or has none.
func (x *Index) IsFirst(f *onward.Finding) bool {
	g := x.Similar[f]
	return g == nil || g.Findings[0] == f
}
