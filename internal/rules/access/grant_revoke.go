package access

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/recipe"
	"github.com/onward-sql/onward/internal/rule"
	"github.com/onward-sql/onward/onward"
)

// GrantRevoke flags privileges that the deployed code may live on.
// https://www.postgresql.org/docs/current/sql-revoke.html
var GrantRevoke = &rule.Rule{
	ID:       "grant-revoke",
	Category: onward.Compatibility,
	Severity: onward.Warning,
	Summary:  "REVOKE and OWNER TO take privileges away that the deployed code may live on",
	Harm: "A privilege is checked whenever a statement is planned: from the commit on, running code that needs it gets \"permission denied\", " +
		"on connections that are open already, too. An owner has all privileges without any GRANT: OWNER TO takes them from the old one.",
	Instead:   "See that no running code connects as the role any more, or grant what it still needs in the same transaction.",
	Manual:    []string{"https://www.postgresql.org/docs/current/sql-revoke.html", "https://www.postgresql.org/docs/current/ddl-priv.html"},
	Statement: checkRevoke,
}

// keepsPrivileges reports whether the transaction leaves a role privileges on a relation that
// it owned: somebody has thought of them.
func keepsPrivileges(s *rule.Stmt, oid catalog.OID, role string) bool {
	r := s.Tx.After.Relation(oid)
	return r != nil && slices.ContainsFunc(r.Grants, func(g catalog.Grant) bool { return g.Role == role })
}

func checkRevoke(p *rule.Pass, s *rule.Stmt) {
	if s.Tx.RolledBack {
		return
	}
	for i := range s.Deltas {
		if d := (&rule.Delta{Delta: &s.Deltas[i], By: s}); d.Kind == catalog.RelationChanged && d.What == "owner" && d.Before.Owner != "" && p.IsDeployed(d) &&
			d.Before.Index == nil && !keepsPrivileges(s, d.OID, d.Before.Owner) {
			p.Report(s, rule.Report{
				Fact: "the owner of " + d.Before.Name.String() + " becomes " + d.After.Owner + " (was " + d.Before.Owner + ")",
				Harm: "deployed code that connects as " + d.Before.Owner + " loses every privilege that nobody granted: permission denied",
				Instead: "grant the old owner what its code needs, in the same transaction:\n" +
					recipe.Grant("SELECT, INSERT, UPDATE, DELETE", d.Before, pgparse.QuoteIdent(d.Before.Owner)) + ";",
			})
		}
	}
	if stmt := s.Node.GetAlterOwnerStmt(); stmt.GetObjectType() == pgparse.ObjectType_OBJECT_SCHEMA {
		reportSchemaOwner(p, s, catalog.Name{Name: pgparse.StringText(stmt.GetObject())})
	}
	g := s.Node.GetGrantStmt()
	if g == nil || g.GetIsGrant() || g.GetTargtype() == pgparse.GrantTargetType_ACL_TARGET_DEFAULTS || g.GetGrantOption() {
		return
	}
	from := listRoles(g)
	if isHarmless(s, g, from) {
		return
	}
	if isRegranted(s, g, from) {
		reportLost(p, s, from)
		return
	}
	on := listTargets(p, s, g)
	if len(on) == 0 || isNoopRevoke(p, s, g) {
		return
	}
	list := strings.Join(on, ", ")
	what, verb := formatPrivileges(g), " is"
	if what == "all privileges" || strings.Contains(what, ",") {
		verb = " are"
	}
	p.Report(s, rule.Report{
		Fact:    what + " on " + list + verb + " revoked from " + strings.Join(from, ", "),
		Harm:    "deployed code that connects as the role, or as a member of it, and needs the privilege fails from now on: permission denied",
		Instead: "see that no running code needs it first, or revoke it a release later",
		Cause:   "and %d other REVOKE take from " + strings.Join(from, ", "),
	})
}

// reportSchemaOwner reports a schema whose old owner has no privilege on it any more.
func reportSchemaOwner(p *rule.Pass, s *rule.Stmt, name catalog.Name) {
	old, now := p.Release.Deployed.Object("schema", name), s.Tx.After.Object("schema", name)
	if old == nil || now == nil || old.Owner == "" || old.Owner == now.Owner ||
		slices.ContainsFunc(now.Grants, func(g catalog.Grant) bool { return g.Role == old.Owner }) {
		return
	}
	p.Report(s, rule.Report{
		Fact: "the owner of schema " + name.Name + " becomes " + now.Owner + " (was " + old.Owner + ")",
		Harm: "deployed code that connects as " + old.Owner + " no longer finds anything in it: permission denied for schema",
		Instead: "grant the old owner what its code needs, in the same transaction:\nGRANT USAGE ON SCHEMA " + pgparse.QuoteIdent(name.Name) +
			" TO " + pgparse.QuoteIdent(old.Owner) + ";",
	})
}

