package analysis

import (
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/predicate"
	"github.com/onward-sql/onward/internal/query"
	"github.com/onward-sql/onward/internal/script"
)

// Extent is how many rows a statement touches, judged by its text.
type Extent uint8

// The extents, smallest first.
const (
	// Few: a key, a list of values, a key range or a LIMIT limits them.
	Few Extent = iota
	// Some: a condition selects an unknown number.
	Some
	// Whole: every row.
	Whole
)

// Write is an INSERT, UPDATE, DELETE or MERGE: a statement, or a part of a statement in
// its WITH.
type Write struct {
	// Verb is the keyword: "UPDATE".
	Verb string
	// Node is *pgparse.InsertStmt, *UpdateStmt, *DeleteStmt or *MergeStmt.
	Node any
	// Table is the written table as it is before the statement, or a stand-in if the
	// catalog does not have it.
	Table *catalog.Relation
	// Extent is the number of written rows; for INSERT … SELECT, the number of rows that
	// the SELECT reads.
	Extent Extent
	// Batch: a LIMIT or a key range limits the rows, as in one round of a batched
	// backfill.
	Batch bool
}

// IsBounded reports whether a write touches few rows, counting all rounds of a loop around
// it.
func (w *Write) IsBounded(s *script.Statement) bool { return w.Extent == Few && !(s.Loop && w.Batch) }

// Moment is the point at which a statement runs: the deployed schema, and the schema
// before the statement. Now is the schema that decides whether a table counts as new.
type Moment struct{ Deployed, Before, Now *catalog.Catalog }

// ListWrites lists the writes of a statement to tables; nil if the statement itself writes no
// rows. Writes in its WITH come first: the server allows them only at the top level of a
// statement.
func (r *Rows) ListWrites(n *pgparse.Node, moment Moment) []Write {
	root := query.BindStatement(n, moment.Before)
	if root == nil || root.Node != pgparse.Unwrap(n) {
		return nil
	}
	w := writes{Rows: r, at: moment, root: root}
	w.addWithWrites(root)
	w.addWithWrites(root.Query)
	w.addStatement(root)
	return w.found
}

// EstimateRead estimates from the text how many rows a query inside a statement reads.
func (r *Rows) EstimateRead(n *pgparse.Node, q *pgparse.SelectStmt, moment Moment) Extent {
	w := writes{Rows: r, at: moment, root: query.BindStatement(n, moment.Before)}
	if w.root == nil || w.root.InnerLevel(q) == nil {
		w.root = query.BindStatement(q, moment.Before)
	}
	e, _ := w.readExtent(q)
	return e
}

// writes examines the rows that one statement touches.
type writes struct {
	*Rows
	at   Moment
	root *query.Level
	// read caches how many rows queries read: a WITH query may be named many times.
	read  map[*query.Level]rows
	found []Write
}

type rows struct {
	extent Extent
	batch  bool
}

// addWithWrites adds the writes of a query's WITH queries.
func (w *writes) addWithWrites(l *query.Level) {
	if l == nil {
		return
	}
	for _, c := range l.With {
		w.addStatement(c.Query)
	}
}

// addStatement adds the write of a statement, if it is one.
func (w *writes) addStatement(l *query.Level) {
	verb, rv, e, batch := w.writeExtent(l)
	if verb == "" {
		return
	}
	table, known := w.at.Before.Resolve(rv)
	if !known && rv.GetSchemaname() == "" && strings.HasPrefix(rv.GetRelname(), "pg_") {
		e = Few // a catalog of the server
	}
	w.found = append(w.found, Write{Verb: verb, Node: l.Node, Table: table, Extent: e, Batch: batch})
}

// writeExtent returns what a statement writes, and how many rows; verb is "" if it writes none.
func (w *writes) writeExtent(l *query.Level) (verb string, rv *pgparse.RangeVar, e Extent, batch bool) {
	switch x := l.Node.(type) {
	case *pgparse.InsertStmt:
		e = Few // VALUES
		if q := x.SelectStmt.GetSelectStmt(); q != nil {
			e, batch = w.readExtent(q)
		}
		return "INSERT", x.Relation, e, batch
	case *pgparse.UpdateStmt:
		e, batch = w.selectedExtent(l, x.Relation, x.WhereClause, x.FromClause)
		return "UPDATE", x.Relation, e, batch
	case *pgparse.DeleteStmt:
		e, batch = w.selectedExtent(l, x.Relation, x.WhereClause, x.UsingClause)
		return "DELETE", x.Relation, e, batch
	case *pgparse.MergeStmt:
		e = Some
		if w.isBoundedSource(l, x.SourceRelation) {
			e = Few
		}
		return "MERGE", x.Relation, e, false
	}
	return "", nil, Some, false
}

// hasFewRows reports whether the release created a table and put only few rows into it, such as
// a temporary table that another UPDATE joins.
func (w *writes) hasFewRows(t *catalog.Relation) bool {
	rows, seen := w.putRows[t.OID]
	return seen && rows == Few && t.OID != 0 && w.at.Now.CreatedSince(w.at.Deployed, t.OID)
}

