package query

import (
	"slices"

	"github.com/onward-sql/onward/internal/pgparse"
)

// bindFrom binds the entries of a FROM clause, in order.
func (b *binder) bindFrom(l *Level, list []*pgparse.Node) {
	for _, n := range list {
		b.bindFromItem(l, n)
	}
}

// bindFromItem adds the sources of one entry of FROM to a level: a table, a join, a sub-query or a function.
func (b *binder) bindFromItem(l *Level, n *pgparse.Node) {
	switch e := pgparse.Unwrap(n).(type) {
	case nil:
	case *pgparse.RangeVar:
		l.Sources = append(l.Sources, b.bindRangeVar(l, e))
	case *pgparse.JoinExpr:
		b.bindJoin(l, e)
	case *pgparse.RangeSubselect:
		outer := l
		if !e.GetLateral() {
			outer = l.withoutSources()
		}
		q := b.bindStatement(pgparse.Unwrap(e.GetSubquery()), outer, nil)
		l.Sources = append(l.Sources, &Source{
			Alias: pgparse.ClipName(e.GetAlias().GetAliasname()), Query: q, Columns: renameOutputs(q.Outputs, e.GetAlias().GetColnames()), Open: q.Open,
		})
	case *pgparse.RangeTableSample:
		b.bindFromItem(l, e.GetRelation())
		b.bindExprs(l, From, e.GetArgs()...)
		b.bindExprs(l, From, e.GetRepeatable())
	case *pgparse.RangeFunction:
		b.bindFunction(l, e)
	default: // XMLTABLE, JSON_TABLE: their columns are not worked out here
		b.bindExprs(l, From, n)
		l.Sources = append(l.Sources, &Source{Alias: pgparse.ClipName(tableFuncAlias(e)), Open: true})
	}
}

// tableFuncAlias is the alias of XMLTABLE and JSON_TABLE.
func tableFuncAlias(e any) string {
	if x, ok := e.(interface{ GetAlias() *pgparse.Alias }); ok {
		return x.GetAlias().GetAliasname()
	}
	return ""
}

func (b *binder) bindJoin(l *Level, e *pgparse.JoinExpr) {
	if b.depth >= maxDepth {
		l.Sources = append(l.Sources, &Source{Open: true})
		return
	}
	b.depth++
	defer func() { b.depth-- }()
	start := len(l.Sources)
	b.bindFromItem(l, e.GetLarg())
	middle := len(l.Sources)
	b.bindFromItem(l, e.GetRarg())
	l.Merged = l.Merged || e.GetIsNatural() || len(e.GetUsingClause()) > 0
	b.bindExprs(l, On, e.GetQuals())
	merged := pgparse.StringTexts(e.GetUsingClause())
	if e.GetIsNatural() {
		l.Natural = true
		merged = naturalColumns(l.Sources[start:middle], l.Sources[middle:])
	}
	for _, name := range merged {
		l.Names = append(l.Names, Name{Clause: On, Node: &Using{Column: pgparse.ClipName(name)}, Sees: len(l.Sources)})
	}
	if a := e.GetJoinUsingAlias(); a != nil {
		l.Sources = append(l.Sources, &Source{Alias: pgparse.ClipName(a.GetAliasname()), Open: true})
	}
	if a := e.GetAlias(); a != nil {
		j := newJoinSource(a, merged, l.Sources[start:middle], l.Sources[middle:])
		for _, side := range l.Sources[start:] {
			side.hidden = len(l.Sources)
		}
		l.Sources = append(l.Sources, j)
	}
}

// newJoinSource returns the entry of a join with an alias: first the columns that the join
// merges, then the other columns of both sides.
func newJoinSource(a *pgparse.Alias, merged []string, left, right []*Source) *Source {
	s := &Source{Alias: pgparse.ClipName(a.GetAliasname())}
	var columns, first []Output
	for i, sides := range [][]*Source{left, right} {
		for _, side := range sides {
			s.Open = s.Open || side.Open || side.Table != nil && side.Table.HasUnknownColumns()
			for _, o := range side.allColumns() {
				if len(first)+len(columns) >= MaxOutputs {
					s.Open = true
					break
				}
				o = Output{Name: o.Name, Source: side, Column: o.Name}
				if !slices.Contains(merged, o.Name) {
					columns = append(columns, o)
				} else if i == 0 {
					first = append(first, o)
				}
			}
		}
	}
	slices.SortStableFunc(first, func(a, b Output) int { return slices.Index(merged, a.Name) - slices.Index(merged, b.Name) })
	s.Columns = renameOutputs(append(first, columns...), a.GetColnames())
	return s
}

