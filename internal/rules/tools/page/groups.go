package page

import (
	"fmt"

	"github.com/onward-sql/onward/internal/dbchecks"
	"github.com/onward-sql/onward/internal/rule"
	"github.com/onward-sql/onward/internal/rules"
	"github.com/onward-sql/onward/internal/rules/queries"
	"github.com/onward-sql/onward/internal/rules/release"
)

// group has findings that no rule on migrations makes. They are documented and set as rules are.
type group struct {
	// title, intro and noun are for the index.
	title, intro, noun string
	rules              []*rule.Rule
	// page makes the page of one of them.
	page func(*rule.Rule) (*Page, error)
}

func listGroups() []group {
	return []group{
		{
			"rehearsal", "What [a rehearsal](../rehearse.md) finds; a server says so, not a rule.", "finding",
			release.RehearsalFindings(), func(r *rule.Rule) (*Page, error) { return &Page{Rule: r}, nil },
		},
		{
			"recording", "What `onward workload check` and `onward verify` find in [a recording of queries](../workload.md). " +
				"Nothing of it makes a release unsafe.", "finding",
			queries.All(), parseRecorded,
		},
		{
			"preflight", "What [`onward preflight`](../preflight.md) asks of a running database.", "check",
			dbchecks.Rules(), func(r *rule.Rule) (*Page, error) { return &Page{Rule: r, Checked: true}, nil },
		},
		{
			"suppression", "Comments that suppress findings are judged, too. No comment suppresses these.", "finding",
			release.SuppressionFindings(), func(r *rule.Rule) (*Page, error) { return &Page{Rule: r, Comment: true}, nil },
		},
	}
}

// ListAll gives all that is documented and set as a rule, and so has a page: the rules on migrations, and
// the findings of rehearsals, recordings, preflight and suppressions.
func ListAll() []*rule.Rule {
	out := rules.All()
	for _, g := range listGroups() {
		out = append(out[:len(out):len(out)], g.rules...)
	}
	return out
}

// OfRule makes the page of anything in ListAll.
func OfRule(r *rule.Rule) (*Page, error) {
	for _, g := range listGroups() {
		for _, x := range g.rules {
			if x.ID == r.ID {
				return g.page(r)
			}
		}
	}
	text, ok := rules.FixtureText(r.ID)
	if !ok {
		return nil, fmt.Errorf("%s: there is no fixture", r.ID)
	}
	return parseFixture(r, text)
}
