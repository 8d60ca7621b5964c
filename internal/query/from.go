package query

import (
	"slices"

	"github.com/onward-sql/onward/internal/pgparse"
)

func (b *binder) from(l *Level, list []*pgparse.Node) {
	for _, n := range list {
		b.fromItem(l, n)
	}
}

func (b *binder) fromItem(l *Level, n *pgparse.Node) {
	switch e := pgparse.Unwrap(n).(type) {
	case nil:
	case *pgparse.RangeVar:
		l.Sources = append(l.Sources, b.named(l, e))
	case *pgparse.JoinExpr:
		b.join(l, e)
	case *pgparse.RangeSubselect:
		outer := l
		if !e.GetLateral() {
			outer = l.unseen()
		}
		q := b.statement(pgparse.Unwrap(e.GetSubquery()), outer, nil)
		l.Sources = append(l.Sources, &Source{
			Alias: pgparse.Clip(e.GetAlias().GetAliasname()), Query: q, Columns: renamed(q.Outputs, e.GetAlias().GetColnames()), Open: q.Open,
		})
	case *pgparse.RangeTableSample:
		b.fromItem(l, e.GetRelation())
		b.exprs(l, From, e.GetArgs()...)
		b.exprs(l, From, e.GetRepeatable())
	case *pgparse.RangeFunction:
		b.function(l, e)
	default: // XMLTABLE, JSON_TABLE: what they give is not told here
		b.exprs(l, From, n)
		l.Sources = append(l.Sources, &Source{Alias: pgparse.Clip(aliasIn(e)), Open: true})
	}
}

// aliasIn is the alias of XMLTABLE and JSON_TABLE.
func aliasIn(e any) string {
	if x, ok := e.(interface{ GetAlias() *pgparse.Alias }); ok {
		return x.GetAlias().GetAliasname()
	}
	return ""
}

func (b *binder) join(l *Level, e *pgparse.JoinExpr) {
	if b.depth >= maxDepth {
		l.Sources = append(l.Sources, &Source{Open: true})
		return
	}
	b.depth++
	defer func() { b.depth-- }()
	start := len(l.Sources)
	b.fromItem(l, e.GetLarg())
	middle := len(l.Sources)
	b.fromItem(l, e.GetRarg())
	l.Merged = l.Merged || e.GetIsNatural() || len(e.GetUsingClause()) > 0
	b.exprs(l, On, e.GetQuals())
	merged := pgparse.Texts(e.GetUsingClause())
	if e.GetIsNatural() {
		l.Natural = true
		merged = shared(l.Sources[start:middle], l.Sources[middle:])
	}
	for _, name := range merged {
		l.using(pgparse.Clip(name))
	}
	if a := e.GetJoinUsingAlias(); a != nil {
		l.Sources = append(l.Sources, &Source{Alias: pgparse.Clip(a.GetAliasname()), Open: true})
	}
	if a := e.GetAlias(); a != nil {
		j := joined(a, merged, l.Sources[start:middle], l.Sources[middle:])
		for _, side := range l.Sources[start:] {
			side.hidden = len(l.Sources)
		}
		l.Sources = append(l.Sources, j)
	}
}

// joined is a join with an alias: its columns are those that it makes of two, then
// those of its sides.
func joined(a *pgparse.Alias, merged []string, left, right []*Source) *Source {
	s := &Source{Alias: pgparse.Clip(a.GetAliasname())}
	var columns, first []Output
	for i, sides := range [][]*Source{left, right} {
		for _, side := range sides {
			s.Open = s.Open || side.Open || side.Table != nil && side.Table.Open()
			for _, o := range side.all() {
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
	s.Columns = renamed(append(first, columns...), a.GetColnames())
	return s
}

func (l *Level) using(column string) {
	l.Names = append(l.Names, Name{Clause: On, Node: &Using{Column: column}, Sees: len(l.Sources)})
}

// shared are the columns that NATURAL compares, where they are known.
func shared(left, right []*Source) []string {
	var out []string
	for _, s := range left {
		for _, o := range s.all() {
			if slices.ContainsFunc(right, func(r *Source) bool { return r.has(o.Name) }) && !slices.Contains(out, o.Name) {
				out = append(out, o.Name)
			}
		}
	}
	return out
}

// Using is the Node of a Name that stands for a column of JOIN … USING: it means
// the columns of that name on both sides.
type Using struct{ Column string }

// function adds a function in FROM. What it gives is known as far as the alias
// says.
func (b *binder) function(l *Level, e *pgparse.RangeFunction) {
	for _, fn := range e.GetFunctions() {
		b.exprs(l, From, pgparse.Items(fn)...)
	}
	s := &Source{Alias: pgparse.Clip(e.GetAlias().GetAliasname()), Open: true}
	for _, n := range e.GetColdeflist() {
		d := n.GetColumnDef()
		b.expr(l, From, &pgparse.Node{Node: &pgparse.Node_TypeName{TypeName: d.GetTypeName()}})
		s.Columns = append(s.Columns, Output{Name: pgparse.Clip(d.GetColname()), Expr: castTo(d.GetTypeName()), Level: l})
	}
	for _, name := range pgparse.Texts(e.GetAlias().GetColnames()) {
		s.Columns = append(s.Columns, Output{Name: pgparse.Clip(name)})
	}
	l.Sources = append(l.Sources, s)
}

// castTo is an expression of a type.
func castTo(t *pgparse.TypeName) *pgparse.Node {
	return &pgparse.Node{Node: &pgparse.Node_TypeCast{TypeCast: &pgparse.TypeCast{TypeName: t}}}
}

// named is an entry of FROM that has the name of a relation or WITH query.
func (b *binder) named(l *Level, rv *pgparse.RangeVar) *Source {
	s := &Source{Alias: aliasOf(rv), Range: rv}
	names := rv.GetAlias().GetColnames()
	if s.CTE = l.CTE(rv); s.CTE != nil {
		s.Columns, s.Open = renamed(s.CTE.Outputs, names), s.CTE.Open
		return s
	}
	s.Table = b.lookup.Table(rv)
	if s.Table == nil {
		s.Open = true
		s.Columns, s.Renamed = renamed(nil, names), len(names) > 0
		return s
	}
	if len(names) > 0 {
		own := *s // what its columns are called without the alias
		s.Columns, s.Renamed, s.Open = renamed(own.all(), names), true, s.Table.Open()
	}
	return s
}

// CTE is the WITH query that a name means; nil where it is one of a relation.
func (l *Level) CTE(rv *pgparse.RangeVar) *CTE {
	schema, name := pgparse.RangeName(rv)
	if schema != "" {
		return nil
	}
	for ; l != nil; l = l.Outer {
		if i := slices.IndexFunc(l.With, func(c *CTE) bool { return c.Name == name }); i >= 0 {
			return l.With[i]
		}
	}
	return nil
}

func aliasOf(rv *pgparse.RangeVar) string {
	if a := rv.GetAlias().GetAliasname(); a != "" {
		return pgparse.Clip(a)
	}
	return pgparse.Clip(rv.GetRelname())
}

// all are the columns of an entry that are known.
func (s *Source) all() []Output {
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

// renamed are columns that go by other names, if there are any.
func renamed(columns []Output, names []*pgparse.Node) []Output {
	if len(names) == 0 {
		return columns
	}
	out := slices.Clone(columns)
	for i, n := range names {
		name := pgparse.Clip(pgparse.Text(n))
		if i < len(out) {
			out[i].Name = name
		} else {
			out = append(out, Output{Name: name})
		}
	}
	return out
}
