package query

import (
	"strconv"

	"github.com/onward-sql/onward/internal/pgparse"
)

func columnNumber(i int) string { return "column" + strconv.Itoa(i) }

func (b *binder) exprs(l *Level, c Clause, list ...*pgparse.Node) {
	for _, n := range list {
		b.expr(l, c, n)
	}
}

// expr notes the names and queries in an expression.
func (b *binder) expr(l *Level, c Clause, n *pgparse.Node) {
	if n == nil || n.GetAConst() != nil || b.bare && n.GetColumnRef() != nil {
		return
	}
	before := b.clause
	b.clause = c
	defer func() { b.clause = before }()
	note := func(node any, q *Level) {
		l.Names = append(l.Names, Name{Clause: c, Node: node, Query: q, Sees: len(l.Sources)})
	}
	pgparse.Walk(n, func(msg any) bool {
		switch m := msg.(type) {
		case *pgparse.ColumnRef, *pgparse.FuncCall, *pgparse.TypeName, *pgparse.A_Indirection:
			if !b.bare {
				note(m, nil)
			}
		case *pgparse.MultiAssignRef:
			return m.GetColno() <= 1 // SET (a, b) = (…) has it once for each column
		case *pgparse.SubLink:
			b.expr(l, c, m.GetTestexpr())
			note(m, b.statement(pgparse.Unwrap(m.GetSubselect()), l, nil))
			return false
		case *pgparse.SelectStmt:
			note(m, b.selectStmt(m, l, nil))
			return false
		}
		return true
	})
}

// outputs binds a list of targets: what the level gives.
func (b *binder) outputs(l *Level, c Clause, list []*pgparse.Node) {
	for _, n := range list {
		t := n.GetResTarget()
		val := t.GetVal()
		if b.bare {
			b.expr(l, c, val)
			continue
		}
		if ref := val.GetColumnRef(); ref != nil && pgparse.EndsInStar(ref) {
			b.expr(l, c, val)
			b.star(l, ref)
			continue
		}
		b.expr(l, c, val)
		if pgparse.Expands(val) { // (x).*
			l.Open = true
			continue
		}
		name := t.GetName()
		if name == "" {
			if name = Figure(val); name == "" {
				name = "?column?"
			}
		}
		l.Outputs = append(l.Outputs, Output{Name: pgparse.Clip(name), Expr: val, Level: l})
	}
}

// star adds the columns that a * stands for. What USING and NATURAL make one
// comes once, and first: that order is not told here, so the level is open.
func (b *binder) star(l *Level, ref *pgparse.ColumnRef) {
	found := false
	for _, s := range l.Starred(ref) {
		found = true
		l.Open = l.Open || s.Open || s.Table != nil && s.Table.Open()
		for _, o := range s.all() {
			if merged := l.Merged && len(ref.GetFields()) == 1; merged {
				l.Open = true
				if output(l.Outputs, o.Name) != nil {
					continue
				}
			}
			l.Outputs = append(l.Outputs, Output{Name: o.Name, Source: s, Column: o.Name})
		}
	}
	l.Open = l.Open || !found
}

// Starred are the entries of FROM that a star of the level stands for.
func (l *Level) Starred(ref *pgparse.ColumnRef) []*Source {
	alias := ""
	if f := ref.GetFields(); len(f) > 1 {
		alias = pgparse.Clip(pgparse.Text(f[len(f)-2]))
	}
	var out []*Source
	for _, s := range l.Sources {
		if s.hidden == 0 && (alias == "" || s.Alias == alias) {
			out = append(out, s)
		}
	}
	if alias != "" && len(out) == 0 {
		for _, s := range l.Rows {
			if s.Alias == alias {
				out = append(out, s)
			}
		}
	}
	return out
}
