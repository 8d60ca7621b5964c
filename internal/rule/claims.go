package rule

import (
	"slices"

	"github.com/onward-sql/onward/internal/analysis"
	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/effect"
	"github.com/onward-sql/onward/onward"
)

// claim is a finding about who waits for a statement.
type claim struct {
	text     string
	severity onward.Severity
	versions []int
}

// mayClaim reports whether findings of a category and severity say that someone waits.
func mayClaim(c onward.Category, s onward.Severity) bool {
	return s >= onward.Warning && (c == onward.Locking || c == onward.InTransaction || c == onward.Data)
}

// recordClaims keeps the claims of the pass's findings from an index on. The severity that counts is the one before small
// tables, the configuration, suppressions and the baseline lower it.
func (p *Pass) recordClaims(from int) {
	for i := from; i < len(p.findings); i++ {
		if f := &p.findings[i]; mayClaim(f.Category, f.full) {
			p.claims = append(p.claims, claim{f.Fact + "\n" + f.Harm, f.full, f.versions})
		}
	}
}

// IsClaimed reports whether another rule says that users of a relation wait for the current statement: an error that names the
// relation, or another part of the same partitioned table. A warning is enough for work that is assumed.
func (p *Pass) IsClaimed(s *Stmt, e *effect.Effect) bool {
	names := s.namesAround(e)
	want := onward.Error
	if e.Unsure {
		want = onward.Warning
	}
	missing := slices.Clone(p.versions)
	for _, c := range p.claims {
		if c.severity < want || !slices.ContainsFunc(names, func(n catalog.Name) bool { return analysis.MentionsWord(c.text, n.Name) }) {
			continue
		}
		missing = slices.DeleteFunc(missing, func(v int) bool { return slices.Contains(c.versions, v) })
	}
	if len(missing) > 0 && len(missing) < len(p.versions) {
		p.asked = true // the rule runs again, once for each version
	}
	return len(missing) == 0
}

// namesAround returns the names of an effect's relation and of the other tables of its partitions or children: a rule names one of them.
func (s *Stmt) namesAround(e *effect.Effect) []catalog.Name {
	names := []catalog.Name{e.Name}
	seen := []catalog.OID{e.OID}
	for i := 0; i < len(seen); i++ {
		r := s.Before.Relation(seen[i])
		if r == nil {
			continue
		}
		for _, below := range s.Before.ListTree(r, true) {
			names = append(names, below.Name)
		}
		for _, oid := range append([]catalog.OID{r.Parent}, r.Inherits...) {
			if s.Before.Relation(oid) != nil && !slices.Contains(seen, oid) {
				seen = append(seen, oid)
			}
		}
	}
	return names
}
