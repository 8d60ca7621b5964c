package rule

import (
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/pgparse"
)

// Extent says how many rows a statement touches, as far as its text tells.
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
func (w *Write) Bounded(s *Stmt) bool { return w.Extent == Few && !(s.Loop && w.Batch) }

// Writes lists what a statement writes to tables; nil for one that writes no
// rows by itself. What its WITH writes comes first: the server allows that at
// the top of a statement only.
func (p *Pass) Writes(s *Stmt) []Write {
	if s.wrote {
		return s.writes
	}
	s.wrote = true
	w := writes{pass: p, catalog: s.Before, bounded: map[string]bool{}, batches: map[string]bool{}}
	switch x := pgparse.Unwrap(s.Node).(type) {
	case *pgparse.InsertStmt:
		w.inWith(x.WithClause)
		w.inWith(x.SelectStmt.GetSelectStmt().GetWithClause())
	case *pgparse.UpdateStmt:
		w.inWith(x.WithClause)
	case *pgparse.DeleteStmt:
		w.inWith(x.WithClause)
	case *pgparse.MergeStmt:
		w.inWith(x.WithClause)
	case *pgparse.SelectStmt:
		w.inWith(x.WithClause)
		s.writes = w.found
		return s.writes
	default:
		return nil
	}
	w.statement(pgparse.Unwrap(s.Node))
	s.writes = w.found
	return s.writes
}

// Rows is how many rows a query reads that stands in a statement, as far as its
// text tells.
func (p *Pass) Rows(s *Stmt, q *pgparse.SelectStmt) Extent {
	w := writes{pass: p, catalog: s.Before, bounded: map[string]bool{}, batches: map[string]bool{}}
	e, _ := w.query(q)
	return e
}

// inWith adds what common table expressions write.
func (w *writes) inWith(clause *pgparse.WithClause) {
	for _, n := range clause.GetCtes() {
		w.statement(pgparse.Unwrap(n.GetCommonTableExpr().GetCtequery()))
	}
	w.with(clause)
}

// statement adds what a statement itself writes.
func (w *writes) statement(msg any) {
	switch x := msg.(type) {
	case *pgparse.InsertStmt:
		w.with(x.WithClause)
		e, batch := Few, false
		if q := x.SelectStmt.GetSelectStmt(); q != nil {
			e, batch = w.query(q)
		}
		w.write("INSERT", x, x.Relation, e, batch)
	case *pgparse.UpdateStmt:
		w.with(x.WithClause)
		e, batch := w.extent(x.Relation, x.WhereClause, x.FromClause)
		w.write("UPDATE", x, x.Relation, e, batch)
	case *pgparse.DeleteStmt:
		w.with(x.WithClause)
		e, batch := w.extent(x.Relation, x.WhereClause, x.UsingClause)
		w.write("DELETE", x, x.Relation, e, batch)
	case *pgparse.MergeStmt:
		w.with(x.WithClause)
		e := Some
		if w.boundedFrom(x.SourceRelation) {
			e = Few
		}
		w.write("MERGE", x, x.Relation, e, false)
	}
}

// columnOf is a column of a table.
type columnOf struct {
	table  catalog.OID
	attnum int16
}

// gives notes the columns that an UPDATE writes: they are not NULL in every row
// any more.
func (p *Pass) gives(s *Stmt) {
	u := s.Node.GetUpdateStmt()
	if u == nil {
		return
	}
	t, _ := s.Before.Resolve(u.GetRelation())
	for _, n := range u.GetTargetList() {
		if c := t.Column(n.GetResTarget().GetName()); c != nil && !n.GetResTarget().GetVal().GetAConst().GetIsnull() {
			p.given[columnOf{t.OID, c.Attnum}] = true
		}
	}
}

// Gave reports whether an UPDATE of the release that has run by then gave a
// column values.
func (p *Pass) Gave(t *catalog.Relation, c *catalog.Column) bool {
	return p.given[columnOf{t.OID, c.Attnum}]
}

