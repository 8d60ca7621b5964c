package access

import (
	"slices"

	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/predicate"
	"github.com/onward-sql/onward/internal/rule"
	"github.com/onward-sql/onward/onward"
)

// PolicyLifted flags row level security that ends, loses a policy that restricts others, or gets one that lets every row through, on an existing table.
// https://www.postgresql.org/docs/current/ddl-rowsecurity.html
var PolicyLifted = &rule.Rule{
	ID:       "policy-lifted",
	Category: onward.Compatibility,
	Severity: onward.Warning,
	Summary:  "deployed code that relies on row level security reads and changes rows that were hidden from it",
	Harm: "The queries of the deployed code name no tenant: the policies chose their rows. Without them each SELECT returns the rows of all, " +
		"and each UPDATE and DELETE changes them. Nothing fails.",
	Instead: "Release code whose queries choose their rows themselves first, and lift the policies when no old code runs any more.",
	Manual:  []string{"https://www.postgresql.org/docs/current/ddl-rowsecurity.html", "https://www.postgresql.org/docs/current/sql-altertable.html"},
	Commit:  checkLifted,
}

func checkLifted(p *rule.Pass, t *rule.Tx) {
	for d := range p.DeployedChanges(t, catalog.RelationChanged, catalog.PolicyDropped, catalog.PolicyCreated, catalog.PolicyChanged) {
		old := p.Release.Deployed.Relation(d.OID)
		if d.After == nil || old == nil || !old.RLS || admitsAllRows(old) || !d.Before.RLS || admitsAllRows(d.Before) {
			continue
		}
		table := d.Before.Name.String()
		r := rule.Report{
			Harm:    "deployed code that relies on the policies reads and changes rows that were hidden from it, and nothing fails",
			Instead: "release code whose queries choose their rows themselves first, and do this a release later",
		}
		switch {
		case d.What == "row level security" && !d.After.RLS:
			r.Fact = "row level security is disabled on " + table
		case d.What == "forced row level security" && old.ForceRLS && !d.After.ForceRLS && d.After.RLS:
			r.Fact = "row level security of " + table + " is no longer forced on its owner"
		case d.Kind == catalog.PolicyDropped && hasPolicy(old, d.Policy) && isRestrictionLost(d):
			r.Fact = "restrictive policy " + d.Policy.Name + " of " + table + " is dropped"
		case (d.Kind == catalog.PolicyCreated || d.Kind == catalog.PolicyChanged) && d.After.RLS && admitsAllRows(d.After):
			r.Fact = "policy " + d.Policy.Name + " lets everybody read and change every row of " + table
		default:
			continue
		}
		p.Report(d, r)
	}
}

// isRestrictionLost reports whether a dropped policy restricted others, and no policy that comes instead does.
func isRestrictionLost(d *rule.Delta) bool {
	return !d.Policy.Permissive && d.After.RLS && !predicate.ConstantTrue(d.Policy.Using) && !slices.ContainsFunc(d.After.Policies, func(o *catalog.Policy) bool {
		return !o.Permissive && !hasPolicy(d.Before, o)
	})
}

func hasPolicy(r *catalog.Relation, policy *catalog.Policy) bool {
	return slices.ContainsFunc(r.Policies, func(o *catalog.Policy) bool { return o.ID == policy.ID })
}
