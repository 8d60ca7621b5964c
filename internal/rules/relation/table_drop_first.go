package relation

import (
	"slices"

	"github.com/onward-sql/onward/internal/analysis"
	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/rule"
	"github.com/onward-sql/onward/onward"
)

// TableDropFirst flags CREATE TABLE of a name that an earlier statement of the same
// migration dropped: all rows of the deployed table are lost.
// https://www.postgresql.org/docs/current/sql-droptable.html
var TableDropFirst = &rule.Rule{
	ID:       "table-drop-first",
	Category: onward.DataLoss,
	Severity: onward.Error,
	Summary:  "a migration drops a table and creates it again: its rows are lost",
	Harm: "DROP TABLE IF EXISTS before CREATE TABLE makes a migration run twice without an error, and empties the table when it does. " +
		"Foreign keys, grants, triggers and views of the old table go with it.",
	Instead:   "Change the table with ALTER TABLE. To make the migration repeatable use CREATE TABLE IF NOT EXISTS without the DROP.",
	Manual:    []string{"https://www.postgresql.org/docs/current/sql-droptable.html"},
	Kinds:     rule.CreateTable,
	Statement: dropFirst,
}

func dropFirst(p *rule.Pass, s *rule.Stmt) {
	stmt := s.Node.GetCreateStmt()
	if stmt == nil {
		return
	}
	if len(rule.StatementsBefore(rule.StatementsOf[*pgparse.Node_DropStmt](s.Migration), s)) == 0 {
		return
	}
	created, _ := s.Before.Resolve(stmt.GetRelation())
	if created.Name.Schema == "pg_temp" {
		return
	}
	for _, earlier := range rule.StatementsBefore(s.Migration.StatementsOn(created.Name), s) {
		drop := earlier.Node.GetDropStmt()
		if drop.GetRemoveType() != pgparse.ObjectType_OBJECT_TABLE || earlier.Tx.RolledBack {
			continue
		}
		for i := range earlier.Result.Effects {
			e := &earlier.Result.Effects[i]
			if old := earlier.Before.Relation(e.OID); old != nil && old.Kind == catalog.PartitionedTable && len(old.Partitions) == 0 {
				continue // no row goes with it
			}
			if !e.Dropped || e.Name != created.Name || !e.Kind.IsTable() || !p.IsExisting(e) {
				continue
			}
			if wasAbsent(p, earlier, e.Name) {
				return
			}
			fact := "creating " + e.Name.String() + " anew: " + earlier.FormatPlace() + " dropped it with all its rows"
			severity := onward.Off
			if e.OID == 0 {
				if u := p.Code.UsesName(e.Name); u.IsIdle() {
					return // the DROP is there to begin clean
				}
				fact = "creating " + e.Name.String() + " anew: " + earlier.FormatPlace() + " dropped it with all its rows, if it was there"
				severity = onward.Warning
			}
			harm := "the rows are lost, with the foreign keys, grants, triggers and views that hang on the table"
			if copiedOut(earlier, e.OID) && copiedBack(s, created) {
				severity, fact = onward.Warning, "creating "+e.Name.String()+" anew: "+earlier.FormatPlace()+" dropped it, and its rows are copied out and back"
				harm = "foreign keys, grants, triggers and views that hang on the table are lost, and every query on it waits until both copies are made"
			}
			p.Report(s, rule.Report{
				Fact:     fact,
				Harm:     harm,
				Severity: severity,
				Instead:  "change it with ALTER TABLE; or leave the DROP out:\nCREATE TABLE IF NOT EXISTS " + analysis.QuoteTable(e.Name) + " …;",
				Evidence: []onward.Evidence{earlier.NewEvidence("drops " + e.Name.String())},
			})
			return
		}
	}
}

// outgoingCopies are the first statements of a migration that write the rows of a table to
// another one.
type outgoingCopies map[catalog.OID]*rule.Stmt

// copiedOut reports whether a statement before a drop writes the rows of the table to
// another one.
func copiedOut(drop *rule.Stmt, table catalog.OID) bool {
	m := drop.Migration
	first := rule.BuildOnce(&m.Notes, func() outgoingCopies {
		out := outgoingCopies{}
		for _, x := range m.Statements {
			into := x.Node.GetInsertStmt()
			if x.Tx.RolledBack || into.GetSelectStmt() == nil && x.Node.GetCreateTableAsStmt() == nil {
				continue
			}
			var to *catalog.Relation
			if into != nil {
				to, _ = x.Before.Resolve(into.GetRelation())
			}
			for i := range x.Result.Effects {
				oid := x.Result.Effects[i].OID
				if out[oid] == nil && (to == nil || to.OID != oid) {
					out[oid] = x
				}
			}
		}
		return out
	})[table]
	return first != nil && first.Index < drop.Index
}

// copiedBack reports whether a statement after the creation of a table fills it from
// others.
func copiedBack(create *rule.Stmt, table *catalog.Relation) bool {
	return slices.ContainsFunc(rule.StatementsAfter(create.Migration.StatementsOn(table.Name), create), func(x *rule.Stmt) bool {
		into := x.Node.GetInsertStmt()
		if x.Tx.RolledBack || len(into.GetSelectStmt().GetSelectStmt().GetFromClause()) == 0 {
			return false
		}
		to, _ := x.Before.Resolve(into.GetRelation())
		return to.Name == table.Name
	})
}

// wasAbsent reports whether the dropped table was certainly not there: the whole
// history is known, and nothing created it.
func wasAbsent(p *rule.Pass, s *rule.Stmt, name catalog.Name) bool {
	return p.Release.Known && s.Before.Lookup(name.Schema, name.Name) == nil
}
