package rule

import (
	"slices"

	"github.com/onward-sql/onward/internal/analysis"
	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/effect"
	"github.com/onward-sql/onward/onward"
)

// claim is a finding that says who waits for a statement, or that the statement fails.
type claim struct {
	text         string
	severity     onward.Severity
	versions     []int
	waits, fails bool
}

// mayClaimWait reports whether findings of a category and severity say that someone waits.
func mayClaimWait(c onward.Category, s onward.Severity) bool {
	return s >= onward.Warning && (c == onward.Locking || c == onward.InTransaction || c == onward.Data)
}

// mayClaim reports whether findings of a rule may claim what a statement does.
func mayClaim(r *Rule) bool {
	return mayClaimWait(r.Category, r.Severity) || r.Stops || r.Category == onward.Compatibility || r.Category == onward.DataLoss
}

// silenceFindings removes the findings of a rule that is switched off, from an index on. They still claim what they report.
func (p *Pass) silenceFindings(from int) {
	p.silenced = append(p.silenced, p.findings[from:]...)
	p.findings = p.findings[:from]
}

// IsLossClaimed reports whether a rule, also one that is switched off, says that deployed code loses something by a statement: with an error at
// the statement, whose text may leave names out, or with a finding that has all of the given names. A rule asks at the end of the release.
func (p *Pass) IsLossClaimed(s *Stmt, names ...string) bool {
	order := s.placeInRelease()
	claims := func(f *placedFinding) bool {
		return (f.Category == onward.Compatibility || f.Category == onward.DataLoss) &&
			(f.order == order && f.full == onward.Error || !slices.ContainsFunc(names, func(n string) bool { return !analysis.MentionsWord(f.Fact, n) }))
	}
	return slices.ContainsFunc(p.silenced, claims) || slices.ContainsFunc(p.collected, claims)
}

// recordClaims keeps the claims of the pass's findings from an index on. The severity that counts is the one before small
// tables, the configuration, suppressions and the baseline lower it.
func (p *Pass) recordClaims(from int) {
	for _, f := range p.findings[from:] {
		c := claim{f.Fact + "\n" + f.Harm, f.full, f.versions, mayClaimWait(f.Category, f.full), p.Rule.Stops || f.said.Stops}
		if c.waits || c.fails {
			p.claims = append(p.claims, c)
		}
	}
}

// IsRefusalClaimed reports whether another rule says that the current statement fails: with an error, or with a warning if that is enough.
func (p *Pass) IsRefusalClaimed(least onward.Severity) bool {
	return p.isClaimedBy(func(c *claim) bool { return c.fails && c.severity >= least })
}

// isClaimedBy reports whether claims that match cover all versions in question.
func (p *Pass) isClaimedBy(match func(*claim) bool) bool {
	missing := slices.Clone(p.versions)
	for i := range p.claims {
		if c := &p.claims[i]; match(c) {
			missing = slices.DeleteFunc(missing, func(v int) bool { return slices.Contains(c.versions, v) })
		}
	}
	if len(missing) > 0 && len(missing) < len(p.versions) {
		p.asked = true // the rule runs again, once for each version
	}
	return len(missing) == 0
}

// IsClaimed reports whether another rule says that users of a relation wait for the current statement: an error that names the
// relation, or another part of the same partitioned table. A warning is enough for work that is assumed.
func (p *Pass) IsClaimed(s *Stmt, e *effect.Effect) bool {
	names := s.listTreeNames(e)
	want := onward.Error
	if e.Unsure {
		want = onward.Warning
	}
	return p.isClaimedBy(func(c *claim) bool {
		return c.waits && c.severity >= want && slices.ContainsFunc(names, func(n catalog.Name) bool { return analysis.MentionsWord(c.text, n.Name) })
	})
}

// listTreeNames returns the names of an effect's relation and of the other tables of its partitions or children: a rule names one of them.
func (s *Stmt) listTreeNames(e *effect.Effect) []catalog.Name {
	names := []catalog.Name{e.Name}
	seen := []catalog.OID{e.OID}
	for i := 0; i < len(seen); i++ {
		r := s.Before.Relation(seen[i])
		if r == nil {
			continue
		}
		for _, descendant := range s.Before.ListTree(r, true) {
			names = append(names, descendant.Name)
		}
		for _, oid := range append([]catalog.OID{r.Parent}, r.Inherits...) {
			if s.Before.Relation(oid) != nil && !slices.Contains(seen, oid) {
				seen = append(seen, oid)
			}
		}
	}
	return names
}