// writes looks at the rows that one statement touches.
type writes struct {
	pass    *Pass
	catalog *catalog.Catalog
	// bounded are the names of common table expressions with few rows; batches
	// those among them that a LIMIT or a key range bounds.
	bounded, batches map[string]bool
	found            []Write
}

func (w *writes) write(verb string, node any, rv *pgparse.RangeVar, e Extent, batch bool) {
	table, known := w.catalog.Resolve(rv)
	if !known && rv.GetSchemaname() == "" && strings.HasPrefix(rv.GetRelname(), "pg_") {
		e = Few // a catalog of the server
	}
	w.found = append(w.found, Write{Verb: verb, Node: node, Table: table, Extent: e, Batch: batch})
}

func (w *writes) with(clause *pgparse.WithClause) {
	for _, n := range clause.GetCtes() {
		cte := n.GetCommonTableExpr()
		if q := cte.GetCtequery().GetSelectStmt(); q != nil && !clause.GetRecursive() {
			e, batch := w.query(q)
			w.bounded[cte.GetCtename()], w.batches[cte.GetCtename()] = e == Few, batch
		}
	}
}

// query is how many rows a SELECT reads.
func (w *writes) query(q *pgparse.SelectStmt) (e Extent, batch bool) {
	w.with(q.WithClause)
	if q.Larg != nil {
		l, _ := w.query(q.Larg)
		r, _ := w.query(q.Rarg)
		return max(l, r), false
	}
	if q.LimitCount != nil {
		return Few, true
	}
	if len(q.FromClause) == 0 {
		return Few, false
	}
	if slices.ContainsFunc(q.FromClause, func(n *pgparse.Node) bool { return !w.boundedFrom(n) }) {
		if len(q.FromClause) == 1 {
			if rv := q.FromClause[0].GetRangeVar(); rv != nil {
				return w.extent(rv, q.WhereClause, nil)
			}
		}
		if q.WhereClause == nil {
			return Whole, false
		}
		return Some, false
	}
	return Few, slices.ContainsFunc(q.FromClause, w.batchedFrom)
}

// batchedFrom reports whether a FROM item with few rows is a batch: a LIMIT or a
// key range bounds it.
func (w *writes) batchedFrom(n *pgparse.Node) bool {
	switch x := pgparse.Unwrap(n).(type) {
	case *pgparse.RangeVar:
		return x.Schemaname == "" && w.batches[x.Relname]
	case *pgparse.RangeSubselect:
		_, batch := w.query(x.Subquery.GetSelectStmt())
		return batch
	case *pgparse.JoinExpr:
		return w.batchedFrom(x.Larg) || w.batchedFrom(x.Rarg)
	}
	return false
}

// boundedFrom reports whether a FROM item has few rows, whatever the tables
// hold.
func (w *writes) boundedFrom(n *pgparse.Node) bool {
	switch x := pgparse.Unwrap(n).(type) {
	case *pgparse.RangeVar:
		if x.Schemaname == "" && w.bounded[x.Relname] {
			return true
		}
		t, known := w.catalog.Resolve(x)
		return known && w.pass.fewRows(t)
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
		return w.boundedFrom(x.Larg) && w.boundedFrom(x.Rarg)
	}
	return false
}

// extent is how many rows of a table a condition leaves; from are the other
// tables of the statement.
func (w *writes) extent(rv *pgparse.RangeVar, where *pgparse.Node, from []*pgparse.Node) (e Extent, batch bool) {
	table, _ := w.catalog.Resolve(rv)
	if where == nil || always(where) {
		return Whole, false
	}
	if where.GetCurrentOfExpr() != nil {
		return Few, true
	}
	c := condition{writes: w, table: table, alias: rv.GetAlias().GetAliasname()}
	for _, n := range from {
		if w.boundedFrom(n) {
			c.sources = append(c.sources, n)
		}
	}
	if c.alias == "" {
		c.alias = rv.GetRelname()
	}
	conds := conjuncts(where)
	everything, picks := true, 0
	for _, n := range conds {
		if c.picks(n) {
			picks++
		}
		if c.bounds(n) {
			return Few, c.batch
		}
		if c.holdsForAll(n) && c.pass.worked[c.table.OID] {
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
