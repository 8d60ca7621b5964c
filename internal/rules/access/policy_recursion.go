package access

import (
	"slices"

	"github.com/onward-sql/onward/internal/analysis"
	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/rule"
	"github.com/onward-sql/onward/onward"
)

// PolicyRecursion flags policies that read a table whose own policies lead back to
// it. https://www.postgresql.org/docs/current/ddl-rowsecurity.html
var PolicyRecursion = &rule.Rule{
	ID:       "policy-recursion",
	Category: onward.Compatibility,
	Severity: onward.Error,
	Summary:  "a policy reads its own table, by itself or through the policies of others, and every query fails",
	Harm: "Policies also apply to the tables that a policy reads. CREATE POLICY does not follow them: " +
		"if a policy's subquery reads its own table, or a table whose policies read it again, " +
		"the first query fails with \"infinite recursion detected in policy for relation\". " +
		"It fails for every role, except for the roles that policies do not bind: the owner without FORCE, superusers and BYPASSRLS. " +
		"These are the roles that try it out.",
	Instead: "Read the table in a SECURITY DEFINER function of a role that the policies do not bind, and call that in the policy.",
	Manual:  []string{"https://www.postgresql.org/docs/current/ddl-rowsecurity.html", "https://www.postgresql.org/docs/current/sql-createpolicy.html"},
	Commit:  checkRecursion,
}

func checkRecursion(p *rule.Pass, t *rule.Tx) {
	reportedTables := map[catalog.OID]bool{}
	for i := range t.Deltas {
		d := &t.Deltas[i]
		if d.After == nil || !d.After.RLS || reportedTables[d.After.OID] {
			continue
		}
		var found *policyPath
		switch {
		case d.Kind == catalog.PolicyCreated, d.Kind == catalog.PolicyChanged:
			found = findRecursion(t.After, d.After, d.Policy)
		case d.Kind == catalog.RelationCreated, d.Kind == catalog.RelationChanged && d.What == "row level security":
			for _, q := range d.After.Policies {
				if found = findRecursion(t.After, d.After, q); found != nil {
					break
				}
			}
		}
		if found == nil || wasRecursiveBefore(t.Before, d.After.OID, found) {
			continue
		}
		for _, r := range found.tables {
			reportedTables[r.OID] = true
		}
		table := d.After.Name.String()
		fact := "policy " + found.policy.Name + " of " + table + " reads " + table + " itself"
		if len(found.tables) > 1 {
			fact = "policy " + found.policy.Name + " of " + table + " reads " + found.tables[1].Name.String() + ", whose policies read " + table + " again"
		}
		p.Report(findPolicyAuthor(t, found.policy, d.By), rule.Report{
			Fact: fact,
			Harm: found.describeFailingCommands() + " of " + table + " fails for every role that the policies bind: infinite recursion detected in policy for relation \"" +
				d.After.Name.Name + "\"",
			Instead: "read it in a function whose owner the policies do not bind, and call that in the policy:\n" +
				"CREATE FUNCTION … RETURNS … LANGUAGE sql STABLE SECURITY DEFINER SET search_path = '' AS $$ SELECT … FROM " + analysis.QuoteTable(d.After.Name) + " … $$;",
		})
	}
}

// wasRecursiveBefore reports whether the way was there before the transaction.
func wasRecursiveBefore(before *catalog.Catalog, table catalog.OID, w *policyPath) bool {
	r := before.Relation(table)
	if r == nil || !r.RLS {
		return false
	}
	index := slices.IndexFunc(r.Policies, func(o *catalog.Policy) bool { return o.Name == w.policy.Name })
	if index < 0 {
		return false
	}
	oldPath := findRecursion(before, r, r.Policies[index])
	return oldPath != nil && oldPath.check == w.check
}

// findPolicyAuthor returns the statement that a policy is from, fallback unless another is seen.
func findPolicyAuthor(t *rule.Tx, p *catalog.Policy, fallback *rule.Stmt) *rule.Stmt {
	all := rule.BuildOnce(&t.Notes, func() madePolicies {
		out := madePolicies{}
		for _, s := range t.Statements {
			if c := s.Node.GetCreatePolicyStmt(); c != nil && out[c.GetPolicyName()] == nil {
				out[c.GetPolicyName()] = s
			}
		}
		return out
	})
	if s := all[p.Name]; s != nil {
		return s
	}
	return fallback
}

// madePolicies are the first statements of a transaction that create a policy of a name.
type madePolicies map[string]*rule.Stmt