// reportLost reports what the deployed grants gave to one of the roles, and what a
// transaction that sets privileges anew does not give back.
func reportLost(p *rule.Pass, s *rule.Stmt, from []string) {
	var what, on, whom []string
	note := func(list *[]string, word string) {
		if !slices.Contains(*list, word) {
			*list = append(*list, word)
		}
	}
	for i := range s.Tx.Deltas {
		d := &s.Tx.Deltas[i]
		if d.Kind != catalog.Revoked || d.By == nil || d.By.Index != s.Index || d.By.Migration != s.Migration || !p.IsDeployed(d) ||
			!slices.Contains(from, d.Grant.Role) {
			continue
		}
		note(&what, strings.ToUpper(d.Grant.Privilege))
		note(&on, d.After.Name.String())
		note(&whom, d.Grant.Role)
	}
	if len(what) == 0 {
		return
	}
	slices.Sort(what)
	verb := " is"
	if len(what) > 1 {
		verb = " are"
	}
	more := ""
	if len(on) > shown {
		on, more = on[:shown], fmt.Sprintf(" and %d more", len(on)-shown)
	}
	p.Report(s, rule.Report{
		Fact:    strings.Join(what, ", ") + " on " + strings.Join(on, ", ") + more + verb + " revoked from " + strings.Join(whom, ", ") + ", and not granted again",
		Harm:    "deployed code that connects as the role, or as a member of it, and needs the privilege fails from now on: permission denied",
		Instead: "grant it again in the same transaction, or revoke it a release later",
	})
}

// shown bounds how many relations a message names.
const shown = 3

// isHarmless reports what is commonly revoked from PUBLIC without anybody having had it: privileges on tables that nobody granted to it,
// CREATE on a schema, which running code does not need, and the privileges on a database to which some role has its own.
func isHarmless(s *rule.Stmt, g *pgparse.GrantStmt, from []string) bool {
	if !slices.Equal(from, []string{"PUBLIC"}) {
		return false
	}
	switch g.GetObjtype() {
	case pgparse.ObjectType_OBJECT_TABLE, pgparse.ObjectType_OBJECT_SEQUENCE:
		return !slices.ContainsFunc(g.GetObjects(), func(n *pgparse.Node) bool {
			r, _ := s.Before.Resolve(n.GetRangeVar())
			return r != nil && n.GetRangeVar() != nil && slices.ContainsFunc(r.Grants, func(g catalog.Grant) bool { return g.Role == "public" })
		})
	case pgparse.ObjectType_OBJECT_SCHEMA:
		return formatPrivileges(g) == "CREATE"
	case pgparse.ObjectType_OBJECT_DATABASE:
		return !slices.ContainsFunc(catalog.PrivilegesOf(g), func(n catalog.Name) bool {
			o := s.Tx.After.Object("privileges", n)
			return o == nil || !slices.ContainsFunc(o.Grants, func(g catalog.Grant) bool { return g.Privilege == "connect" || g.Privilege == "all" })
		})
	}
	return false
}

// grantsByObject are the GRANTs of a transaction, in order, by the names of the things.
type grantsByObject map[string][]*rule.Stmt

func grantsOf(t *rule.Tx) grantsByObject {
	return rule.BuildOnce(&t.Notes, func() grantsByObject {
		out := grantsByObject{}
		for _, s := range t.Statements {
			if g := s.Node.GetGrantStmt(); g.GetIsGrant() {
				for _, n := range g.GetObjects() {
					out[grantedName(n)] = append(out[grantedName(n)], s)
				}
			}
		}
		return out
	})
}

// grantedName returns the name of a thing without its schema.
func grantedName(n *pgparse.Node) string {
	return cmp.Or(n.GetRangeVar().GetRelname(), pgparse.LastText(n.GetObjectWithArgs().GetObjname()), pgparse.StringText(n))
}

// isRegranted reports whether the transaction goes on to grant something on the
// same things to the same roles: it sets privileges anew.
func isRegranted(s *rule.Stmt, g *pgparse.GrantStmt, from []string) bool {
	if len(g.GetObjects()) == 0 {
		return false
	}
	return slices.ContainsFunc(grantsOf(s.Tx)[grantedName(g.GetObjects()[0])], func(o *rule.Stmt) bool {
		next := o.Node.GetGrantStmt()
		return o.Index > s.Index && next.GetObjtype() == g.GetObjtype() && next.GetTargtype() == g.GetTargtype() &&
			len(next.GetObjects()) == len(g.GetObjects()) && !slices.ContainsFunc(g.GetObjects(), func(n *pgparse.Node) bool {
			return !slices.ContainsFunc(next.GetObjects(), func(m *pgparse.Node) bool { return pgparse.Equal(n, m) })
		}) && !slices.ContainsFunc(from, func(r string) bool { return !slices.Contains(listRoles(next), r) })
	})
}