// withQueryExtent returns how many rows a WITH query returns: those that it reads, or those that it writes. A recursive query is not examined.
func (w *writes) withQueryExtent(c *query.CTE) (e Extent, batch bool) {
	if c.Recursive {
		return Some, false
	}
	if q := c.Node.GetCtequery().GetSelectStmt(); q != nil {
		return w.readExtent(q)
	}
	_, _, e, batch = w.writeExtent(c.Query)
	return e, batch
}

// readExtent returns how many rows a SELECT reads, and caches it.
func (w *writes) readExtent(q *pgparse.SelectStmt) (e Extent, batch bool) {
	l := w.root.InnerLevel(q)
	if l == nil {
		return Whole, false
	}
	if r, ok := w.read[l]; ok {
		return r.extent, r.batch
	}
	e, batch = w.computeReadExtent(l, q)
	if w.read == nil {
		w.read = map[*query.Level]rows{}
	}
	w.read[l] = rows{e, batch}
	return e, batch
}

// computeReadExtent returns how many rows a SELECT reads. l is the level of its names.
func (w *writes) computeReadExtent(l *query.Level, q *pgparse.SelectStmt) (e Extent, batch bool) {
	if q.Larg != nil {
		left, _ := w.readExtent(q.Larg)
		right, _ := w.readExtent(q.Rarg)
		return max(left, right), false
	}
	if q.LimitCount != nil {
		return Few, true
	}
	if len(q.FromClause) == 0 {
		return Few, false
	}
	if slices.ContainsFunc(q.FromClause, func(n *pgparse.Node) bool { return !w.isBoundedSource(l, n) }) {
		if len(q.FromClause) == 1 {
			if rv := q.FromClause[0].GetRangeVar(); rv != nil {
				return w.selectedExtent(l, rv, q.WhereClause, nil)
			}
		}
		if q.WhereClause == nil {
			return Whole, false
		}
		return Some, false
	}
	return Few, slices.ContainsFunc(q.FromClause, func(n *pgparse.Node) bool { return w.isBatchSource(l, n) })
}

// isBatchSource reports whether a FROM item with few rows is a batch, limited by a LIMIT or
// a key range.
func (w *writes) isBatchSource(l *query.Level, n *pgparse.Node) bool {
	switch x := pgparse.Unwrap(n).(type) {
	case *pgparse.RangeVar:
		if c := l.CTE(x); c != nil {
			_, batch := w.withQueryExtent(c)
			return batch
		}
	case *pgparse.RangeSubselect:
		_, batch := w.readExtent(x.Subquery.GetSelectStmt())
		return batch
	case *pgparse.JoinExpr:
		return w.isBatchSource(l, x.Larg) || w.isBatchSource(l, x.Rarg)
	}
	return false
}

// isBoundedSource reports whether a FROM item has few rows, whatever the tables contain.
func (w *writes) isBoundedSource(l *query.Level, n *pgparse.Node) bool {
	switch x := pgparse.Unwrap(n).(type) {
	case *pgparse.RangeVar:
		if c := l.CTE(x); c != nil {
			e, _ := w.withQueryExtent(c)
			return e == Few
		}
		t, known := w.at.Before.Resolve(x)
		return known && w.hasFewRows(t)
	case *pgparse.RangeSubselect:
		q := x.Subquery.GetSelectStmt()
		if q == nil {
			return false
		}
		e, _ := w.readExtent(q)
		return e == Few
	case *pgparse.RangeFunction:
		return true // generate_series, unnest: their rows come from the text
	case *pgparse.JoinExpr:
		return w.isBoundedSource(l, x.Larg) && w.isBoundedSource(l, x.Rarg)
	}
	return false
}

// selectedExtent returns how many rows of a table a condition selects; from are the other tables
// of the statement.
func (w *writes) selectedExtent(l *query.Level, rv *pgparse.RangeVar, where *pgparse.Node, from []*pgparse.Node) (e Extent, batch bool) {
	table, _ := w.at.Before.Resolve(rv)
	if where == nil || predicate.ConstantTrue(where) {
		return Whole, false
	}
	if where.GetCurrentOfExpr() != nil {
		return Few, true
	}
	c := condition{writes: w, level: l, table: table, alias: rv.GetAlias().GetAliasname()}
	for _, n := range from {
		if w.isBoundedSource(l, n) {
			c.sources = append(c.sources, n)
		}
	}
	if c.alias == "" {
		c.alias = rv.GetRelname()
	}
	conds := predicate.ListConjuncts(where)
	coversAllRows := true
	for _, n := range conds {
		if c.limitsRows(n) {
			return Few, c.batch
		}
		if c.holdsForAllRows(n) && c.programTables[c.table.OID] {
			return Few, false // a program has filled the existing rows
		}
		coversAllRows = coversAllRows && c.holdsForAllRows(n)
	}
	if c.isRangeLimited(conds) {
		return Few, true
	}
	if coversAllRows {
		return Whole, false
	}
	return Some, false
}
