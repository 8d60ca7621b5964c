package access

import (
	"slices"

	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/predicate"
	"github.com/onward-sql/onward/internal/prose"
	"github.com/onward-sql/onward/internal/rule"
)

// judgePolicy judges a change of one policy, for a table with row level security enabled;
// false if it hides no rows.
func judgePolicy(p *rule.Pass, t *rule.Tx, d *rule.Delta, r *rule.Report) bool {
	table := d.Before.Name.String()
	old := d.Policy
	if old == nil {
		return false
	}
	if index := slices.IndexFunc(d.Before.Policies, func(o *catalog.Policy) bool { return o.ID == d.Policy.ID }); index >= 0 {
		old = d.Before.Policies[index]
	}
	if !mayAdmitRow(d.Before, old) {
		return false // no row went through it, or through what it restricts
	}
	if old.Permissive && slices.ContainsFunc(d.After.Policies, func(o *catalog.Policy) bool { return admitsSameRows(o, old) }) {
		return false
	}
	switch d.Kind {
	case catalog.PolicyDropped:
		if !d.Policy.Permissive || admitsAllRows(d.After) {
			return false
		}
		next := listSuccessors(t, d)
		if len(next) == 0 {
			r.Fact = "policy " + d.Policy.Name + " of " + table + " is dropped"
			r.Harm = "rows that it alone let through vanish for the deployed code"
			return true
		}
		return judgeNarrower(p, t, d.Policy, next, table, r)
	case catalog.PolicyChanged:
		return old != d.Policy && !admitsAllRows(d.After) && judgeNarrower(p, t, old, []*catalog.Policy{d.Policy}, table, r)
	case catalog.PolicyCreated:
		if d.Policy.Permissive || predicate.ConstantTrue(d.Policy.Using) && predicate.ConstantTrue(writeCondition(d.Policy)) {
			return false
		}
		r.Fact = "restrictive policy " + d.Policy.Name + " is added to " + table
		r.Harm = "rows that do not meet it vanish for the deployed code, whatever other policies say"
		return true
	}
	return false
}

// mayAdmitRow reports whether a row may go through a policy of a table, or, of one that
// restricts others, through those: some policy has to permit it for a command that both
// are for, and none that is for everybody may refuse them all.
func mayAdmitRow(r *catalog.Relation, p *catalog.Policy) bool {
	if r.Inferred || r.Partial {
		return true
	}
	return slices.ContainsFunc(commands, func(command string) bool {
		if !coversCommand(p, command) {
			return false
		}
		return slices.ContainsFunc(r.Policies, func(o *catalog.Policy) bool {
			return o.Permissive && (o.ID == p.ID || !p.Permissive) && coversCommand(o, command) && !admitsNoRow(o, command) && len(sharedRoles(o.Roles, p.Roles)) > 0
		}) && !slices.ContainsFunc(r.Policies, func(o *catalog.Policy) bool {
			return !o.Permissive && o.ID != p.ID && coversCommand(o, command) && slices.Contains(o.Roles, "public") && admitsNoRow(o, command)
		})
	})
}

// commands are those that policies are for.
var commands = []string{"select", "insert", "update", "delete"}

func coversCommand(p *catalog.Policy, command string) bool {
	return p.Command == "all" || p.Command == command
}

// admitsNoRow reports whether no row meets a policy with a command.
func admitsNoRow(p *catalog.Policy, command string) bool {
	if command == "insert" {
		return predicate.ConstantFalse(writeCondition(p))
	}
	return predicate.ConstantFalse(p.Using)
}

// admitsSameRows reports whether a permissive policy certainly lets each row through that an old one did.
func admitsSameRows(p, old *catalog.Policy) bool {
	return p.Permissive && (p.Command == "all" || p.Command == old.Command) &&
		(old.Using == nil || predicate.Implies(old.Using, p.Using)) &&
		(writeCondition(old) == nil || p.Command == "select" || p.Command == "delete" || predicate.Implies(writeCondition(old), writeCondition(p))) &&
		!slices.ContainsFunc(old.Roles, func(role string) bool { return !slices.Contains(p.Roles, role) && !slices.Contains(p.Roles, "public") })
}

// judgeNarrower reports whether a policy surely lets fewer rows through than before:
// each of those that take its place asks for more, or they are for fewer roles.
// One condition that is merely another may let the same rows through.
func judgeNarrower(p *rule.Pass, t *rule.Tx, old *catalog.Policy, next []*catalog.Policy, table string, r *rule.Report) bool {
	var roles []string
	rows, writes := true, true
	for _, n := range next {
		rows = rows && isStricter(old.Using, n.Using)
		writes = writes && isStricter(writeCondition(old), writeCondition(n))
		roles = append(roles, n.Roles...)
	}
	lost := slices.DeleteFunc(slices.Clone(old.Roles), func(role string) bool {
		return slices.Contains(roles, role) || slices.Contains(roles, "public")
	})
	request := describeOtherRequest(p, t, old, next, func(o *catalog.Policy) *pgparse.Node { return o.Using })
	writeRequest := describeOtherRequest(p, t, old, next, writeCondition)
	r.Fact = "policy " + old.Name + " of " + table + " lets fewer rows through"
	switch {
	case rows:
		r.Harm = "rows that do not meet its new condition vanish for the deployed code, unless another policy lets them through"
	case writes:
		r.Harm = "INSERTs and UPDATEs of the deployed code that do not meet its new condition fail: new row violates row-level security policy"
	case request != "":
		r.Fact = "policy " + old.Name + " of " + table + " asks for " + request
		r.Harm = "no row goes through it any more for deployed code that is or sets something else"
	case writeRequest != "":
		r.Fact = "policy " + old.Name + " of " + table + " asks for " + writeRequest
		r.Harm = "INSERTs and UPDATEs of deployed code that is or sets something else fail: new row violates row-level security policy"
	case len(lost) > 0 && lost[0] == "public":
		r.Fact = "policy " + old.Name + " of " + table + " is no longer for everybody"
		r.Harm = "deployed code that connects as another role than " + prose.EnumerateNames(roles) + " sees no row by it any more"
	case len(lost) > 0:
		r.Fact = "policy " + old.Name + " of " + table + " is no longer for " + prose.EnumerateNames(lost)
		r.Harm = "deployed code that connects as " + prose.EnumerateNames(lost) + " sees no row by it any more"
	default:
		return false
	}
	return true
}

// isStricter reports whether a condition surely asks for more than the old one.
func isStricter(old, now *pgparse.Node) bool {
	return old != nil && now != nil && !predicate.Implies(old, now) && predicate.Implies(now, old)
}

// writeCondition is the condition for the rows that are written.
func writeCondition(p *catalog.Policy) *pgparse.Node {
	if p.Check == nil {
		return p.Using
	}
	return p.Check
}
