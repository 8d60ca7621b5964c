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

// Extent says how many rows a statement touches, judging by its text.
type Extent uint8

// The extents, smallest first.
const (
	// Few: a key, a list of values, a key range or a LIMIT bounds them.
	Few Extent = iota
	// Some: a condition that holds for nobody knows how many.
	Some
	// Whole: every row.
	Whole
)

// Write is an INSERT, UPDATE, DELETE or MERGE: a statement, or a part of one
// in its WITH.
type Write struct {
	// Verb is the keyword: "UPDATE".
	Verb string
	// Node is *pgparse.InsertStmt, *UpdateStmt, *DeleteStmt or *MergeStmt.
	Node any
	// Table is what is written to, before the statement; a stand-in when the
	// catalog does not hold it.
	Table *catalog.Relation
	// Extent is how many rows are written; of an INSERT … SELECT, how many
	// the SELECT reads.
	Extent Extent
	// Batch: a LIMIT or a key range bounds the rows, as in one round of a
	// batched backfill.
	Batch bool
}

// Bounded reports whether a write of a statement touches few rows, all rounds of
// the loop around it counted.
func (w *Write) Bounded(s *script.Statement) bool { return w.Extent == Few && !(s.Loop && w.Batch) }

// Rows is what a release is seen to do to rows, by the statement in question.
type Rows struct {
	// worked are the tables on whose rows a program works.
	worked map[catalog.OID]bool
	// given are the columns that an UPDATE gave values to.
	given map[columnOf]bool
	// puts are the tables that rows were put into, and how many at most.
	puts map[catalog.OID]Extent
	// empty are the tables that a statement has shown to have no rows.
	empty map[catalog.OID]bool
}

// columnOf is a column of a table.
type columnOf struct {
	table  catalog.OID
	attnum int16
}

// Put is how many rows a statement puts into a table.
type Put struct {
	Table catalog.OID
	Rows  Extent
}

// NewRows begins with a release that did nothing yet.
func NewRows() *Rows {
	return &Rows{worked: map[catalog.OID]bool{}, given: map[columnOf]bool{}, puts: map[catalog.OID]Extent{}, empty: map[catalog.OID]bool{}}
}

// Put notes rows that a statement puts into a table.
func (r *Rows) Put(x Put) {
	r.puts[x.Table] = max(r.puts[x.Table], x.Rows)
	if x.Rows > Few {
		delete(r.empty, x.Table)
	}
}

// Demand notes that a statement only succeeds where a table has no rows.
func (r *Rows) Demand(table catalog.OID) { r.empty[table] = true }

// Empty reports whether a statement has shown that a table has no rows to speak of.
func (r *Rows) Empty(table catalog.OID) bool { return r.empty[table] }

// Filled reports whether more than a few rows may have been put into a table.
func (r *Rows) Filled(table catalog.OID) bool { return r.puts[table] > Few }

// Work notes that a program works on the rows of a table, and perhaps puts some there:
// few is what it works on at most. One row that is put there is no backfill.
func (r *Rows) Work(table catalog.OID, few bool) {
	r.worked[table] = true
	if !few {
		r.Put(Put{Table: table, Rows: Some})
	}
}

// Give notes the columns that an UPDATE writes: they are not NULL in every row
// any more.
func (r *Rows) Give(n *pgparse.Node, before *catalog.Catalog) {
	u := n.GetUpdateStmt()
	if u == nil {
		return
	}
	t, _ := before.Resolve(u.GetRelation())
	for _, n := range u.GetTargetList() {
		if c := t.Column(n.GetResTarget().GetName()); c != nil && !n.GetResTarget().GetVal().GetAConst().GetIsnull() {
			r.given[columnOf{t.OID, c.Attnum}] = true
		}
	}
}

// Gave reports whether an UPDATE of the release that has run by then gave a
// column values.
func (r *Rows) Gave(t *catalog.Relation, c *catalog.Column) bool {
	return r.given[columnOf{t.OID, c.Attnum}]
}

