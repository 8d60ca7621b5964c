package query

import (
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/predicate"
)

// Meaning is one thing that a reference to a column may mean.
type Meaning struct {
	Source *Source
	// Column is its name in the source; "" for the whole row.
	Column string
	// Known: the source certainly has the column.
	Known bool
	// Level is the level of the source.
	Level *Level
}

// Resolve returns what a name may mean, judged by aliases: from the inside out, up to the
// first level that is known to have it. The result includes sources that are known not to
// have the column; check Lacks. It returns nothing for the name of an output, which ORDER
// BY prefers.
func (l *Level) Resolve(n Name) []Meaning {
	ref, ok := n.Node.(*pgparse.ColumnRef)
	if !ok || pgparse.EndsInStar(ref) {
		return nil
	}
	fields := ref.GetFields()
	name, alias, schema := pgparse.ClipName(pgparse.LastText(fields)), "", ""
	if len(fields) > 1 {
		alias = pgparse.ClipName(pgparse.StringText(fields[len(fields)-2]))
	}
	if len(fields) > 2 {
		schema = pgparse.ClipName(pgparse.StringText(fields[len(fields)-3]))
	}
	if name == "" || l.isOutputReference(n, ref) {
		return nil
	}
	var out []Meaning
	sees, clause := n.Sees, n.Clause
	for level := l; level != nil; level = level.Outer {
		known := false
		look := func(s *Source) {
			if s.hidden > 0 && s.hidden < sees || alias != "" && s.Alias != alias || schema != "" && !s.mayBeInSchema(schema) {
				return
			}
			m := Meaning{Source: s, Column: name, Known: s.hasColumn(name), Level: level}
			if !m.Known && alias == "" && s.Alias == name {
				m.Column, m.Known = "", true
			}
			known = known || m.Known
			out = append(out, m)
		}
		for _, s := range level.Sources[:min(sees, len(level.Sources))] {
			look(s)
		}
		if alias != "" && !known { // only a qualified name can mean these
			if clause == Conflict && level.Excluded != nil {
				look(level.Excluded)
			}
			if clause == Returning {
				for _, s := range level.Rows {
					look(s)
				}
			}
		}
		if known {
			break
		}
		sees, clause = level.sees, level.Clause
	}
	return out
}

// LikeliestMeaning returns the likeliest meaning of a name, if there is any. sure is false if the
// name may mean something else as well, or nothing that is known.
func (l *Level) LikeliestMeaning(n Name) (m Meaning, sure bool) { return chooseLikeliest(l.Resolve(n)) }

func chooseLikeliest(list []Meaning) (m Meaning, sure bool) {
	var candidates, known []Meaning
	for _, x := range list {
		if x.Known {
			known = append(known, x)
		} else if x.Source.Lacks(x.Column) {
			continue
		}
		candidates = append(candidates, x)
	}
	switch {
	case len(candidates) == 0:
		return Meaning{}, false
	case len(known) == 0:
		return candidates[0], len(candidates) == 1
	}
	// If another source of the same level had the column too, the server would refuse the
	// query as ambiguous.
	return known[0], len(known) == 1 && known[0].Level == candidates[0].Level
}

// isOutputReference reports whether an unqualified name in ORDER BY or DISTINCT ON is the
// name of an output.
func (l *Level) isOutputReference(n Name, ref *pgparse.ColumnRef) bool {
	if n.Clause != Sort && n.Clause != Distinct || len(ref.GetFields()) != 1 {
		return false
	}
	s, ok := l.Node.(*pgparse.SelectStmt)
	if !ok || findOutput(l.Outputs, pgparse.ClipName(pgparse.LastText(ref.GetFields()))) == nil {
		return false
	}
	for _, item := range s.GetSortClause() {
		if item.GetSortBy().GetNode().GetColumnRef() == ref {
			return true
		}
	}
	for _, item := range s.GetDistinctClause() {
		if item.GetColumnRef() == ref {
			return true
		}
	}
	return false
}

// hasColumn reports whether an entry is known to have a column.
func (s *Source) hasColumn(name string) bool {
	if s.Table != nil && !s.Renamed {
		return s.Table.HasColumn(name) || SystemColumn(name) && name != "oid" // a table may have a declared column oid
	}
	return findOutput(s.Columns, name) != nil
}

// Lacks reports whether an entry is known not to have a column.
func (s *Source) Lacks(name string) bool {
	return !s.hasColumn(name) && !s.Open && (s.Table == nil || s.Renamed || !s.Table.HasUnknownColumns())
}

// mayBeInSchema reports whether schema.table may mean the entry.
func (s *Source) mayBeInSchema(schema string) bool {
	if s.Range == nil || s.Range.GetAlias() != nil {
		return false
	}
	rangeSchema, _ := pgparse.RangeName(s.Range)
	return rangeSchema == "" || rangeSchema == schema
}

