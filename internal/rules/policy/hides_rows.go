// Package policy holds the rules about row level security.
package policy

import (
	"strings"

	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/rule"
	"github.com/onward-sql/onward/onward"
)

// HidesRows flags row level security that comes into force, or gets narrower,
// on a table in use. https://www.postgresql.org/docs/current/ddl-rowsecurity.html
var HidesRows = &rule.Rule{
	ID:       "policy-hides-rows",
	Category: onward.Compatibility,
	Severity: onward.Error,
	Preset:   rule.Recommended,
	Summary:  "row level security hides rows from deployed code that used to see them",
	Harm:     "Once it is enabled, every role but the owner sees the rows alone that a policy lets through; without a policy, none. Nothing fails: SELECT returns fewer rows, UPDATE and DELETE touch fewer, INSERT is refused. With FORCE the owner, whom most applications connect as, is bound too. Policies that ask for a session setting hide everything from code that does not set it.",
	Instead:  "Release code that sets what the policies ask for first; create the policies, and enable row level security in a later release.",
	Manual:   []string{"https://www.postgresql.org/docs/current/ddl-rowsecurity.html", "https://www.postgresql.org/docs/current/sql-createpolicy.html"},
	Commit:   hidesRows,
}

func hidesRows(p *rule.Pass, t *rule.Tx) {
	for i := range t.Deltas {
		d := &t.Deltas[i]
		if d.After == nil || !p.Deployed(d) {
			continue
		}
		table := d.Before.Name.String()
		r := rule.Report{Severity: onward.Warning, Instead: "release code that meets the policies first, and do this a release later"}
		switch {
		case d.Kind == catalog.RelationChanged && d.What == "row level security" && d.After.RLS:
			r.Fact = "row level security is enabled on " + table
			r.Harm = "deployed code that does not connect as the owner sees the rows alone that a policy lets through"
			if len(d.After.Policies) == 0 {
				r.Fact += ", which has no policy"
				r.Harm = "deployed code that does not connect as the owner sees no row any more, and its INSERTs fail"
				if d.After.ForceRLS {
					r.Harm = "deployed code sees no row any more, and its INSERTs fail: new row violates row-level security policy"
					r.Severity = onward.Off
				}
			}
		case d.Kind == catalog.RelationChanged && d.What == "forced row level security" && d.After.ForceRLS && d.After.RLS && d.Before.RLS:
			r.Fact = "row level security of " + table + " is forced on its owner"
			r.Harm = "deployed code that connects as the owner sees the rows alone that a policy lets through"
		case !d.After.RLS || !d.Before.RLS:
			continue
		case d.Kind == catalog.PolicyDropped && !restrictive(d.Policy) && successor(t, d) == nil:
			r.Fact = "policy " + d.Policy.Name + " of " + table + " is dropped"
			r.Harm = "rows that it alone let through vanish for the deployed code"
		case d.Kind == catalog.PolicyCreated && restrictive(d.Policy):
			r.Fact = "restrictive policy " + d.Policy.Name + " is added to " + table
			r.Harm = "rows that do not meet it vanish for the deployed code, whatever other policies say"
		default:
			continue
		}
		p.Report(d.By, r)
	}
}

// restrictive reports whether a policy narrows what others let through.
func restrictive(policy *catalog.Policy) bool {
	text := strings.ToUpper(policy.Text)
	if at := strings.Index(text, "USING"); at >= 0 {
		text = text[:at]
	}
	return strings.Contains(text, "AS RESTRICTIVE")
}

// successor finds a policy of the same name and command that the transaction
// made.
func successor(t *rule.Tx, d *rule.Delta) *rule.Delta {
	return t.Same(catalog.PolicyCreated, func(o *rule.Delta) bool {
		return o.OID == d.OID && (o.Policy.Name == d.Policy.Name || o.Policy.Command == d.Policy.Command) && !restrictive(o.Policy)
	})
}
