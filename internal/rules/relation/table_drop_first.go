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
	Statement: checkDropFirst,
}

func checkDropFirst(p *rule.Pass, s *rule.Stmt) {
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
	for _, priorStmt := range rule.StatementsBefore(s.Migration.StatementsOn(created.Name), s) {
		drop := priorStmt.Node.GetDropStmt()
		if drop.GetRemoveType() != pgparse.ObjectType_OBJECT_TABLE || priorStmt.Tx.RolledBack {
			continue
		}
		for i := range priorStmt.Result.Effects {
			e := &priorStmt.Result.Effects[i]
			if old := priorStmt.Before.Relation(e.OID); old != nil && old.Kind == catalog.PartitionedTable && len(old.Partitions) == 0 {
				continue // no row goes with it
			}
			if !e.Dropped || e.Name != created.Name || !e.Kind.IsTable() || !p.IsExisting(e) {
				continue
			}
			if wasAbsent(p, priorStmt, e.Name) {
				return
			}
			fact := "creating " + e.Name.String() + " anew: " + priorStmt.FormatPlace() + " dropped it with all its rows"
			severity := onward.Off
			if e.OID == 0 {
				if u := p.Code.UsesName(e.Name); u.IsIdle() {
					return // the DROP is there to begin clean
				}
				fact = "creating " + e.Name.String() + " anew: " + priorStmt.FormatPlace() + " dropped it with all its rows, if it was there"
				severity = onward.Warning
			}
			harm := "the rows are lost, with the foreign keys, grants, triggers and views that hang on the table"
			if areRowsCopiedOut(priorStmt, e.OID) && areRowsCopiedBack(s, created) {
				severity, fact = onward.Warning, "creating "+e.Name.String()+" anew: "+priorStmt.FormatPlace()+" dropped it, and its rows are copied out and back"
				harm = "foreign keys, grants, triggers and views that hang on the table are lost, and every query on it waits until both copies are made"
			}
			p.Report(s, rule.Report{
				Fact:     fact,
				Harm:     harm,
				Severity: severity,
				Instead:  "change it with ALTER TABLE; or leave the DROP out:\nCREATE TABLE IF NOT EXISTS " + analysis.QuoteTable(e.Name) + " …;",
				Evidence: []onward.Evidence{priorStmt.NewEvidence("drops " + e.Name.String())},
			})
			return
		}
	}
}

// outgoingCopies are the first statements of a migration that write the rows of a table to
// another one.
type outgoingCopies map[catalog.OID]*rule.Stmt

// areRowsCopiedOut reports whether a statement before a drop writes the rows of the table to
// another one.
func areRowsCopiedOut(drop *rule.Stmt, table catalog.OID) bool {
	m := drop.Migration
	first := rule.BuildOnce(&m.Notes, func() outgoingCopies {
		out := outgoingCopies{}
		for _, x := range m.Statements {
			insert := x.Node.GetInsertStmt()
			if x.Tx.RolledBack || insert.GetSelectStmt() == nil && x.Node.GetCreateTableAsStmt() == nil {
				continue
			}
			var to *catalog.Relation
			if insert != nil {
				to, _ = x.Before.Resolve(insert.GetRelation())
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

// areRowsCopiedBack reports whether a statement after the creation of a table fills it from
// others.
func areRowsCopiedBack(create *rule.Stmt, table *catalog.Relation) bool {
	return slices.ContainsFunc(rule.StatementsAfter(create.Migration.StatementsOn(table.Name), create), func(x *rule.Stmt) bool {
		insert := x.Node.GetInsertStmt()
		if x.Tx.RolledBack || len(insert.GetSelectStmt().GetSelectStmt().GetFromClause()) == 0 {
			return false
		}
		to, _ := x.Before.Resolve(insert.GetRelation())
		return to.Name == table.Name
	})
}

// wasAbsent reports whether the dropped table was certainly not there: the whole
// history is known, and nothing created it.
func wasAbsent(p *rule.Pass, s *rule.Stmt, name catalog.Name) bool {
	return p.Release.Known && s.Before.Lookup(name.Schema, name.Name) == nil
}