// Moment is where a statement stands: the deployed schema, and the one in front of
// the statement. Now is the schema by which a table counts as new.
type Moment struct{ Deployed, Before, Now *catalog.Catalog }

// Writes lists what a statement writes to tables; nil for one that writes no
// rows by itself. What its WITH writes comes first: the server allows that at
// the top of a statement only.
func (r *Rows) Writes(n *pgparse.Node, at Moment) []Write {
	root := query.Bind(n, at.Before)
	if root == nil || root.Node != pgparse.Unwrap(n) {
		return nil
	}
	w := writes{Rows: r, at: at, root: root}
	w.inWith(root)
	w.inWith(root.Query)
	w.statement(root)
	return w.found
}

// Read is how many rows a query reads that stands in a statement, as far as its
// text tells.
func (r *Rows) Read(n *pgparse.Node, q *pgparse.SelectStmt, at Moment) Extent {
	w := writes{Rows: r, at: at, root: query.Bind(n, at.Before)}
	if w.root == nil || w.root.Inner(q) == nil {
		w.root = query.Bind(q, at.Before)
	}
	e, _ := w.query(q)
	return e
}

// inWith adds what the WITH queries of a query write.
func (w *writes) inWith(l *query.Level) {
	if l == nil {
		return
	}
	for _, c := range l.With {
		w.statement(c.Query)
	}
}

// statement adds what a statement itself writes.
func (w *writes) statement(l *query.Level) {
	switch x := l.Node.(type) {
	case *pgparse.InsertStmt:
		e, batch := Few, false
		if q := x.SelectStmt.GetSelectStmt(); q != nil {
			e, batch = w.query(q)
		}
		w.write("INSERT", x, x.Relation, e, batch)
	case *pgparse.UpdateStmt:
		e, batch := w.extent(l, x.Relation, x.WhereClause, x.FromClause)
		w.write("UPDATE", x, x.Relation, e, batch)
	case *pgparse.DeleteStmt:
		e, batch := w.extent(l, x.Relation, x.WhereClause, x.UsingClause)
		w.write("DELETE", x, x.Relation, e, batch)
	case *pgparse.MergeStmt:
		e := Some
		if w.boundedFrom(l, x.SourceRelation) {
			e = Few
		}
		w.write("MERGE", x, x.Relation, e, false)
	}
}

// few reports whether the release made a table, and is seen to put few rows
// into it, and no more: a temporary one for what another UPDATE joins.
func (w *writes) few(t *catalog.Relation) bool {
	rows, seen := w.puts[t.OID]
	return seen && rows == Few && t.OID != 0 && w.at.Now.CreatedSince(w.at.Deployed, t.OID)
}

// writes looks at the rows that one statement touches.
type writes struct {
	*Rows
	at   Moment
	root *query.Level
	// read is how many rows queries read that were looked at: WITH queries may be
	// named many times.
	read  map[*query.Level]rows
	found []Write
}

type rows struct {
	extent Extent
	batch  bool
}

func (w *writes) write(verb string, node any, rv *pgparse.RangeVar, e Extent, batch bool) {
	table, known := w.at.Before.Resolve(rv)
	if !known && rv.GetSchemaname() == "" && strings.HasPrefix(rv.GetRelname(), "pg_") {
		e = Few // a catalog of the server
	}
	w.found = append(w.found, Write{Verb: verb, Node: node, Table: table, Extent: e, Batch: batch})
}

// withQuery is how many rows a WITH query reads; one that may read itself is not
// looked into.
func (w *writes) withQuery(c *query.CTE) (e Extent, batch bool) {
	if q := c.Node.GetCtequery().GetSelectStmt(); q != nil && !c.Recursive {
		return w.query(q)
	}
	return Some, false
}

// query is how many rows a SELECT reads.
func (w *writes) query(q *pgparse.SelectStmt) (e Extent, batch bool) {
	l := w.root.Inner(q)
	if l == nil {
		return Whole, false
	}
	if r, ok := w.read[l]; ok {
		return r.extent, r.batch
	}
	e, batch = w.queryIn(l, q)
	if w.read == nil {
		w.read = map[*query.Level]rows{}
	}
	w.read[l] = rows{e, batch}
	return e, batch
}

