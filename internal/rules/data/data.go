// Package data holds the rules about changes of rows.
package data

import (
	"strings"

	"github.com/onward-sql/onward/internal/analysis"
	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/lazyregexp"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/prose"
	"github.com/onward-sql/onward/internal/recipe"
	"github.com/onward-sql/onward/internal/rule"
	"github.com/onward-sql/onward/onward"
)

// formatBatchedWrite returns SQL that writes to a table in batches without blocking it, by its key
// if that is known. A DELETE ends by its own condition. An UPDATE continues after the
// last key of the previous batch.
func formatBatchedWrite(verb, set, where string, t *catalog.Relation) string {
	table := analysis.QuoteTable(t.Name)
	statement, lead := "UPDATE "+table+" SET "+set, "write"
	if verb == "DELETE" {
		statement, lead = "DELETE FROM "+table, "delete"
	}
	lead += " in batches that commit, outside the migration:\n"
	k := primaryKeyColumns(t)
	if len(k) == 0 {
		if where != "" && verb == "DELETE" {
			return lead + recipe.InBatches(statement, table, where)
		}
		return lead + recipe.InBatches(statement, table, "…")
	}
	list := analysis.QuoteIdents(k)
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

// writeParts are the clauses of a write.
type writeParts struct {
	target *pgparse.RangeVar
	with   *pgparse.WithClause
	// from has the other tables, of FROM or USING.
	from      []*pgparse.Node
	where     *pgparse.Node
	returning bool
}

// splitWrite returns the clauses of an UPDATE, a DELETE or an INSERT … SELECT; none of any other statement.
func splitWrite(node any) writeParts {
	switch x := node.(type) {
	case *pgparse.UpdateStmt:
		return writeParts{x.GetRelation(), x.GetWithClause(), x.GetFromClause(), x.GetWhereClause(), len(x.GetReturningClause().GetExprs()) > 0}
	case *pgparse.DeleteStmt:
		return writeParts{x.GetRelation(), x.GetWithClause(), x.GetUsingClause(), x.GetWhereClause(), len(x.GetReturningClause().GetExprs()) > 0}
	case *pgparse.InsertStmt:
		q := x.GetSelectStmt().GetSelectStmt()
		return writeParts{x.GetRelation(), x.GetWithClause(), q.GetFromClause(), q.GetWhereClause(), len(x.GetReturningClause().GetExprs()) > 0}
	}
	return writeParts{}
}

// writtenCondition returns the WHERE of a write as written; "" if it cannot be used in another
// query, because there is none, or it names other tables or an alias.
func writtenCondition(s *rule.Stmt, node any) string {
	w := splitWrite(node)
	if _, inserts := node.(*pgparse.InsertStmt); inserts || w.where == nil || len(w.from) > 0 || w.returning || w.target.GetAlias() != nil || w.with != nil {
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

var wheres = lazyregexp.New(`(?i)\bWHERE\b`)

// primaryKeyColumns lists the columns of a table's primary key; nil when none is known.
func primaryKeyColumns(t *catalog.Relation) []string {
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

// describeLoop completes the report on a loop that writes rows in one transaction.
func describeLoop(r *rule.Report, s *rule.Stmt, act string, w *analysis.Write) {
	unit := "row by row"
	if w.Batch {
		unit = "in batches"
	}
	r.Fact = "the loop " + act + " " + unit + ", but all of them in one transaction"
	r.Harm = describeCommit(s) + ": each row stays locked until then"
	r.Instead = "COMMIT inside the loop, outside any transaction, or run the batches from a program"
	if s.Parent < 0 {
		r.Instead = "run the loop in a migration of its own without a transaction, so that each round commits"
	}
}

// describeCommit says when the loop around a statement commits: it is a block's, or a program's.
func describeCommit(s *rule.Stmt) string {
	if s.Parent < 0 {
		return "the migration commits once, at its end"
	}
	return "a DO block commits once, at its end"
}

// severityOfExtent of an unbounded write: every row is certain to be long, a
// condition depends on the data.
func severityOfExtent(e analysis.Extent) onward.Severity {
	if e == analysis.Whole {
		return onward.Off
	}
	return onward.Warning
}

// writtenAssignment returns the SET list of an UPDATE as written, "…" if it cannot be found.
func writtenAssignment(s *rule.Stmt, u *pgparse.UpdateStmt) string {
	if u == nil || len(u.TargetList) == 0 {
		return "…"
	}
	first := u.TargetList[0].GetResTarget()
	from, to := int(first.GetLocation()), len(s.SQL)
	if first.GetVal().GetMultiAssignRef() != nil { // SET (a, b) = …
		from = strings.LastIndex(s.SQL[:max(from, 0)], "(")
	}
	for _, end := range []string{" WHERE ", " FROM ", " RETURNING "} {
		if offset := analysis.IndexWord(s.SQL[from:to], end); offset >= 0 {
			to = from + offset
		}
	}
	if from <= 0 || to <= from {
		return "…"
	}
	return prose.OneLine(s.SQL[from:to])
}
