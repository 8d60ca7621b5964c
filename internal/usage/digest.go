package usage

import (
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/pgparse"
)

// maxDepth bounds the queries in queries that are looked at.
const maxDepth = 64

// digest notes what a statement names, with the sources that each name may be of. It
// needs no schema: which of the sources has the column, the index tells.
type digest struct {
	q     *Query
	line  func(at int) int
	sets  []Place
	depth int
	// fragment: the statement is a piece of one, whose tables may be named elsewhere.
	fragment bool
}

// digestOf is the digest of a statement; nil of one that works on no rows. line tells
// the line of an offset of the statement.
func digestOf(n *pgparse.Node, line func(at int) int) (*Query, []Place) {
	d := &digest{q: &Query{}, line: line}
	if !d.statement(n, nil) {
		return nil, d.sets
	}
	return d.q, d.sets
}

// level is the sources of one query, by the names that it has for them.
type level struct {
	outer   *level
	sources []source
	with    []string
	output  []string
}

// source is an entry of FROM: a relation of the digest, or OtherSource.
type source struct {
	alias    string
	relation int
}

func (d *digest) relation(rv *pgparse.RangeVar, how How, l *level) source {
	if rv == nil {
		return source{"", OtherSource}
	}
	out := source{rv.GetRelname(), OtherSource}
	if a := rv.GetAlias().GetAliasname(); a != "" {
		out.alias = a
	}
	if hole(rv.GetRelname()) {
		return out
	}
	if rv.GetSchemaname() == "" {
		for s := l; s != nil; s = s.outer {
			if slices.Contains(s.with, rv.GetRelname()) {
				return out
			}
		}
	}
	schema := rv.GetSchemaname()
	if hole(schema) {
		schema = ""
	}
	at := len(d.q.Relations)
	d.q.Relations = append(d.q.Relations, Relation{schema, rv.GetRelname(), d.line(int(rv.GetLocation())), how})
	if len(rv.GetAlias().GetColnames()) == 0 {
		out.relation = at
	}
	return out
}

// statement notes a statement; false for one that works on no rows.
func (d *digest) statement(n *pgparse.Node, outer *level) bool {
	if d.depth > maxDepth {
		return false
	}
	d.depth++
	defer func() { d.depth-- }()
	switch s := pgparse.Unwrap(n).(type) {
	case *pgparse.SelectStmt:
		d.query(s, outer)
	case *pgparse.InsertStmt:
		d.insert(s, outer)
	case *pgparse.UpdateStmt:
		l := d.with(s.GetWithClause(), outer)
		t := d.relation(s.GetRelation(), Updates, l)
		d.write(t, Updates, s.GetTargetList(), s.GetRelation().GetLocation())
		l.sources = append(l.sources, t)
		d.from(s.GetFromClause(), l)
		d.values(s.GetTargetList(), l)
		d.expr(s.GetWhereClause(), l)
		d.outputs(s.GetReturningClause().GetExprs(), l)
	case *pgparse.DeleteStmt:
		l := d.with(s.GetWithClause(), outer)
		t := d.relation(s.GetRelation(), Deletes, l)
		d.write(t, Deletes, nil, s.GetRelation().GetLocation())
		l.sources = append(l.sources, t)
		d.from(s.GetUsingClause(), l)
		d.expr(s.GetWhereClause(), l)
		d.outputs(s.GetReturningClause().GetExprs(), l)
	case *pgparse.MergeStmt:
		d.merge(s, outer)
	case *pgparse.CopyStmt:
		d.copy(s, outer)
	case *pgparse.TruncateStmt:
		for _, r := range s.GetRelations() {
			d.write(d.relation(r.GetRangeVar(), Truncates, outer), Truncates, nil, r.GetRangeVar().GetLocation())
		}
	case *pgparse.LockStmt:
		for _, r := range s.GetRelations() {
			d.relation(r.GetRangeVar(), Locks, outer)
		}
	case *pgparse.CreateTableAsStmt:
		return d.statement(s.GetQuery(), outer)
	case *pgparse.ExplainStmt:
		return d.statement(s.GetQuery(), outer)
	case *pgparse.DeclareCursorStmt:
		return d.statement(s.GetQuery(), outer)
	case *pgparse.PrepareStmt:
		return d.statement(s.GetQuery(), outer)
	case *pgparse.RefreshMatViewStmt:
		d.relation(s.GetRelation(), Updates, outer)
	case *pgparse.CallStmt:
		d.expr(&pgparse.Node{Node: &pgparse.Node_FuncCall{FuncCall: s.GetFunccall()}}, outer)
	case *pgparse.ConstraintsSetStmt:
		for _, r := range s.GetConstraints() {
			d.q.Constants = append(d.q.Constants, Place{r.GetRangeVar().GetRelname(), d.line(int(r.GetRangeVar().GetLocation()))})
		}
	case *pgparse.VariableSetStmt:
		d.sets = append(d.sets, Place{strings.ToLower(s.GetName()), d.line(0)})
		return false
	default:
		return false
	}
	return true
}

