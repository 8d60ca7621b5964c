package index

import (
	"github.com/onward-sql/onward/internal/advice"
	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/effect"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/recipe"
	"github.com/onward-sql/onward/internal/rule"
	"github.com/onward-sql/onward/onward"
)

// DropBlocking flags DROP INDEX without CONCURRENTLY on a table that is in use.
// The drop itself is quick; the wait for its lock is not.
// https://www.postgresql.org/docs/current/sql-dropindex.html
var DropBlocking = &rule.Rule{
	ID:        "index-drop-blocking",
	Category:  onward.Locking,
	Severity:  onward.Warning,
	Summary:   "DROP INDEX without CONCURRENTLY needs the table for itself",
	Harm:      "DROP INDEX takes ACCESS EXCLUSIVE on the table. It is quick once it has it, but while it waits for a running query, later queries wait for it.",
	Instead:   "Drop it with DROP INDEX CONCURRENTLY, outside a transaction: it lets the running queries finish and blocks nobody.",
	Manual:    []string{"https://www.postgresql.org/docs/current/sql-dropindex.html"},
	Kinds:     rule.Drop,
	Statement: checkDropBlocking,
}

func checkDropBlocking(p *rule.Pass, s *rule.Stmt) {
	stmt := s.Node.GetDropStmt()
	if stmt.GetRemoveType() != pgparse.ObjectType_OBJECT_INDEX || stmt.GetConcurrent() || s.Result.Refused != nil || dropsPartitionedIndex(s, stmt) {
		return
	}
	for i := range s.Result.Effects {
		e := &s.Result.Effects[i]
		if e.Kind != catalog.Index || !e.Dropped || !p.IsExisting(e) {
			continue
		}
		table := ""
		if index := s.Before.Relation(e.OID); index != nil && index.Index != nil {
			if t := s.Before.Relation(index.Index.Table); t != nil {
				if !p.InUse(t) || t.Kind == catalog.PartitionedTable || isTableBlocked(s, t.OID) {
					return
				}
				table = t.Name.String()
			}
		} else if s.Operation.Class != "" {
			return // made up by the framework, for an index that it may have made once
		} else if recreation, t := findRecreation(s, e.Name.Name); t != nil {
			if !p.InUse(t) || stmt.GetMissingOk() && !recreation.Node.GetIndexStmt().GetConcurrent() && !t.Inferred {
				return // index-create-blocking has the table; the index is not known to be there
			}
			table = t.Name.String()
		}
		fact, blocked := "dropping index "+e.Name.String()+" blocks reads and writes of "+table, "every query on "+table
		if table == "" {
			fact, blocked = "dropping index "+e.Name.String()+" blocks reads and writes of its table", "every query on its table"
		}
		drop := recipe.DropIndex(e.Name, stmt.GetMissingOk())
		report := rule.Report{
			Fact:    fact,
			Harm:    "it waits for running queries to finish, and " + blocked + " that comes later waits for it",
			Instead: "drop it concurrently, outside a transaction:\n" + drop + ";",
			Cause:   "and dropping %d others does so too",
			Way:     advice.DropIndex{SQL: drop},
		}
		if s.Settings.IsBounded() {
			timeout := "lock_timeout"
			if s.Settings.LockTimeout == 0 {
				timeout = "statement_timeout"
			}
			report.Severity = onward.Info
			report.Harm = "it waits for running queries to finish, and " + blocked + " that comes later waits for it, for as long as " + timeout + " lets it"
		}
		if table == "" && stmt.GetMissingOk() && p.Release.Known {
			report.Severity = onward.Info
			report.Harm = "no migration made it, so that most likely it does not exist, and nothing is locked; if it does, " + report.Harm
		}
		if len(stmt.GetObjects()) == 1 && stmt.GetBehavior() != pgparse.DropBehavior_DROP_CASCADE {
			report.Fix = editConcurrently(s, "INDEX")
		}
		p.Report(s, report)
		return
	}
}

// findRecreation is the statement by which the migration goes on to create an index of the
// name of the one that it drops, and its table: the index was there, if at all.
func findRecreation(s *rule.Stmt, name string) (recreation *rule.Stmt, table *catalog.Relation) {
	all := rule.BuildOnce(&s.Migration.Notes, func() makers {
		out := makers{}
		for _, x := range rule.StatementsOf[*pgparse.Node_IndexStmt](s.Migration) {
			name := x.Node.GetIndexStmt().GetIdxname()
			out[name] = append(out[name], x)
		}
		return out
	})
	for _, x := range rule.StatementsAfter(all[name], s) {
		t, _ := x.Before.Resolve(x.Node.GetIndexStmt().GetRelation())
		return x, t
	}
	return nil, nil
}

// makers are the statements of a migration that create indexes, by name.
type makers map[string][]*rule.Stmt

// isTableBlocked reports whether the transaction blocks the table anyway: it has altered the table
// already, or it later drops, rewrites or alters it, which is reported there.
func isTableBlocked(s *rule.Stmt, table catalog.OID) bool {
	if s.FindHeldLock(&effect.Effect{OID: table}, func(h *rule.Held) bool { return h.OID == table && h.Lock == onward.AccessExclusiveLock }) != nil {
		return true
	}
	return rule.BuildOnce(&s.Tx.Notes, func() alteredRelations {
		out := alteredRelations{}
		for _, x := range s.Tx.Statements {
			for i := range x.Result.Effects {
				if e := &x.Result.Effects[i]; e.Dropped || e.Lock == onward.AccessExclusiveLock && (e.Rewrites || x.Node.GetAlterTableStmt() != nil) {
					out[e.OID] = true
				}
			}
		}
		return out
	})[table]
}

// alteredRelations are the relations that a transaction drops, rewrites or alters.
type alteredRelations map[catalog.OID]bool

func formatIfExists(stmt *pgparse.DropStmt) string {
	if stmt.GetMissingOk() {
		return "IF EXISTS "
	}
	return ""
}

// dropsPartitionedIndex reports whether one of the dropped indexes belongs to a partitioned
// table.
func dropsPartitionedIndex(s *rule.Stmt, stmt *pgparse.DropStmt) bool {
	for _, n := range droppedNames(stmt) {
		if r := s.Before.Lookup(n.Schema, n.Name); r != nil && r.Kind == catalog.PartitionedIndex {
			return true
		}
	}
	return false
}