func (w *writes) queryIn(l *query.Level, q *pgparse.SelectStmt) (e Extent, batch bool) {
	if q.Larg != nil {
		left, _ := w.query(q.Larg)
		right, _ := w.query(q.Rarg)
		return max(left, right), false
	}
	if q.LimitCount != nil {
		return Few, true
	}
	if len(q.FromClause) == 0 {
		return Few, false
	}
	if slices.ContainsFunc(q.FromClause, func(n *pgparse.Node) bool { return !w.boundedFrom(l, n) }) {
		if len(q.FromClause) == 1 {
			if rv := q.FromClause[0].GetRangeVar(); rv != nil {
				return w.extent(l, rv, q.WhereClause, nil)
			}
		}
		if q.WhereClause == nil {
			return Whole, false
		}
		return Some, false
	}
	return Few, slices.ContainsFunc(q.FromClause, func(n *pgparse.Node) bool { return w.batchedFrom(l, n) })
}

// batchedFrom reports whether a FROM item with few rows is a batch: a LIMIT or a
// key range bounds it.
func (w *writes) batchedFrom(l *query.Level, n *pgparse.Node) bool {
	switch x := pgparse.Unwrap(n).(type) {
	case *pgparse.RangeVar:
		if c := l.CTE(x); c != nil {
			_, batch := w.withQuery(c)
			return batch
		}
	case *pgparse.RangeSubselect:
		_, batch := w.query(x.Subquery.GetSelectStmt())
		return batch
	case *pgparse.JoinExpr:
		return w.batchedFrom(l, x.Larg) || w.batchedFrom(l, x.Rarg)
	}
	return false
}

// boundedFrom reports whether a FROM item has few rows, whatever the tables
// hold.
func (w *writes) boundedFrom(l *query.Level, n *pgparse.Node) bool {
	switch x := pgparse.Unwrap(n).(type) {
	case *pgparse.RangeVar:
		if c := l.CTE(x); c != nil {
			e, _ := w.withQuery(c)
			return e == Few
		}
		t, known := w.at.Before.Resolve(x)
		return known && w.few(t)
	case *pgparse.RangeSubselect:
		q := x.Subquery.GetSelectStmt()
		if q == nil {
			return false
		}
		e, _ := w.query(q)
		return e == Few
	case *pgparse.RangeFunction:
		return true // generate_series, unnest: of what the text says
	case *pgparse.JoinExpr:
		return w.boundedFrom(l, x.Larg) && w.boundedFrom(l, x.Rarg)
	}
	return false
}

// extent is how many rows of a table a condition leaves; from are the other
// tables of the statement.
func (w *writes) extent(l *query.Level, rv *pgparse.RangeVar, where *pgparse.Node, from []*pgparse.Node) (e Extent, batch bool) {
	table, _ := w.at.Before.Resolve(rv)
	if where == nil || predicate.ConstantTrue(where) {
		return Whole, false
	}
	if where.GetCurrentOfExpr() != nil {
		return Few, true
	}
	c := condition{writes: w, level: l, table: table, alias: rv.GetAlias().GetAliasname()}
	for _, n := range from {
		if w.boundedFrom(l, n) {
			c.sources = append(c.sources, n)
		}
	}
	if c.alias == "" {
		c.alias = rv.GetRelname()
	}
	conds := predicate.Conjuncts(where)
	everything, picks := true, 0
	for _, n := range conds {
		if c.picks(n) {
			picks++
		}
		if c.bounds(n) {
			return Few, c.batch
		}
		if c.holdsForAll(n) && c.worked[c.table.OID] {
			return Few, false // a program has filled the rows that there were
		}
		everything = everything && c.holdsForAll(n)
	}
	if picks >= 3 {
		return Few, false // the key of a seed row, in all likelihood
	}
	if c.ranged(conds) {
		return Few, true
	}
	if everything {
		return Whole, false
	}
	return Some, false
}
