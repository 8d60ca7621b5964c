// Package policy holds the rules about row level security.
package policy

import (
	"slices"

	"github.com/onward-sql/onward/internal/advice"
	"github.com/onward-sql/onward/internal/analysis"
	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/predicate"
	"github.com/onward-sql/onward/internal/rule"
	"github.com/onward-sql/onward/onward"
)

// HidesRows flags row level security that comes into force, or gets narrower,
// on a table in use. https://www.postgresql.org/docs/current/ddl-rowsecurity.html
var HidesRows = &rule.Rule{
	ID:       "policy-hides-rows",
	Category: onward.Compatibility,
	Severity: onward.Error,
	Preset:   onward.Recommended,
	Summary:  "row level security hides rows from deployed code that used to see them",
	Harm:     "Once it is enabled, every role but the owner sees only the rows that a policy lets through; without a policy, none. Nothing fails: SELECT returns fewer rows, UPDATE and DELETE touch fewer, INSERT is refused. With FORCE the owner, whom most applications connect as, is bound too. Policies that ask for a session setting hide everything from code that does not set it.",
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
			if open(d.After) {
				continue
			}
			r.Fact = "row level security is enabled on " + table
			r.Harm = "deployed code that does not connect as the owner sees only the rows that a policy lets through"
			asked := unset(p, t, d)
			if asked != "" {
				r.Harm = "deployed code that does not connect as the owner sees no row any more: " + asked
			}
			switch {
			case len(d.After.Policies) == 0 && len(last(t, d).Policies) > 0:
				r.Fact += ", and its policies come behind it, each in a transaction of its own"
			case len(d.After.Policies) == 0:
				r.Fact += ", which has no policy"
				r.Harm = "deployed code that does not connect as the owner sees no row any more, and its INSERTs fail"
				r.Instead = "create the policies that the deployed code needs in front of it, in the same transaction:\nCREATE POLICY … ON " + analysis.Table(d.Before.Name) + " USING (…);"
				if d.After.ForceRLS {
					r.Harm = "deployed code sees no row any more, and its INSERTs fail: new row violates row-level security policy"
					r.Severity = onward.Off
				}
			case d.After.ForceRLS && asked != "":
				r.Harm = "deployed code sees no row any more, and its INSERTs fail: " + asked
				r.Severity = onward.Off
			}
		case d.Kind == catalog.RelationChanged && d.What == "forced row level security" && d.After.ForceRLS && d.After.RLS && d.Before.RLS:
			if open(d.After) {
				continue
			}
			r.Fact = "row level security of " + table + " is forced on its owner"
			r.Harm = "deployed code that connects as the owner sees only the rows that a policy lets through"
			if asked := unset(p, t, d); asked != "" {
				r.Harm = "deployed code sees no row any more, and its INSERTs fail: " + asked
				r.Severity = onward.Off
			}
		case !d.After.RLS || !d.Before.RLS:
			continue
		case !policy(t, d, &r):
			continue
		default:
			if asked := unset(p, t, d); asked != "" && d.After.ForceRLS {
				r.Harm, r.Severity = "deployed code sees no row any more, and its INSERTs fail: "+asked, onward.Off
			} else if asked != "" {
				r.Harm = "deployed code that does not connect as the owner sees no row any more: " + asked
			}
		}
		p.Report(d.By, r)
	}
}

// policy judges what becomes of one policy of a table whose row level security
// is in force; false when it hides nothing.
func policy(t *rule.Tx, d *rule.Delta, r *rule.Report) bool {
	table := d.Before.Name.String()
	switch d.Kind {
	case catalog.PolicyDropped:
		if !d.Policy.Permissive || open(d.After) {
			return false
		}
		next := successors(t, d)
		if len(next) == 0 {
			r.Fact = "policy " + d.Policy.Name + " of " + table + " is dropped"
			r.Harm = "rows that it alone let through vanish for the deployed code"
			return true
		}
		return narrows(d.Policy, next, table, r)
	case catalog.PolicyChanged:
		at := slices.IndexFunc(d.Before.Policies, func(o *catalog.Policy) bool { return o.ID == d.Policy.ID })
		return at >= 0 && !open(d.After) && narrows(d.Before.Policies[at], []*catalog.Policy{d.Policy}, table, r)
	case catalog.PolicyCreated:
		if d.Policy.Permissive || predicate.ConstantTrue(d.Policy.Using) && predicate.ConstantTrue(check(d.Policy)) {
			return false
		}
		r.Fact = "restrictive policy " + d.Policy.Name + " is added to " + table
		r.Harm = "rows that do not meet it vanish for the deployed code, whatever other policies say"
		return true
	}
	return false
}

