package recipe

import (
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/analysis"
	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/effect"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/onward"
)

// rowsBatched splits a DELETE, an UPDATE with FROM, or an INSERT … SELECT of many rows into small batches: it restricts the
// statement to the rows of a batch. A WITH query is computed again for each batch.
// https://www.postgresql.org/docs/current/sql-delete.html
var rowsBatched = &Recipe{Name: "rows-batched", Make: func(c *Change) *Steps {
	if !c.writesManyRows() {
		return nil
	}
	w := c.parseRowStatement()
	if w == nil || w.visited.Kind != catalog.Table || c.readsTargetAgain(w.target) || w.refersToItself() {
		return nil
	}
	work := func(string) string { return w.restrictToBatch(c.SQL, rowKeyColumns(c.Before, w.visited)) }
	if len(rowKeyColumns(c.Before, w.visited)) > 0 && work("") == "" {
		return nil
	}
	m := &Steps{}
	// The rows cannot be recognized afterwards, so they are not compared.
	if m.addBatches(c, w.visited, w.title, work) == nil {
		return m
	}
	m.recordBatchWrites(c, w)
	m.endAfterBackfill()
	m.addNote("%s became batches: rows of %s that the deployed code writes meanwhile may or may not be among them", w.verb, w.visited.Name)
	return m
}}

// recordBatchWrites records what batches write: the columns that they fill, and the tables whose rows foreign keys change with theirs.
func (m *Steps) recordBatchWrites(c *Change, w *rowStatement) {
	for _, column := range w.target.Columns {
		if w.set == nil || slices.Contains(w.set, column.Name) {
			c.Release.markFilled(w.target, column.Name)
		}
	}
	cascades := c.recordRowEffects()
	for i := range m.Steps {
		if m.Steps[i].Backfill != nil {
			m.Steps[i].Cascades = cascades
		}
	}
}

// rowStatement is a statement that writes rows, as far as it can be restricted to a batch.
type rowStatement struct {
	verb, title string
	// target is the table that is written, visited the one whose rows make the batches. alias is its name in the statement.
	target, visited *catalog.Relation
	alias           string
	// hasWhere: the statement has a condition on the rows of visited.
	hasWhere bool
	// set are the columns that are written; nil for all.
	set []string
}

// parseRowStatement returns the parts of a change that writes rows; nil if it has a form that cannot be restricted.
func (c *Change) parseRowStatement() *rowStatement {
	var w rowStatement
	var visited *pgparse.RangeVar
	if !c.keepsMeaningInBatch() {
		return nil
	}
	switch n := c.Node.GetNode().(type) {
	case *pgparse.Node_UpdateStmt:
		s := n.UpdateStmt
		if s.GetReturningClause() != nil {
			return nil
		}
		w.verb, w.hasWhere, visited = "UPDATE", s.WhereClause != nil, s.Relation
		for _, x := range s.TargetList {
			w.set = append(w.set, x.GetResTarget().GetName())
		}
	case *pgparse.Node_DeleteStmt:
		s := n.DeleteStmt
		if s.GetReturningClause() != nil {
			return nil
		}
		w.verb, w.hasWhere, visited = "DELETE", s.WhereClause != nil, s.Relation
	case *pgparse.Node_InsertStmt:
		s, q := n.InsertStmt, n.InsertStmt.SelectStmt.GetSelectStmt()
		if visited = visitedTable(q); visited == nil || s.GetReturningClause() != nil {
			return nil
		}
		w.verb, w.hasWhere = "INSERT", q.WhereClause != nil
	}
	w.target, w.visited = c.writtenTable(), c.resolveRelation(visited)
	if w.target == nil || w.visited == nil {
		return nil
	}
	w.alias = visited.Relname
	if a := visited.Alias; a != nil {
		w.alias = a.Aliasname
	}
	w.title = map[string]string{"UPDATE": "update ", "DELETE": "delete rows of "}[w.verb] + w.target.Name.Name + " in batches, each in its own transaction"
	if w.verb == "INSERT" {
		w.title = "copy rows of " + w.visited.Name.Name + " into " + w.target.Name.Name + " in batches, each in its own transaction"
	}
	return &w
}

