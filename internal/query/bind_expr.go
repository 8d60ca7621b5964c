package query

import (
	"strconv"

	"github.com/onward-sql/onward/internal/pgparse"
)

// columnNumber returns the name of the i-th column of VALUES, from 1: "column1".
func columnNumber(i int) string { return "column" + strconv.Itoa(i) }

func (b *binder) bindExprs(l *Level, c Clause, list ...*pgparse.Node) {
	for _, n := range list {
		b.bindExpr(l, c, n)
	}
}

// bindExpr records the names and queries in an expression.
func (b *binder) bindExpr(l *Level, c Clause, n *pgparse.Node) {
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
		case *pgparse.ColumnRef, *pgparse.FuncCall, *pgparse.TypeName, *pgparse.CollateClause, *pgparse.A_Indirection:
			if !b.bare {
				note(m, nil)
			}
		case *pgparse.MultiAssignRef:
			return m.GetColno() <= 1 // SET (a, b) = (…) has it once for each column
		case *pgparse.SubLink:
			b.bindExpr(l, c, m.GetTestexpr())
			note(m, b.bindStatement(pgparse.Unwrap(m.GetSubselect()), l, nil))
			return false
		case *pgparse.SelectStmt:
			note(m, b.bindSelect(m, l, nil))
			return false
		}
		return true
	})
}

// bindOutputs binds a target list, whose columns are the level's output.
func (b *binder) bindOutputs(l *Level, c Clause, list []*pgparse.Node) {
	for _, n := range list {
		t := n.GetResTarget()
		val := t.GetVal()
		if b.bare {
			b.bindExpr(l, c, val)
			continue
		}
		if ref := val.GetColumnRef(); ref != nil && pgparse.EndsInStar(ref) {
			b.bindExpr(l, c, val)
			b.expandStar(l, ref)
			continue
		}
		b.bindExpr(l, c, val)
		if pgparse.IsExpanding(val) { // (x).*
			l.Open = true
			continue
		}
		name := t.GetName()
		if name == "" {
			if name = FigureName(val); name == "" {
				name = "?column?"
			}
		}
		l.Outputs = append(l.Outputs, Output{Name: pgparse.ClipName(name), Expr: val, Level: l})
	}
}

// expandStar adds the columns that a * expands to. A column merged by USING or NATURAL appears
// once, and first. The order of merged columns is not worked out here, so the level is
// Open then.
func (b *binder) expandStar(l *Level, ref *pgparse.ColumnRef) {
	found := false
	for _, s := range l.StarSources(ref) {
		found = true
		l.Open = l.Open || s.Open || s.Table != nil && s.Table.HasUnknownColumns()
		for _, o := range s.allColumns() {
			if merged := l.Merged && len(ref.GetFields()) == 1; merged {
				l.Open = true
				if findOutput(l.Outputs, o.Name) != nil {
					continue
				}
			}
			if len(l.Outputs) >= MaxOutputs {
				l.TooWide, l.Open = true, true
				return
			}
			l.Outputs = append(l.Outputs, Output{Name: o.Name, Source: s, Column: o.Name})
		}
	}
	l.Open = l.Open || !found
}

// StarSources returns the entries of FROM that a star of the level expands to.
func (l *Level) StarSources(ref *pgparse.ColumnRef) []*Source {
	alias := ""
	if f := ref.GetFields(); len(f) > 1 {
		alias = pgparse.ClipName(pgparse.StringText(f[len(f)-2]))
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