// FindOrigin returns the table and the column that an output passes on unchanged, through
// sub-queries and WITH; nil if the output is computed.
func (o *Output) FindOrigin() (*Source, string) {
	for range maxDepth {
		s, column := o.Source, o.Column
		if s == nil {
			ref := o.Expr.GetColumnRef()
			if ref == nil || o.Level == nil {
				return nil, ""
			}
			m, sure := o.Level.LikeliestMeaning(o.Level.NewName(ref, o.Level.outputClause()))
			if !sure || m.Column == "" {
				return nil, ""
			}
			s, column = m.Source, m.Column
		}
		if s.Table != nil && !s.Renamed || s.Range != nil && s.CTE == nil && !s.Renamed {
			return s, column
		}
		if o = findOutput(s.Columns, column); o == nil {
			return nil, ""
		}
	}
	return nil, ""
}

// outputClause returns the clause of the level's outputs.
func (l *Level) outputClause() Clause {
	if _, ok := l.Node.(*pgparse.SelectStmt); ok {
		return Targets
	}
	return Returning
}

// NewName turns a reference to a column into a name that sees all sources of the level.
func (l *Level) NewName(ref *pgparse.ColumnRef, c Clause) Name {
	return Name{Node: ref, Clause: c, Sees: len(l.Sources)}
}

// Output returns the column with a name, for an entry that is no table or whose columns
// are renamed; nil if there is none.
func (s *Source) Output(name string) *Output { return findOutput(s.Columns, name) }

// constantText returns the text of a literal, or of a cast of one, without quotes; false for
// NULL and for anything else.
func constantText(n *pgparse.Node) (text string, location int32, ok bool) {
	text, ok = predicate.LiteralText(n)
	return text, pgparse.StripCasts(n).GetAConst().GetLocation(), ok
}

// addComparedConstants records the constants that a level compares columns with: col = 'x', col IN
// ('x', 'y'), col = ANY (ARRAY['x']), CASE col WHEN 'x'. Queries inside have levels of
// their own.
func (u *uses) addComparedConstants(l *Level, c Clause, n *pgparse.Node) {
	if n == nil {
		return
	}
	pgparse.Walk(n, func(msg any) bool {
		switch m := msg.(type) {
		case *pgparse.A_Expr:
			op := pgparse.LastText(m.GetName())
			u.addComparison(l, c, op, m.GetLexpr(), m.GetRexpr())
			u.addComparison(l, c, op, m.GetRexpr(), m.GetLexpr())
		case *pgparse.CaseExpr:
			for _, w := range m.GetArgs() {
				u.addComparison(l, c, "=", m.GetArg(), w.GetCaseWhen().GetExpr())
			}
		case *pgparse.SubLink:
			u.addComparedConstants(l, c, m.GetTestexpr())
			return false
		case *pgparse.SelectStmt, *pgparse.RangeSubselect:
			return false
		}
		return true
	})
}

// addComparison records the constants on one side of a comparison if the other side is a column.
func (u *uses) addComparison(l *Level, c Clause, op string, column, value *pgparse.Node) {
	column = pgparse.StripCasts(column)
	ref := column.GetColumnRef()
	if ref == nil || pgparse.EndsInStar(ref) {
		return
	}
	list := pgparse.ListItems(value)
	value = pgparse.StripCasts(value)
	if a := value.GetAArrayExpr(); a != nil {
		list = a.GetElements()
	}
	for _, v := range list {
		text, location, ok := constantText(v)
		if !ok {
			continue
		}
		candidates := l.Resolve(l.NewName(ref, c))
		m, sure := chooseLikeliest(candidates)
		if m.Source == nil || m.Column == "" {
			return
		}
		var x *Use
		if base, name := (&Output{Source: m.Source, Column: m.Column}).FindOrigin(); base != nil && sure {
			x = u.addColumnUse(Compares, base, name, location)
			x.Sure = true
		} else if x = u.addMeanings(Compares, candidates, m, sure, c, location); x == nil {
			return
		}
		x.Operator, x.Value = op, text
	}
}

// arbiterColumn returns the column of an element of ON CONFLICT. lower(a) and upper(a) are
// written out; any other expression is given by its shape.
func arbiterColumn(e *pgparse.IndexElem) string {
	if e.GetExpr() == nil {
		return pgparse.ClipName(e.GetName())
	}
	if ref := e.GetExpr().GetColumnRef(); ref != nil {
		return pgparse.ClipName(pgparse.LastText(ref.GetFields()))
	}
	f := e.GetExpr().GetFuncCall()
	if name := pgparse.LastText(f.GetFuncname()); (name == "lower" || name == "upper") && len(f.GetArgs()) == 1 {
		if ref := f.GetArgs()[0].GetColumnRef(); ref != nil && len(ref.GetFields()) == 1 {
			return name + "(" + pgparse.LastText(ref.GetFields()) + ")"
		}
	}
	return pgparse.ShapeKey(e.GetExpr())
}
