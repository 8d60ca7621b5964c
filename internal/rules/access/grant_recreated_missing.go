package access

import (
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/prose"
	"github.com/onward-sql/onward/internal/recipe"
	"github.com/onward-sql/onward/internal/rule"
	"github.com/onward-sql/onward/onward"
)

// GrantRecreatedMissing flags a relation that takes the place of a deployed one and
// lacks the privileges that were granted on it.
// https://www.postgresql.org/docs/current/ddl-priv.html
var GrantRecreatedMissing = &rule.Rule{
	ID:       "grant-recreated-missing",
	Category: onward.Compatibility,
	Severity: onward.Warning,
	Summary:  "a view, table, sequence or function that is dropped and created again loses its grants",
	Harm: "Privileges belong to the object, not to its name: DROP removes them, and an object that is created or renamed in its place has its owner's " +
		"only. Code that connects as another role gets \"permission denied\" from the commit on, in production only: locally one role does everything.",
	Instead: "If it is allowed, use CREATE OR REPLACE, which keeps the grants, or grant the same again in the same transaction.",
	Manual:  []string{"https://www.postgresql.org/docs/current/ddl-priv.html", "https://www.postgresql.org/docs/current/sql-createview.html"},
	Gather:  gatherRecreated,
	Release: checkRecreated,
}

// successor is a new relation that got the name of a deployed one.
type successor struct {
	by  *rule.Stmt
	oid catalog.OID
}

// hiddenGrant is a GRANT or REVOKE whose text is made at run time.
type hiddenGrant struct{}

// recordHiddenGrants records for the check of the release that dynamic SQL of the migration contains a verb, GRANT or REVOKE.
func recordHiddenGrants(p *rule.Pass, m *rule.Migration, verb string) {
	for _, s := range m.Statements {
		if s.Opaque != "" && strings.Contains(strings.ToUpper(s.SQL), verb) {
			p.KeepValue(hiddenGrant{})
		}
	}
}

func gatherRecreated(p *rule.Pass, m *rule.Migration) {
	recordHiddenGrants(p, m, "GRANT")
	for t, d := range m.EachChange() {
		if old := p.ReplacedRelation(d); old != nil && len(old.Grants) > 0 && old.OID != d.OID {
			p.KeepValue(successor{t.FindNamer(d), d.OID})
		}
		rememberReplacement(p, d)
	}
}

func checkRecreated(p *rule.Pass, r *rule.Release) {
	if len(rule.KeptValues[hiddenGrant](p)) > 0 {
		return
	}
	reportedTables := map[catalog.OID]bool{}
	for _, x := range rule.KeptValues[successor](p) {
		now := r.Head.Relation(x.oid)
		if now == nil || reportedTables[x.oid] || now.Persistence == catalog.Temporary {
			continue
		}
		old := r.Deployed.Lookup(now.Name.Schema, now.Name.Name)
		if old == nil || old.OID == now.OID {
			continue
		}
		lost := listLostGrants(r.Head, old, now)
		if len(lost) == 0 {
			continue
		}
		reportedTables[x.oid] = true
		var roles, back []string
		for _, g := range lost {
			if name := formatGrantee(g.Role); !slices.Contains(roles, name) {
				roles = append(roles, name)
			}
		}
		for _, role := range roles {
			var list []string
			for _, g := range lost {
				if formatGrantee(g.Role) == role {
					list = append(list, strings.ToUpper(g.Privilege))
				}
			}
			back = append(back, recipe.Grant(strings.Join(list, ", "), now, role)+";")
		}
		object := now.Kind.String() + " " + now.Name.String()
		p.Report(x.by, rule.Report{
			Fact:    object + " takes the place of the deployed one without its privileges for " + prose.EnumerateNames(roles),
			Harm:    "deployed code that connects as " + prose.EnumerateNames(roles) + " fails on it: permission denied for " + now.Kind.String() + " " + now.Name.Name,
			Instead: "grant them again in the same transaction:\n" + strings.Join(back, "\n"),
			Cause:   "and %d others do so",
		})
	}
	for _, x := range listReplacedFunctions(p, r) {
		var roles []string
		for _, g := range x.old.Grants {
			if x.now.Closed && g.Role != "postgres" && !slices.Contains(x.now.Grants, g) && !hasDefaultPrivileges(r.Head, g.Role) {
				roles = append(roles, formatGrantee(g.Role))
			}
		}
		if len(roles) == 0 {
			continue
		}
		p.Report(x.by, rule.Report{
			Fact:    x.now.Kind + " " + x.now.Signature() + " takes the place of the deployed one without EXECUTE for " + prose.EnumerateNames(roles),
			Harm:    "deployed code that connects as " + prose.EnumerateNames(roles) + " cannot call it: permission denied for " + x.now.Kind + " " + x.now.Name.Name,
			Instead: "grant it again in the same transaction:\n" + x.formatExecute("GRANT", "TO", roles),
			Cause:   "and %d others do so",
		})
	}
}