// refersToItself reports whether the rows of one batch may need rows of another, because a foreign key of the table refers to the
// table itself. The server checks it at the end of each statement.
func (w *rowStatement) refersToItself() bool {
	return slices.ContainsFunc(w.target.Constraints, func(con *catalog.Constraint) bool {
		removes := w.verb == "DELETE" && (con.OnDelete == "" || con.OnDelete == "restrict" || con.OnDelete == "set default")
		return con.Kind == catalog.ForeignKey && con.Ref == w.target.OID && con.Enforced && (removes || w.verb == "INSERT")
	})
}

// keepsMeaningInBatch reports whether a statement means the same inside of a batch: it has no WITH query that writes, and none of its
// tables has the name of a WITH query, its own or the batch's.
func (c *Change) keepsMeaningInBatch() bool {
	names, plain := map[string]bool{"batch": true}, true
	pgparse.Walk(c.Node, func(m any) bool {
		if cte, ok := m.(*pgparse.CommonTableExpr); ok {
			plain = plain && cte.Ctequery.GetSelectStmt() != nil && cte.Ctename != "batch"
			names[cte.Ctename] = true
		}
		return plain
	})
	pgparse.Walk(c.Node, func(m any) bool {
		if rv, ok := m.(*pgparse.RangeVar); ok && rv.Schemaname == "" && names[rv.Relname] {
			plain = plain && rv.Relname != "batch" && c.Before.Lookup("", rv.Relname) == nil
		}
		return plain
	})
	return plain
}

// visitedTable returns the first table of a query that returns, for each row of it, rows that depend on no other row of it; nil for
// other queries.
func visitedTable(q *pgparse.SelectStmt) *pgparse.RangeVar {
	if q == nil || len(q.FromClause) == 0 || !returnsRowByRow(q) {
		return nil
	}
	for _, other := range q.FromClause[1:] {
		if !joinsRowByRow(other) {
			return nil
		}
	}
	first := q.FromClause[0]
	if !joinsRowByRow(first) {
		return nil
	}
	for first.GetJoinExpr() != nil {
		first = first.GetJoinExpr().Larg
	}
	return first.GetRangeVar()
}

// joinsRowByRow reports whether the joins of an item of FROM keep each row of its first table, or drop it because of that row alone.
func joinsRowByRow(item *pgparse.Node) bool {
	for item.GetJoinExpr() != nil {
		j := item.GetJoinExpr()
		if j.Jointype != pgparse.JoinType_JOIN_INNER && j.Jointype != pgparse.JoinType_JOIN_LEFT || j.Alias != nil || !joinsRowByRow(j.Rarg) {
			return false
		}
		item = j.Larg
	}
	return true
}

// isPlainSelect reports whether a query returns at most one row for each row of one table, in any order.
func isPlainSelect(q *pgparse.SelectStmt) bool {
	return q != nil && len(q.FromClause) == 1 && q.FromClause[0].GetRangeVar() != nil && q.WithClause == nil && returnsRowByRow(q)
}

// returnsRowByRow reports whether a query neither combines rows of its tables nor orders or counts them.
func returnsRowByRow(q *pgparse.SelectStmt) bool {
	if q.Op != pgparse.SetOperation_SETOP_NONE {
		return false
	}
	if len(q.DistinctClause)+len(q.GroupClause)+len(q.WindowClause)+len(q.SortClause)+len(q.LockingClause) > 0 || q.HavingClause != nil ||
		q.LimitCount != nil || q.LimitOffset != nil {
		return false
	}
	plain := true
	for _, n := range q.TargetList {
		pgparse.Walk(n, func(m any) bool {
			switch e := m.(type) {
			case *pgparse.SubLink:
				return false // it has its own rows
			case *pgparse.FuncCall:
				plain = plain && e.Over == nil && !isAggregate(e)
			}
			return plain
		})
	}
	return plain
}

// isAggregate reports whether a call may be of an aggregate, or return several rows.
func isAggregate(call *pgparse.FuncCall) bool {
	if call.AggStar || call.AggDistinct || call.AggFilter != nil || len(call.AggOrder) > 0 {
		return true
	}
	return slices.Contains(rowFunctions, pgparse.LastText(call.Funcname))
}

