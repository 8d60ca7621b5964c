// Package data holds the rules about changes of rows.
package data

import (
	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/rule"
	"github.com/onward-sql/onward/onward"
)

// batches is how a table is written to without holding it up: by its key, where
// it is known.
func batches(verb, set string, t *catalog.Relation) string {
	table := rule.Table(t.Name)
	statement, lead := "UPDATE "+table+" SET "+set, "write"
	if verb == "DELETE" {
		statement, lead = "DELETE FROM "+table, "delete"
	}
	lead += " in batches that commit, outside of the migration:\n"
	k := key(t)
	if len(k) == 0 {
		return lead + rule.InBatches(statement, table, "…")
	}
	list := rule.Idents(k)
	in := list
	if len(k) > 1 {
		in = "(" + list + ")"
	}
	return lead + statement + " WHERE " + in + " IN (SELECT " + list + " FROM " + table + " WHERE … ORDER BY " + list + " LIMIT 1000);"
}

// key lists the columns of a table's primary key; nil when none is known.
func key(t *catalog.Relation) []string {
	if t == nil {
		return nil
	}
	for _, c := range t.Constraints {
		if c.Kind != catalog.PrimaryKey {
			continue
		}
		var out []string
		for _, n := range c.Columns {
			if col := t.Attr(n); col != nil {
				out = append(out, col.Name)
			}
		}
		return out
	}
	return nil
}

// unbatched lists the writes of a statement that a busy table would feel:
// without a bound, or in a loop that never commits. What goes on under an
// earlier statement's lock is transaction-long-work-under-lock's.
func unbatched(p *rule.Pass, s *rule.Stmt, verb string) []rule.Write {
	var out []rule.Write
	for _, w := range p.Writes(s) {
		if w.Verb != verb && !(verb == "UPDATE" && w.Verb == "MERGE") {
			continue
		}
		if w.Extent == rule.Few && !(w.Batch && s.Loop && !commits(s)) {
			continue
		}
		if !p.InUse(w.Table) || p.Small(w.Table.Name) || w.Table.Kind == catalog.View && w.Table.Persistence == catalog.Temporary {
			continue
		}
		if _, _, ok := p.LongUnderLock(s); ok {
			return nil
		}
		if !repeats(p, s, &w) {
			out = append(out, w)
		}
	}
	return out
}

// repeats reports whether an earlier statement of the migration was flagged
// for as much on the same table.
func repeats(p *rule.Pass, s *rule.Stmt, w *rule.Write) bool {
	for _, x := range s.Migration.Statements[:s.Index] {
		for _, other := range p.Writes(x) {
			if other.Verb == w.Verb && other.Table.Name == w.Table.Name && other.Extent >= w.Extent && other.Extent > rule.Few {
				return true
			}
		}
	}
	return false
}

// commits reports whether the block around a statement commits in its loop.
func commits(s *rule.Stmt) bool {
	for _, x := range s.Migration.Statements {
		if x.Parent == s.Parent && x.Loop && x.Node.GetTransactionStmt().GetKind() == pgparse.TransactionStmtKind_TRANS_STMT_COMMIT {
			return true
		}
	}
	return false
}

// severity of an unbounded write: every row is certain to be long, a
// condition depends on the data.
func severity(e rule.Extent) onward.Severity {
	if e == rule.Whole {
		return onward.Off
	}
	return onward.Warning
}

// assignment is the SET list of an UPDATE as it is written, "…" when it cannot
// be told.
func assignment(s *rule.Stmt, u *pgparse.UpdateStmt) string {
	if u == nil || len(u.TargetList) == 0 {
		return "…"
	}
	from := int(u.TargetList[0].GetResTarget().GetLocation())
	to := len(s.SQL)
	for _, end := range []string{" WHERE ", " FROM ", " RETURNING "} {
		if at := rule.IndexWord(s.SQL[from:to], end); at >= 0 {
			to = from + at
		}
	}
	if from <= 0 || to <= from {
		return "…"
	}
	return rule.OneLine(s.SQL[from:to])
}