// narrows reports whether a policy surely lets fewer rows through than before:
// each of those that take its place asks for more, or they are for fewer roles.
// One condition that is merely another may let the same rows through.
func narrows(old *catalog.Policy, next []*catalog.Policy, table string, r *rule.Report) bool {
	var roles []string
	rows, writes := true, true
	for _, n := range next {
		rows = rows && stricter(old.Using, n.Using)
		writes = writes && stricter(check(old), check(n))
		roles = append(roles, n.Roles...)
	}
	lost := slices.DeleteFunc(slices.Clone(old.Roles), func(role string) bool {
		return slices.Contains(roles, role) || slices.Contains(roles, "public")
	})
	r.Fact = "policy " + old.Name + " of " + table + " lets fewer rows through"
	switch {
	case rows:
		r.Harm = "rows that do not meet its new condition vanish for the deployed code, unless another policy lets them through"
	case writes:
		r.Harm = "INSERTs and UPDATEs of the deployed code that do not meet its new condition fail: new row violates row-level security policy"
	case len(lost) > 0 && lost[0] == "public":
		r.Fact = "policy " + old.Name + " of " + table + " is no longer for everybody"
		r.Harm = "deployed code that connects as another role than " + advice.Enumerate(roles) + " sees no row by it any more"
	case len(lost) > 0:
		r.Fact = "policy " + old.Name + " of " + table + " is no longer for " + advice.Enumerate(lost)
		r.Harm = "deployed code that connects as " + advice.Enumerate(lost) + " sees no row by it any more"
	default:
		return false
	}
	return true
}

// stricter reports whether a condition surely asks for more than the old one.
func stricter(old, now *pgparse.Node) bool {
	return old != nil && now != nil && !predicate.Implies(old, now) && predicate.Implies(now, old)
}

// check is the condition for the rows that are written.
func check(p *catalog.Policy) *pgparse.Node {
	if p.Check == nil {
		return p.Using
	}
	return p.Check
}

// open reports whether the policies of a table let every row through for
// everybody, so that nothing is hidden.
func open(r *catalog.Relation) bool {
	for _, p := range r.Policies {
		if !p.Permissive && !(predicate.ConstantTrue(p.Using) && predicate.ConstantTrue(check(p))) {
			return false
		}
	}
	for _, command := range []string{"select", "insert", "update", "delete"} {
		if !slices.ContainsFunc(r.Policies, func(p *catalog.Policy) bool {
			return p.Permissive && (p.Command == "all" || p.Command == command) && slices.Contains(p.Roles, "public") &&
				(command == "insert" || predicate.ConstantTrue(p.Using)) &&
				(command == "select" || command == "delete" || predicate.ConstantTrue(check(p)))
		}) {
			return false
		}
	}
	return true
}

// successors are the policies that the transaction made in the place of one
// that it drops: of its name, or for its command.
func successors(t *rule.Tx, d *rule.Delta) []*catalog.Policy {
	var out []*catalog.Policy
	for i := range t.Deltas {
		o := &t.Deltas[i]
		if o.Kind == catalog.PolicyCreated && o.OID == d.OID && o.Policy.Permissive &&
			(o.Policy.Name == d.Policy.Name || o.Policy.Command == d.Policy.Command || o.Policy.Command == "all") {
			out = append(out, o.Policy)
		}
	}
	return out
}
