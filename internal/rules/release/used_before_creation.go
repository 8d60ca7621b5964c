package release

import (
	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/pgerror"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/rule"
)

// firstUses are the first statements of a release that need tables which nothing has created, by their full names.
type firstUses map[catalog.Name]*rule.Stmt

// reportUseBeforeCreation reports a statement that needs a table which a later statement of the release creates: one of the two fails,
// whether the table is there or not.
func reportUseBeforeCreation(p *rule.Pass, s *rule.Stmt) {
	uses := rule.BuildOnce(&p.Release.Notes, func() firstUses { return firstUses{} })
	if s.IsOptional() || s.AfterUnread || s.Before.Unmodelled != nil {
		return
	}
	create, worked := s.Node.GetCreateStmt(), findWorkedOn(s.Node)
	rv := worked
	if create != nil && !create.GetIfNotExists() {
		rv = create.GetRelation()
	}
	if rv == nil || rv.GetRelpersistence() == "t" {
		return
	}
	found := s.Before.ResolveName(pgparse.RangeName(rv))
	name := found.Full
	if found.System || found.Relation != nil && !found.Relation.Inferred {
		return
	}
	if worked != nil {
		if p.Release.Deployed.Lookup(name.Schema, name.Name) == nil && uses[name] == nil {
			uses[name] = s
		}
		return
	}
	early := uses[name]
	delete(uses, name)
	if early == nil || migrationDir(early.Migration.Path) != migrationDir(s.Migration.Path) {
		return // the order of two directories is not known
	}
	place := s.FormatPlace()
	if s.Migration != early.Migration {
		place = s.Migration.Path + place
	}
	p.Report(early, rule.Report{
		Fact:    "the statement fails: " + pgerror.RelationMissing.NewRefusal(name.Name).Message() + ": " + place + " creates it later",
		Harm:    "the migration stops here, and with it the deploy; if the table is there, it stops at " + place,
		Instead: "create the table before it",
		Stops:   true,
	})
}

// findWorkedOn returns the table that a statement changes and so must find.
func findWorkedOn(n *pgparse.Node) *pgparse.RangeVar {
	switch {
	case n.GetAlterTableStmt() != nil && !n.GetAlterTableStmt().GetMissingOk():
		return n.GetAlterTableStmt().GetRelation()
	case n.GetIndexStmt() != nil:
		return n.GetIndexStmt().GetRelation()
	case n.GetInsertStmt() != nil:
		return n.GetInsertStmt().GetRelation()
	case n.GetUpdateStmt() != nil:
		return n.GetUpdateStmt().GetRelation()
	case n.GetDeleteStmt() != nil:
		return n.GetDeleteStmt().GetRelation()
	}
	return nil
}
