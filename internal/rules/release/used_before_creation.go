package release

import (
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/pgerror"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/query"
	"github.com/onward-sql/onward/internal/rule"
	"github.com/onward-sql/onward/onward"
)

// firstUse is the first statement of a release that needs a relation which nothing has created.
type firstUse struct {
	name    catalog.Name
	use     *rule.Stmt
	created *rule.Stmt // the later statement of the release that creates it
}

// firstUses are those of a release, in its order, and by the full names of the relations.
type firstUses struct {
	list   []*firstUse
	byName map[catalog.Name]*firstUse
}

func loadFirstUses(p *rule.Pass) *firstUses {
	return rule.BuildOnce(&p.Release.Notes, func() *firstUses { return &firstUses{byName: map[catalog.Name]*firstUse{}} })
}

// recordMissingRelations records the relations that a statement needs and that no statement before it has created, and whether it
// creates one that was needed before.
func recordMissingRelations(p *rule.Pass, s *rule.Stmt) {
	uses := loadFirstUses(p)
	if s.Node == nil || s.Before.Complete {
		return
	}
	newRelation, optional := findCreatedRelation(s.Node)
	sure := !s.IsOptional() && !s.AfterUnread && s.Before.Unmodelled == nil
	if newRelation != nil && newRelation.GetRelpersistence() != "t" {
		name := s.Before.ResolveName(pgparse.RangeName(newRelation)).Full
		switch u := uses.byName[name]; {
		case u == nil && (!sure || len(s.Problems) > 0 || s.Result.Refused != nil):
			uses.byName[name] = &firstUse{name: name, use: s, created: s} // it may be there, or is after the statement is corrected
		case u != nil && u.created == nil && u.use.Statement != s.Statement && sure && !optional:
			u.created = s
		}
	}
	if !sure {
		return
	}
	if len(s.Problems) > 0 || s.Node.GetAlterTableStmt().GetMissingOk() || s.Node.GetRenameStmt().GetMissingOk() {
		return
	}
	for _, rv := range query.ListRelations(s.Node) {
		if rv == newRelation || rv.GetRelpersistence() == "t" || newRelation != nil && rv.GetRelname() == newRelation.GetRelname() {
			continue
		}
		found := s.Before.ResolveName(pgparse.RangeName(rv))
		name := found.Full
		if found.System || found.Dropped || name.Schema == "pg_temp" || found.Relation != nil && !found.Relation.Inferred ||
			p.Release.Deployed.Lookup(name.Schema, name.Name) != nil || uses.byName[name] != nil {
			continue
		}
		u := &firstUse{name: name, use: s}
		uses.byName[name] = u
		uses.list = append(uses.list, u)
	}
}

// findCreatedRelation returns the relation that a statement creates, and whether it creates it only if there is none.
func findCreatedRelation(n *pgparse.Node) (rv *pgparse.RangeVar, optional bool) {
	switch m := pgparse.Unwrap(n).(type) {
	case *pgparse.CreateStmt:
		return m.GetRelation(), m.GetIfNotExists()
	case *pgparse.CreateForeignTableStmt:
		return m.GetBaseStmt().GetRelation(), m.GetBaseStmt().GetIfNotExists()
	case *pgparse.CreateTableAsStmt:
		return m.GetInto().GetRel(), m.GetIfNotExists()
	case *pgparse.SelectStmt:
		return m.GetIntoClause().GetRel(), false
	case *pgparse.ViewStmt:
		return m.GetView(), m.GetReplace()
	case *pgparse.CreateSeqStmt:
		return m.GetSequence(), m.GetIfNotExists()
	case *pgparse.CompositeTypeStmt:
		return m.GetTypevar(), false
	}
	return nil, false
}

// reportMissingRelations reports a statement that needs a relation which a later statement of the release creates: one of the two fails,
// whether it is there or not. It also reports one that nothing creates, if the history creates all that it names.
func reportMissingRelations(p *rule.Pass, _ *rule.Release) {
	for _, u := range loadFirstUses(p).list {
		if u.created == nil {
			reportNeverCreated(p, u)
			continue
		}
		if migrationDir(u.use.Migration.Path) != migrationDir(u.created.Migration.Path) {
			continue // the order of two directories is not known
		}
		place := u.created.FormatPlace()
		if u.created.Migration != u.use.Migration {
			place = u.created.Migration.Path + place
		}
		p.Report(u.use, rule.Report{
			Fact:    "the statement fails: " + pgerror.RelationMissing.NewRefusal(u.name.String()).Message() + ": " + place + " creates it later",
			Harm:    "the migration stops here, and with it the deploy; if the relation is there, it stops at " + place,
			Instead: "create the relation before it",
			Stops:   true,
		})
	}
}

// reportNeverCreated reports a relation that nothing creates. What a framework writes from its models, it has checked itself, and its own
// migrations are in no repository; what deployed code uses is there.
func reportNeverCreated(p *rule.Pass, u *firstUse) {
	if u.use.Operation.Class != "" || !isHistorySeen(p.Release.Deployed) || p.IsTiny(u.name) {
		return
	}
	// A class whose table would have that name does not show that the table is there. Code that writes the name does.
	if uses := p.Code.FindUses(u.name, ""); uses.Used &&
		slices.ContainsFunc(uses.Evidence, func(e onward.Evidence) bool { return strings.Contains(e.Text, u.name.Name) }) {
		return
	}
	if p.Release.Deployed.CreatesAllItNames(u.name.Schema, p.IsTiny) {
		p.Report(u.use, rule.Report{
			Fact:     "no migration creates " + u.name.String() + ", which the statement needs",
			Harm:     "the migration stops here, unless something beside the migrations creates it",
			Instead:  "create it before this statement, or correct its name",
			Severity: onward.Info,
			SafeIf:   u.name.String() + ", which no migration creates, exists",
		})
	}
}
