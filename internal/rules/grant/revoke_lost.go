package grant

import (
	"github.com/onward-sql/onward/internal/rule"
	"github.com/onward-sql/onward/onward"
)

// RevokeLost flags a function that everybody may execute because it was created
// again. https://www.postgresql.org/docs/current/ddl-priv.html
var RevokeLost = &rule.Rule{
	ID:       "grant-revoke-lost",
	Category: onward.Security,
	Severity: onward.Warning,
	Preset:   onward.Recommended,
	Summary:  "a function that was revoked from PUBLIC is everybody's to execute once it is dropped and created again",
	Harm:     "PUBLIC has EXECUTE on each function that is created. A REVOKE takes it from the function that is there, and goes with it: the one that is created under its name is for every role again, those of end users, too. Where it is SECURITY DEFINER, they do with its owner's privileges what it was closed for.",
	Instead:  "Use CREATE OR REPLACE FUNCTION, which keeps who may execute it, or revoke and grant again in the same transaction.",
	Manual:   []string{"https://www.postgresql.org/docs/current/ddl-priv.html", "https://www.postgresql.org/docs/current/sql-createfunction.html"},
	Gather:   revokeLostGather,
	Release:  revokeLost,
}

func revokeLostGather(p *rule.Pass, m *rule.Migration) {
	keepHidden(p, m, "REVOKE")
	for _, t := range m.Txs {
		for i := range t.Deltas {
			keepHeir(p, &t.Deltas[i])
		}
	}
}

func revokeLost(p *rule.Pass, r *rule.Release) {
	if len(rule.Kept[hidden](p)) > 0 {
		return
	}
	for _, x := range heirs(p, r) {
		if !x.old.Closed || x.now.Closed {
			continue
		}
		var roles []string
		for _, g := range x.old.Grants {
			roles = append(roles, grantee(g.Role))
		}
		harm := "PUBLIC has EXECUTE on what is created: every role may call it, which a REVOKE had ruled out"
		if x.now.SecurityDefiner {
			harm += ", and it runs with the privileges of its owner"
		}
		again := x.execute("REVOKE", "FROM", []string{"PUBLIC"})
		if len(roles) > 0 {
			again += "\n" + x.execute("GRANT", "TO", roles)
		}
		p.Report(x.by, rule.Report{
			Fact:    x.now.Kind + " " + x.now.Signature() + " takes the place of a deployed one that was revoked from PUBLIC",
			Harm:    harm,
			Instead: "revoke it again in the same transaction:\n" + again,
			Cause:   "and %d others do so",
		})
	}
}