// naturalColumns returns the columns that NATURAL compares, as far as they are known.
func naturalColumns(left, right []*Source) []string {
	var out []string
	for _, s := range left {
		for _, o := range s.allColumns() {
			if slices.ContainsFunc(right, func(r *Source) bool { return r.hasColumn(o.Name) }) && !slices.Contains(out, o.Name) {
				out = append(out, o.Name)
			}
		}
	}
	return out
}

// Using is the Node of a Name for a column of JOIN … USING. It means the columns of that
// name on both sides.
type Using struct{ Column string }

// bindFunction adds a function in FROM. Its columns are known only as far as the alias lists
// them.
func (b *binder) bindFunction(l *Level, e *pgparse.RangeFunction) {
	for _, fn := range e.GetFunctions() {
		b.bindExprs(l, From, pgparse.ListItems(fn)...)
	}
	s := &Source{Alias: pgparse.ClipName(e.GetAlias().GetAliasname()), Open: true}
	for _, n := range e.GetColdeflist() {
		d := n.GetColumnDef()
		b.bindExpr(l, From, &pgparse.Node{Node: &pgparse.Node_TypeName{TypeName: d.GetTypeName()}})
		s.Columns = append(s.Columns, Output{Name: pgparse.ClipName(d.GetColname()), Expr: newTypedExpr(d.GetTypeName()), Level: l})
	}
	for _, name := range pgparse.StringTexts(e.GetAlias().GetColnames()) {
		s.Columns = append(s.Columns, Output{Name: pgparse.ClipName(name)})
	}
	l.Sources = append(l.Sources, s)
}

// newTypedExpr returns an expression of a type.
func newTypedExpr(t *pgparse.TypeName) *pgparse.Node {
	return &pgparse.Node{Node: &pgparse.Node_TypeCast{TypeCast: &pgparse.TypeCast{TypeName: t}}}
}

// bindRangeVar returns the entry of FROM for the name of a relation or a WITH query.
func (b *binder) bindRangeVar(l *Level, rv *pgparse.RangeVar) *Source {
	s := &Source{Alias: aliasOf(rv), Range: rv}
	names := rv.GetAlias().GetColnames()
	if s.CTE = l.CTE(rv); s.CTE != nil {
		s.Columns, s.Open = renameOutputs(s.CTE.Outputs, names), s.CTE.Open
		return s
	}
	s.Table = b.lookup.Table(rv)
	if s.Table == nil {
		s.Open = true
		s.Columns, s.Renamed = renameOutputs(nil, names), len(names) > 0
		return s
	}
	if len(names) > 0 {
		original := *s // its columns under their original names
		s.Columns, s.Renamed, s.Open = renameOutputs(original.allColumns(), names), true, s.Table.HasUnknownColumns()
	}
	return s
}

// CTE returns the WITH query that a name means; nil if the name means a relation.
func (l *Level) CTE(rv *pgparse.RangeVar) *CTE {
	schema, name := pgparse.RangeName(rv)
	if schema != "" {
		return nil
	}
	for ; l != nil; l = l.Outer {
		if i, ok := l.withNames[name]; ok && i < len(l.With) {
			return l.With[i]
		}
	}
	return nil
}

func aliasOf(rv *pgparse.RangeVar) string {
	if a := rv.GetAlias().GetAliasname(); a != "" {
		return pgparse.ClipName(a)
	}
	return pgparse.ClipName(rv.GetRelname())
}

// allColumns returns the known columns of an entry.
func (s *Source) allColumns() []Output {
	if s.Table == nil || s.Renamed {
		return s.Columns
	}
	names := s.Table.AllColumns()
	out := make([]Output, len(names))
	for i, name := range names {
		out[i] = Output{Name: name, Source: s, Column: name}
	}
	return out
}

// renameOutputs applies an alias' column names, if any, to columns.
func renameOutputs(columns []Output, names []*pgparse.Node) []Output {
	if len(names) == 0 {
		return columns
	}
	out := slices.Clone(columns)
	for i, n := range names {
		name := pgparse.ClipName(pgparse.StringText(n))
		if i < len(out) {
			out[i].Name = name
		} else {
			out = append(out, Output{Name: name})
		}
	}
	return out
}
