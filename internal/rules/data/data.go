// Package data holds the rules about changes of rows.
package data

import (
	"regexp"
	"strings"

	"github.com/onward-sql/onward/internal/advice"
	"github.com/onward-sql/onward/internal/analysis"
	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/rule"
	"github.com/onward-sql/onward/onward"
)

// batches is how a table is written to without holding it up: by its key, where
// it is known. A DELETE comes to an end by its own condition, an UPDATE goes on
// behind the last key of the batch before.
func batches(verb, set, where string, t *catalog.Relation) string {
	table := analysis.Table(t.Name)
	statement, lead := "UPDATE "+table+" SET "+set, "write"
	if verb == "DELETE" {
		statement, lead = "DELETE FROM "+table, "delete"
	}
	lead += " in batches that commit, outside of the migration:\n"
	k := key(t)
	if len(k) == 0 {
		if where != "" && verb == "DELETE" {
			return lead + advice.InBatches(statement, table, where)
		}
		return lead + advice.InBatches(statement, table, "…")
	}
	list := analysis.Idents(k)
	in := list
	if len(k) > 1 {
		in = "(" + list + ")"
	}
	rows, end := "…", ";"
	switch {
	case where != "" && verb == "DELETE":
		rows, end = where, "; -- until no row is left, each in a transaction of its own"
	case where != "":
		rows = where + " AND " + in + " > (…)"
	}
	return lead + statement + " WHERE " + in + " IN (SELECT " + list + " FROM " + table + " WHERE " + rows + " ORDER BY " + list + " LIMIT 1000)" + end
}

// condition is the WHERE of a write, as it is written; "" where it cannot be
// put into another query: there is none, or it names other tables or an alias.
func condition(s *rule.Stmt, node any) string {
	switch x := node.(type) {
	case *pgparse.DeleteStmt:
		if x.GetWhereClause() == nil || len(x.GetUsingClause()) > 0 || len(x.GetReturningClause().GetExprs()) > 0 || x.GetRelation().GetAlias() != nil || x.GetWithClause() != nil {
			return ""
		}
	case *pgparse.UpdateStmt:
		if x.GetWhereClause() == nil || len(x.GetFromClause()) > 0 || len(x.GetReturningClause().GetExprs()) > 0 || x.GetRelation().GetAlias() != nil || x.GetWithClause() != nil {
			return ""
		}
	default:
		return ""
	}
	if len(wheres.FindAllStringIndex(s.SQL, 2)) != 1 || strings.Contains(s.SQL, "--") || strings.Contains(s.SQL, "/*") {
		return ""
	}
	raw := strings.TrimRight(strings.TrimSpace(s.SQL[wheres.FindStringIndex(s.SQL)[1]:]), "; ")
	text := strings.Join(strings.Fields(raw), " ")
	if len(text) > 120 || text != raw && strings.ContainsAny(raw, "'\"$") {
		return "" // white space may be part of a literal
	}
	if strings.Contains(strings.ToUpper(text), " OR ") {
		text = "(" + text + ")"
	}
	return text
}

var wheres = regexp.MustCompile(`(?i)\bWHERE\b`)

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
func unbatched(p *rule.Pass, s *rule.Stmt, verb string) []analysis.Write {
	var out []analysis.Write
	for _, w := range p.Writes(s) {
		if w.Verb != verb && !(verb == "UPDATE" && w.Verb == "MERGE") {
			continue
		}
		if w.Extent == analysis.Few && !(s.Loop && (w.Batch || eachRow(p, s)) && !commits(s)) {
			continue
		}
		if !p.InUse(w.Table) || p.Tiny(w.Table.Name) || w.Table.Kind == catalog.View && w.Table.Persistence == catalog.Temporary {
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
func repeats(p *rule.Pass, s *rule.Stmt, w *analysis.Write) bool {
	m := s.Migration
	before := rule.Once(&m.Notes, func() *writers { return &writers{done: map[written]bool{}} })
	for ; before.next < s.Index; before.next++ {
		for _, other := range p.Writes(m.Statements[before.next]) {
			for e := other.Extent; e > analysis.Few; e-- {
				before.done[written{other.Verb, other.Table.Name, e}] = true
			}
		}
	}
	return before.done[written{w.Verb, w.Table.Name, max(w.Extent, analysis.Few+1)}]
}

// writers are what the statements of a migration in front of the next one to be
// looked at write.
type writers struct {
	next int
	done map[written]bool
}

// written is a write of so many rows of a table, or more.
type written struct {
	verb   string
	table  catalog.Name
	extent analysis.Extent
}

// eachRow reports whether a statement runs once for each row that the query of
// the loop around it finds in tables in use: FOR r IN SELECT … LOOP.
func eachRow(p *rule.Pass, s *rule.Stmt) bool {
	for i := s.Index - 1; i > s.Parent && i >= 0; i-- {
		x := s.Migration.Statements[i]
		q := x.Node.GetSelectStmt()
		if x.Parent != s.Parent || q == nil {
			continue
		}
		for _, n := range q.GetFromClause() {
			t, _ := x.Before.Resolve(n.GetRangeVar())
			if n.GetRangeVar() == nil || !p.InUse(t) || p.Small(t.Name) || strings.HasPrefix(t.Name.Name, "pg_") || t.Name.Schema == "information_schema" {
				return false
			}
		}
		return p.Reads(x, q) > analysis.Few && ofRecord(s.Node)
	}
	return false
}

// bits says how a loop writes.
func bits(w *analysis.Write) string {
	if w.Batch {
		return "in batches"
	}
	return "row by row"
}

// ofRecord reports whether a write looks for its rows by a field of something
// that it does not read from itself: r.id.
func ofRecord(n *pgparse.Node) bool {
	var where *pgparse.Node
	var own []*pgparse.Node
	var target *pgparse.RangeVar
	switch x := pgparse.Unwrap(n).(type) {
	case *pgparse.UpdateStmt:
		where, own, target = x.WhereClause, x.FromClause, x.Relation
	case *pgparse.DeleteStmt:
		where, own, target = x.WhereClause, x.UsingClause, x.Relation
	}
	if len(own) > 0 || target == nil {
		return false
	}
	found := false
	pgparse.Walk(where, func(msg any) bool {
		if ref, ok := msg.(*pgparse.ColumnRef); ok && len(ref.Fields) == 2 {
			of := ref.Fields[0].GetString_().GetSval()
			found = found || of != target.Relname && of != target.GetAlias().GetAliasname()
		}
		return !found
	})
	return found
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
func severity(e analysis.Extent) onward.Severity {
	if e == analysis.Whole {
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
		if at := analysis.IndexWord(s.SQL[from:to], end); at >= 0 {
			to = from + at
		}
	}
	if from <= 0 || to <= from {
		return "…"
	}
	return advice.OneLine(s.SQL[from:to])
}