func (d *digest) with(w *pgparse.WithClause, outer *level) *level {
	l := &level{outer: outer}
	for _, n := range w.GetCtes() {
		c := n.GetCommonTableExpr()
		if w.GetRecursive() {
			l.with = append(l.with, c.GetCtename())
		}
		d.statement(c.GetCtequery(), l)
		l.with = append(l.with, c.GetCtename())
	}
	return l
}

func (d *digest) insert(s *pgparse.InsertStmt, outer *level) {
	l := d.with(s.GetWithClause(), outer)
	t := d.relation(s.GetRelation(), Inserts, l)
	w := d.write(t, Inserts, s.GetCols(), s.GetRelation().GetLocation())
	from := s.GetSelectStmt().GetSelectStmt()
	if w != nil {
		w.Listed = len(s.GetCols()) > 0
		if rows := from.GetValuesLists(); len(rows) > 0 {
			row := rows[0].GetList().GetItems()
			w.Values = len(row)
			for i := range min(len(row), len(w.Columns)) {
				w.Columns[i].Value, w.Columns[i].Constant = constant(row[i])
			}
		}
	}
	d.statement(s.GetSelectStmt(), l)
	l.sources = append(l.sources, t)
	d.outputs(s.GetReturningClause().GetExprs(), l)
	if c := s.GetOnConflictClause(); c != nil {
		l.sources = append(l.sources, source{"excluded", t.relation})
		for _, n := range c.GetInfer().GetIndexElems() {
			if name := n.GetIndexElem().GetName(); name != "" {
				d.column(name, t.relation, Reads, int(c.GetInfer().GetLocation()))
			}
			d.expr(n.GetIndexElem().GetExpr(), l)
		}
		d.expr(c.GetInfer().GetWhereClause(), l)
		if name := c.GetInfer().GetConname(); name != "" {
			d.q.Constants = append(d.q.Constants, Place{name, d.line(int(c.GetInfer().GetLocation()))})
		}
		if len(c.GetTargetList()) > 0 {
			d.write(t, Updates, c.GetTargetList(), c.GetLocation())
		}
		d.values(c.GetTargetList(), l)
		d.expr(c.GetWhereClause(), l)
	}
}

func (d *digest) merge(s *pgparse.MergeStmt, outer *level) {
	l := d.with(s.GetWithClause(), outer)
	t := d.relation(s.GetRelation(), Merges, l)
	l.sources = append(l.sources, t)
	d.from([]*pgparse.Node{s.GetSourceRelation()}, l)
	d.expr(s.GetJoinCondition(), l)
	for _, n := range s.GetMergeWhenClauses() {
		c := n.GetMergeWhenClause()
		d.expr(c.GetCondition(), l)
		how := Updates
		switch c.GetCommandType() {
		case pgparse.CmdType_CMD_INSERT:
			how = Inserts
		case pgparse.CmdType_CMD_DELETE:
			how = Deletes
		case pgparse.CmdType_CMD_NOTHING:
			continue
		}
		if w := d.write(t, how, c.GetTargetList(), s.GetRelation().GetLocation()); w != nil {
			w.Listed = len(c.GetTargetList()) > 0
		}
		d.values(c.GetTargetList(), l)
		d.exprs(c.GetValues(), l)
	}
	d.outputs(s.GetReturningClause().GetExprs(), l)
}

func (d *digest) copy(s *pgparse.CopyStmt, outer *level) {
	if s.GetRelation() == nil {
		d.statement(s.GetQuery(), outer)
		return
	}
	how := Exports
	if s.GetIsFrom() {
		how = Copies
	}
	t := d.relation(s.GetRelation(), how, outer)
	w := d.write(t, how, nil, s.GetRelation().GetLocation())
	for _, n := range s.GetAttlist() {
		name := n.GetString_().GetSval()
		d.column(name, t.relation, how, int(s.GetRelation().GetLocation()))
		if w != nil {
			w.Listed = true
			w.Columns = append(w.Columns, Given{Column: name})
		}
	}
}

// write notes what a statement writes to a relation; nil for what is none.
func (d *digest) write(t source, how How, targets []*pgparse.Node, at int32) *Write {
	if t.relation < 0 {
		return nil
	}
	w := Write{Relation: t.relation, How: how, Line: d.line(int(at))}
	for _, n := range targets {
		r := n.GetResTarget()
		if r.GetName() == "" || hole(r.GetName()) {
			d.q.Open = true
			continue
		}
		d.column(r.GetName(), t.relation, how, int(r.GetLocation()))
		g := Given{Column: r.GetName()}
		g.Value, g.Constant = constant(r.GetVal())
		w.Columns = append(w.Columns, g)
	}
	d.q.Writes = append(d.q.Writes, w)
	return &d.q.Writes[len(d.q.Writes)-1]
}

// column notes a column that is surely of a relation.
func (d *digest) column(name string, relation int, how How, at int) {
	if relation >= 0 && !hole(name) {
		d.q.Columns = append(d.q.Columns, Column{Name: name, Line: d.line(at), How: how, Of: []int{relation}})
	}
}
