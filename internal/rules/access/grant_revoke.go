package access

import (
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

// hasGrantAfterTx reports whether a role has a granted privilege on a relation after the transaction. Its author then
// has thought of the old owner.
func hasGrantAfterTx(s *rule.Stmt, oid catalog.OID, role string) bool {
	r := s.Tx.After.Relation(oid)
	return r != nil && slices.ContainsFunc(r.Grants, func(g catalog.Grant) bool { return g.Role == role })
}

func checkRevoke(p *rule.Pass, s *rule.Stmt) {
	if s.Tx.RolledBack {
		return
	}
	for i := range s.Deltas {
		if d := (&rule.Delta{Delta: &s.Deltas[i], By: s}); d.Kind == catalog.RelationChanged && d.What == "owner" && d.Before.Owner != "" && p.IsDeployed(d) &&
			d.Before.Index == nil && !hasGrantAfterTx(s, d.OID, d.Before.Owner) {
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
	if stmt := s.Node.GetReassignOwnedStmt(); stmt != nil {
		reportReassigned(p, s, stmt)
	}
	g := s.Node.GetGrantStmt()
	if g == nil || g.GetIsGrant() || g.GetTargtype() == pgparse.GrantTargetType_ACL_TARGET_DEFAULTS || g.GetGrantOption() {
		return
	}
	for _, loss := range listLosses(p, s, g) {
		verb := " is"
		if loss.count > 1 {
			verb = " are"
		}
		r := rule.Report{
			Fact:    loss.what + " on " + loss.formatObjects() + verb + " revoked from " + strings.Join(loss.roles, ", "),
			Harm:    "deployed code that connects as the role, or as a member of it, and needs the privilege fails from now on: permission denied",
			Instead: "see that no running code needs it first, or revoke it a release later",
			Cause:   "and %d other REVOKE take from " + strings.Join(loss.roles, ", "),
		}
		if loss.isSetAnew {
			r.Fact += ", and not granted again"
			r.Instead, r.Cause = "grant it again in the same transaction, or revoke it a release later", ""
		}
		p.Report(s, r)
	}
}

// reportReassigned reports roles that lose what they own, if nothing that they own was seen: what was seen has a finding for each relation. DROP ROLE
// has a finding of its own.
func reportReassigned(p *rule.Pass, s *rule.Stmt, stmt *pgparse.ReassignOwnedStmt) {
	to := catalog.RoleName(stmt.GetNewrole())
	for _, n := range stmt.GetRoles() {
		name := catalog.RoleName(n.GetRoleSpec())
		role := catalog.Name{Name: name}
		old := s.Before.Object("role", role)
		isMember := old != nil && slices.Contains(old.Grants, catalog.Grant{Role: name, Privilege: "role " + to})
		if name == to || isMember || !isDeployedRole(p, s, name) || s.Migration.After().IsObjectDropped("role", role) {
			continue
		}
		isSeen := false
		s.Before.EachRelation(func(r *catalog.Relation) bool {
			isSeen = r.Owner == name && r.Index == nil
			return !isSeen
		})
		if isSeen {
			continue
		}
		p.Report(s, rule.Report{
			Fact:    "everything that " + labelRole(name) + " owns in this database becomes " + displayRole(to) + "'s",
			Harm:    "deployed code that connects as " + displayRole(name) + " loses every privilege that nobody granted: permission denied",
			Instead: "grant the old owner what its code needs, in the same transaction",
		})
	}
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
