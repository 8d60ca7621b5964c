package access

import (
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/analysis"
	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/predicate"
	"github.com/onward-sql/onward/internal/rule"
	"github.com/onward-sql/onward/onward"
)

// PolicyHidesRows flags row level security that comes into force, or gets narrower,
// on an existing table. https://www.postgresql.org/docs/current/ddl-rowsecurity.html
var PolicyHidesRows = &rule.Rule{
	ID:       "policy-hides-rows",
	Category: onward.Compatibility,
	Severity: onward.Error,
	Summary:  "row level security hides rows from deployed code that used to see them",
	Harm: "Once it is enabled, every role but the owner sees only the rows that a policy lets through; " +
		"without a policy, none. Nothing fails: SELECT returns fewer rows, UPDATE and DELETE touch fewer, INSERT is refused. " +
		"With FORCE the owner, whom most applications connect as, is bound too. Policies that ask for a session setting hide everything from code that does not " +
		"set it.",
	Instead: "Release code that sets what the policies ask for first; create the policies, and enable row level security in a later release.",
	Manual:  []string{"https://www.postgresql.org/docs/current/ddl-rowsecurity.html", "https://www.postgresql.org/docs/current/sql-createpolicy.html"},
	Commit:  checkHiddenRows,
}

func checkHiddenRows(p *rule.Pass, t *rule.Tx) {
	for d := range p.DeployedChanges(t) {
		if d.After == nil {
			continue
		}
		table := d.Before.Name.String()
		r := rule.Report{Severity: onward.Warning, Instead: "release code that meets the policies first, and do this a release later"}
		switch {
		case d.Kind == catalog.RelationChanged && d.What == "row level security" && d.After.RLS:
			if admitsAllRows(d.After) {
				continue
			}
			r.Fact = "row level security is enabled on " + table
			r.Harm = "deployed code that does not connect as the owner sees only the rows that a policy lets through"
			setHiddenHarm(&r, describeUnsetSetting(p, t, d), d.After.ForceRLS && len(d.After.Policies) > 0)
			switch {
			case len(d.After.Policies) == 0 && len(tableAfterMigration(t, d).Policies) > 0:
				r.Fact += ", and its policies come after it, each in a transaction of its own"
			case len(d.After.Policies) == 0:
				r.Fact += ", which has no policy"
				r.Harm = "deployed code that does not connect as the owner sees no row any more, and its INSERTs fail"
				r.Instead = "create the policies that the deployed code needs before it, in the same transaction:\nCREATE POLICY … ON " +
					analysis.QuoteTable(d.Before.Name) + " USING (…);"
				if d.After.ForceRLS {
					r.Harm = "deployed code sees no row any more, and its INSERTs fail: new row violates row-level security policy"
					r.Severity = onward.Off
				}
			}
		case d.Kind == catalog.RelationChanged && d.What == "forced row level security" && d.After.ForceRLS && d.After.RLS && d.Before.RLS:
			if admitsAllRows(d.After) {
				continue
			}
			r.Fact = "row level security of " + table + " is forced on its owner"
			r.Harm = "deployed code that connects as the owner sees only the rows that a policy lets through"
			setHiddenHarm(&r, describeUnsetSetting(p, t, d), true)
		case !d.After.RLS || !d.Before.RLS:
			continue
		case !judgePolicy(p, t, d, &r):
			continue
		default:
			setHiddenHarm(&r, describeUnsetSetting(p, t, d), d.After.ForceRLS)
		}
		r.Cause = droppedPolicyCause(d)
		p.Report(d, r)
	}
	reportReplacedFunctions(p, t)
}

// reportReplacedFunctions reports the functions of policies that read another setting now.
func reportReplacedFunctions(p *rule.Pass, t *rule.Tx) {
	for i := range t.Deltas {
		d := &t.Deltas[i]
		if d.Kind != catalog.FunctionReplaced || d.By == nil || !p.DeployedFunction(d.OldFunction) {
			continue
		}
		setting, old := settingOfFunction(d.NewFunction), settingOfFunction(d.OldFunction)
		if setting == "" || setting == old || isSetByCode(p, t, setting) {
			continue
		}
		for _, table := range t.After.CalledBy(d.NewFunction.Name.Name) {
			if deployed := p.Release.Deployed.Relation(table.OID); deployed == nil || !table.RLS || !slices.ContainsFunc(table.Policies, func(o *catalog.Policy) bool {
				return slices.Contains(listSettings(t.After, o.Using), setting) && !slices.Contains(listSettings(p.Release.Deployed, o.Using), setting)
			}) {
				continue
			}
			p.Report(d.By, rule.Report{
				Fact:     "policies of " + table.Name.String() + " call " + d.NewFunction.Signature() + ", which asks for the setting " + setting + " now",
				Harm:     "no row goes through them any more for deployed code that does not set it",
				Instead:  "release code that sets " + setting + " first, and do this a release later",
				Severity: onward.Warning,
			})
			break
		}
	}
}

// setHiddenHarm completes the report on policies that let no row through, because they ask for a setting. bound says that they
// bind the owner too.
func setHiddenHarm(r *rule.Report, asked string, bound bool) {
	switch {
	case asked == "":
	case bound:
		r.Harm, r.Severity = "deployed code sees no row any more, and its INSERTs fail: "+asked, onward.Off
	default:
		r.Harm = "deployed code that does not connect as the owner sees no row any more: " + asked
	}
}

// droppedPolicyCause is what the policies of one role that are dropped have in common.
func droppedPolicyCause(d *rule.Delta) string {
	if d.Kind != catalog.PolicyDropped || slices.Contains(d.Policy.Roles, "public") {
		return ""
	}
	return "and so are %d other policies of " + strings.Join(d.Policy.Roles, ", ")
}

// admitsAllRows reports whether the policies of a table let every row through for
// everybody, so that nothing is hidden.
func admitsAllRows(r *catalog.Relation) bool {
	for _, p := range r.Policies {
		if !p.Permissive && !(predicate.ConstantTrue(p.Using) && predicate.ConstantTrue(writeCondition(p))) {
			return false
		}
	}
	for _, command := range commands {
		if !slices.ContainsFunc(r.Policies, func(p *catalog.Policy) bool {
			return p.Permissive && coversCommand(p, command) && slices.Contains(p.Roles, "public") &&
				(command == "insert" || predicate.ConstantTrue(p.Using)) &&
				(command == "select" || command == "delete" || predicate.ConstantTrue(writeCondition(p)))
		}) {
			return false
		}
	}
	return true
}

// listSuccessors are the policies that the transaction made in the place of one
// that it drops: of its name, or for its command.
func listSuccessors(t *rule.Tx, d *rule.Delta) []*catalog.Policy {
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
