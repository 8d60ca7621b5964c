package index

import (
	"github.com/onward-sql/onward/internal/advice"
	"github.com/onward-sql/onward/internal/analysis"
	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/effect"
	"github.com/onward-sql/onward/internal/pgparse"
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
	Preset:    onward.Recommended,
	Summary:   "DROP INDEX without CONCURRENTLY needs the table for itself",
	Harm:      "DROP INDEX takes ACCESS EXCLUSIVE on the table. It is quick once it has it, but while it waits for a running query, later queries queue behind it.",
	Instead:   "Drop it with DROP INDEX CONCURRENTLY, outside a transaction: it lets the running queries finish and blocks nobody.",
	Manual:    []string{"https://www.postgresql.org/docs/current/sql-dropindex.html"},
	Kinds:     rule.Drop,
	Statement: dropBlocking,
}

func dropBlocking(p *rule.Pass, s *rule.Stmt) {
	stmt := s.Node.GetDropStmt()
	if stmt.GetRemoveType() != pgparse.ObjectType_OBJECT_INDEX || stmt.GetConcurrent() || s.Result.Refused != nil || partitionedIndex(s, stmt) {
		return
	}
	for i := range s.Result.Effects {
		e := &s.Result.Effects[i]
		if e.Kind != catalog.Index || !e.Dropped || !p.Existing(e) {
			continue
		}
		table := ""
		if index := s.Before.Relation(e.OID); index != nil && index.Index != nil {
			if t := s.Before.Relation(index.Index.Table); t != nil {
				if !p.InUse(t) || t.Kind == catalog.PartitionedTable || closed(s, t.OID) {
					return
				}
				table = t.Name.String()
			}
		} else if s.Operation.Class != "" {
			return // made up by the framework, for an index that it may have made once
		} else if t := madeAgain(s, e.Name.Name); t != nil {
			if !p.InUse(t) {
				return
			}
			table = t.Name.String()
		}
		fact, behind := "dropping index "+e.Name.String()+" blocks reads and writes of "+table, "every query on "+table
		if table == "" {
			fact, behind = "dropping index "+e.Name.String()+" blocks reads and writes of its table", "every query on its table"
		}
		drop := "DROP INDEX CONCURRENTLY " + ifExists(stmt) + analysis.Table(e.Name)
		report := rule.Report{
			Fact:    fact,
			Harm:    "it waits for running queries to finish, and " + behind + " that comes later queues behind it",
			Instead: "drop it concurrently, outside a transaction:\n" + drop + ";",
			Cause:   "and dropping %d others does so too",
			Way:     advice.DropIndex{SQL: drop},
		}
		if s.Settings.Bounded() {
			timeout := "lock_timeout"
			if s.Settings.LockTimeout == 0 {
				timeout = "statement_timeout"
			}
			report.Severity = onward.Info
			report.Harm = "it waits for running queries to finish, and " + behind + " that comes later queues behind it, for as long as " + timeout + " lets it"
		}
		if len(stmt.GetObjects()) == 1 && stmt.GetBehavior() != pgparse.DropBehavior_DROP_CASCADE {
			report.Fix = concurrently(s, "INDEX")
		}
		p.Report(s, report)
		return
	}
}

// madeAgain is the table on which the migration goes on to create an index of the
// name of the one that it drops: it was there, if at all.
func madeAgain(s *rule.Stmt, name string) *catalog.Relation {
	all := rule.Once(&s.Migration.Notes, func() makers {
		out := makers{}
		for _, x := range rule.Of[*pgparse.Node_IndexStmt](s.Migration) {
			name := x.Node.GetIndexStmt().GetIdxname()
			out[name] = append(out[name], x)
		}
		return out
	})
	for _, x := range rule.Behind(all[name], s) {
		t, _ := x.Before.Resolve(x.Node.GetIndexStmt().GetRelation())
		return t
	}
	return nil
}

// makers are the statements of a migration that create indexes, by name.
type makers map[string][]*rule.Stmt

// closed reports whether the transaction has the table for itself all the same:
// it has altered it already, or goes on to drop, rewrite or alter it, which is told there.
func closed(s *rule.Stmt, table catalog.OID) bool {
	if s.Locked(&effect.Effect{OID: table}, func(h *rule.Held) bool { return h.OID == table && h.Lock == onward.AccessExclusiveLock }) != nil {
		return true
	}
	return rule.Once(&s.Tx.Notes, func() goes {
		out := goes{}
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

// goes are the relations that a transaction drops, rewrites or alters.
type goes map[catalog.OID]bool

func ifExists(stmt *pgparse.DropStmt) string {
	if stmt.GetMissingOk() {
		return "IF EXISTS "
	}
	return ""
}

// partitionedIndex reports whether one of the dropped indexes is that of a
// partitioned table.
func partitionedIndex(s *rule.Stmt, stmt *pgparse.DropStmt) bool {
	for _, n := range names(stmt) {
		if r := s.Before.Lookup(n.Schema, n.Name); r != nil && r.Kind == catalog.PartitionedIndex {
			return true
		}
	}
	return false
}
