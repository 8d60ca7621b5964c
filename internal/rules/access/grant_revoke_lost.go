package access

import (
	"github.com/onward-sql/onward/internal/rule"
	"github.com/onward-sql/onward/onward"
)

// GrantRevokeLost flags a function that everybody may execute because it was created
// again. https://www.postgresql.org/docs/current/ddl-priv.html
var GrantRevokeLost = &rule.Rule{
	ID:       "grant-revoke-lost",
	Category: onward.Security,
	Severity: onward.Warning,
	Summary:  "a function that was revoked from PUBLIC is everybody's to execute once it is dropped and created again",
	Harm: "PUBLIC has EXECUTE on each function that is created. A REVOKE belongs to the existing function and disappears with it: " +
		"every role may call the function that is created under its name, also the roles of end users. " +
		"If it is SECURITY DEFINER, they act with its owner's privileges.",
	Instead: "Use CREATE OR REPLACE FUNCTION, which keeps who may execute it, or revoke and grant again in the same transaction.",
	Manual:  []string{"https://www.postgresql.org/docs/current/ddl-priv.html", "https://www.postgresql.org/docs/current/sql-createfunction.html"},
	Gather:  gatherRevokeLost,
	Release: checkRevokeLost,
}

func gatherRevokeLost(p *rule.Pass, m *rule.Migration) {
	recordHiddenGrants(p, m, "REVOKE")
	for _, d := range m.EachChange() {
		rememberReplacement(p, d)
	}
}

func checkRevokeLost(p *rule.Pass, r *rule.Release) {
	if len(rule.KeptValues[hiddenGrant](p)) > 0 {
		return
	}
	for _, x := range listReplacedFunctions(p, r) {
		if !x.old.Closed || x.now.Closed {
			continue
		}
		var roles []string
		for _, g := range x.old.Grants {
			roles = append(roles, formatGrantee(g.Role))
		}
		harm := "PUBLIC has EXECUTE on what is created: every role may call it, which a REVOKE had ruled out"
		if x.now.SecurityDefiner {
			harm += ", and it runs with the privileges of its owner"
		}
		revokeSQL := x.formatExecute("REVOKE", "FROM", []string{"PUBLIC"})
		if len(roles) > 0 {
			revokeSQL += "\n" + x.formatExecute("GRANT", "TO", roles)
		}
		p.Report(x.by, rule.Report{
			Fact:    x.now.Kind + " " + x.now.Signature() + " takes the place of a deployed one that was revoked from PUBLIC",
			Harm:    harm,
			Instead: "revoke it again in the same transaction:\n" + revokeSQL,
			Cause:   "and %d others do so",
		})
	}
}
