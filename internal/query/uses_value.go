package query

import (
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/predicate"
)

// constant is a literal, or a cast of one, without its quotes; false for NULL and
// for anything else.
func constant(n *pgparse.Node) (text string, at int32, ok bool) {
	text, ok = predicate.Written(n)
	return text, predicate.Uncast(n).GetAConst().GetLocation(), ok
}

// compared notes the constants that columns of a level are compared with: col =
// 'x', col IN ('x', 'y'), col = ANY (ARRAY['x']), CASE col WHEN 'x'. Queries
// inside have levels of their own.
func (u *uses) compared(l *Level, c Clause, n *pgparse.Node) {
	if n == nil {
		return
	}
	pgparse.Walk(n, func(msg any) bool {
		switch m := msg.(type) {
		case *pgparse.A_Expr:
			op := pgparse.Last(m.GetName())
			u.pair(l, c, op, m.GetLexpr(), m.GetRexpr())
			u.pair(l, c, op, m.GetRexpr(), m.GetLexpr())
		case *pgparse.CaseExpr:
			for _, w := range m.GetArgs() {
				u.pair(l, c, "=", m.GetArg(), w.GetCaseWhen().GetExpr())
			}
		case *pgparse.SubLink:
			u.compared(l, c, m.GetTestexpr())
			return false
		case *pgparse.SelectStmt, *pgparse.RangeSubselect:
			return false
		}
		return true
	})
}

// pair notes the constants of one side of a comparison, where the other is a
// column.
func (u *uses) pair(l *Level, c Clause, op string, column, value *pgparse.Node) {
	for column.GetTypeCast() != nil {
		column = column.GetTypeCast().GetArg()
	}
	ref := column.GetColumnRef()
	if ref == nil || pgparse.EndsInStar(ref) {
		return
	}
	list := pgparse.Items(value)
	for value.GetTypeCast() != nil {
		value = value.GetTypeCast().GetArg()
	}
	if a := value.GetAArrayExpr(); a != nil {
		list = a.GetElements()
	}
	for _, v := range list {
		text, at, ok := constant(v)
		if !ok {
			continue
		}
		may := l.Resolve(l.Ref(ref, c))
		m, sure := likeliest(may)
		if m.Source == nil || m.Column == "" {
			return
		}
		var x *Use
		if base, name := (&Output{Source: m.Source, Column: m.Column}).Origin(); base != nil && sure {
			x = u.column(Compares, base, name, at)
			x.Sure = true
		} else if x = u.meant(Compares, may, m, sure, c, at); x == nil {
			return
		}
		x.Operator, x.Value = op, text
	}
}

// arbiter is the column of an element of ON CONFLICT; lower(a) and upper(a) are written
// so, any other expression by its shape.
func arbiter(e *pgparse.IndexElem) string {
	if e.GetExpr() == nil {
		return pgparse.Clip(e.GetName())
	}
	if ref := e.GetExpr().GetColumnRef(); ref != nil {
		return pgparse.Clip(pgparse.Last(ref.GetFields()))
	}
	f := e.GetExpr().GetFuncCall()
	if name := pgparse.Last(f.GetFuncname()); (name == "lower" || name == "upper") && len(f.GetArgs()) == 1 {
		if ref := f.GetArgs()[0].GetColumnRef(); ref != nil && len(ref.GetFields()) == 1 {
			return name + "(" + pgparse.Last(ref.GetFields()) + ")"
		}
	}
	return pgparse.Shape(e.GetExpr())
}