// rowFunctions are functions of Postgres that make one row of many, or many of one.
// https://www.postgresql.org/docs/current/functions-aggregate.html
var rowFunctions = []string{
	"any_value", "array_agg", "avg", "bit_and", "bit_or", "bit_xor", "bool_and", "bool_or", "corr", "count", "every", "generate_series", "generate_subscripts",
	"json_agg", "json_array_elements", "json_array_elements_text", "json_each", "json_each_text", "json_object_agg", "json_object_keys", "jsonb_agg",
	"jsonb_array_elements", "jsonb_array_elements_text", "jsonb_each", "jsonb_each_text", "jsonb_object_agg", "jsonb_object_keys", "max", "min", "mode",
	"percentile_cont", "percentile_disc", "regexp_matches", "regexp_split_to_table", "stddev", "string_agg", "string_to_table", "sum", "unnest", "variance", "xmlagg",
}

// readsTargetAgain reports whether a statement reads the table that it writes in another place, or a view, which may read it. Then a batch
// would see the work of the batches before it.
func (c *Change) readsTargetAgain(target *catalog.Relation) bool {
	count := 0
	pgparse.Walk(c.Node, func(m any) bool {
		if rv, ok := m.(*pgparse.RangeVar); ok {
			if r := c.resolveRelation(rv); r != nil && (r.OID == target.OID || r.Kind == catalog.View) {
				count++
			}
		}
		return true
	})
	return count > 1
}

// restrictToBatch returns the statement for the rows of a batch alone; "" if its text is not understood.
func (w *rowStatement) restrictToBatch(sql string, keys []string) string {
	var columns, names []string
	for i, k := range keys {
		columns, names = append(columns, quoteIdent(w.alias)+"."+quoteIdent(k)), append(names, batchKeyColumn(i))
	}
	list := strings.Join(columns, ", ")
	if len(columns) > 1 {
		list = "(" + list + ")"
	}
	join := list + " IN (SELECT " + strings.Join(names, ", ") + " FROM batch)"
	tail := ""
	if conflictStart := analysis.IndexWord(sql, " ON CONFLICT "); w.verb == "INSERT" && conflictStart >= 0 {
		sql, tail = sql[:conflictStart], sql[conflictStart:]
	}
	whereStart := analysis.IndexWord(sql, " WHERE ")
	switch {
	case !w.hasWhere && whereStart < 0:
		return strings.TrimSpace(sql) + " WHERE " + join + tail
	case w.hasWhere && whereStart >= 0:
		return sql[:whereStart] + " WHERE (" + pgparse.EndLineComment(strings.TrimSpace(sql[whereStart+len(" WHERE "):])) + ") AND " + join + tail
	}
	return ""
}

// endAfterBackfill moves the steps that remove the state of a backfill into its phase, because no later step needs it.
func (m *Steps) endAfterBackfill() {
	for i := range m.Steps {
		if m.Steps[i].Phase == onward.Contract {
			m.Steps[i].Phase = onward.Backfill
		}
	}
}

// writesManyRows reports whether a finding says that the change writes many rows in one transaction. Of several such statements
// on one table of a migration, only the first has a finding.
func (c *Change) writesManyRows() bool {
	t := c.writtenTable()
	if t == nil {
		return false
	}
	for _, d := range c.Release.changes {
		if d.Migration == c.Migration && len(d.Rows) > 0 {
			if other := d.writtenTable(); other != nil && other.OID == t.OID && d.verb() == c.verb() {
				return true
			}
		}
		if d == c {
			break
		}
	}
	return false
}

// copiesRows reports whether a change is an INSERT that may read many rows of a table in use, or write as many.
func (c *Change) copiesRows() bool {
	return c.Node.GetInsertStmt() != nil && slices.ContainsFunc(c.Result.Effects, func(e effect.Effect) bool {
		return e.Scans && c.Release.Deployed.Relation(e.OID) != nil
	})
}

// verb returns the kind of a statement that writes rows.
func (c *Change) verb() string { return RowVerb(c.Node) }

// RowVerb returns the kind of a statement that writes rows: "INSERT", "DELETE" or "UPDATE"; "" for others.
func RowVerb(n *pgparse.Node) string {
	switch n.GetNode().(type) {
	case *pgparse.Node_InsertStmt:
		return "INSERT"
	case *pgparse.Node_DeleteStmt:
		return "DELETE"
	case *pgparse.Node_UpdateStmt:
		return "UPDATE"
	}
	return ""
}

// readsRows reports whether a change writes rows, or computes a result from rows that is kept: setval() of the highest key.
func (c *Change) readsRows() bool {
	return c.verb() != "" || c.Node.GetSelectStmt() != nil || c.Node.GetCreateTableAsStmt() != nil || c.Node.GetRefreshMatViewStmt() != nil
}
