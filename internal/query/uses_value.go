package query

import (
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/predicate"
)

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
