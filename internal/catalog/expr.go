package catalog

import (
	"slices"

	"github.com/onward-sql/onward/internal/pgparse"
)

// ColumnsIn lists the columns that an expression names, without their table,
// in the order of their appearance, each once.
func ColumnsIn(expr *pgparse.Node) []string {
	if expr == nil {
		return nil
	}
	var out []string
	pgparse.Walk(expr, func(msg any) bool {
		if ref, ok := msg.(*pgparse.ColumnRef); ok {
			if name := last(ref.GetFields()); name != "" && !slices.Contains(out, name) {
				out = append(out, name)
			}
		}
		return true
	})
	return out
}

// ProvesNotNull reports whether a row for which the condition of a CHECK is
// not false has the column not null, by the rule with which the server spares
// SET NOT NULL its scan (NotNullImpliedByRelConstraints): the condition, or
// one of what AND joins in it, is "column IS NOT NULL".
func ProvesNotNull(expr *pgparse.Node, column string) bool {
	return proves(expr, column, 0)
}

func proves(n *pgparse.Node, column string, depth int) bool {
	if depth > maxDepth {
		return false
	}
	switch m := pgparse.Unwrap(n).(type) {
	case *pgparse.NullTest:
		if row := m.GetArg().GetRowExpr(); row != nil && m.GetNulltesttype() == pgparse.NullTestType_IS_NOT_NULL {
			// ROW (a, b) IS NOT NULL is a IS NOT NULL AND b IS NOT NULL.
			return slices.ContainsFunc(row.GetArgs(), func(a *pgparse.Node) bool { return isColumn(a, column) })
		}
		return m.GetNulltesttype() == pgparse.NullTestType_IS_NOT_NULL && !m.GetArgisrow() && isColumn(m.GetArg(), column)
	case *pgparse.A_Expr:
		// a IS DISTINCT FROM NULL is a IS NOT NULL.
		null := func(n *pgparse.Node) bool { return n.GetAConst().GetIsnull() }
		return m.GetKind() == pgparse.A_Expr_Kind_AEXPR_DISTINCT &&
			(isColumn(m.GetLexpr(), column) && null(m.GetRexpr()) || null(m.GetLexpr()) && isColumn(m.GetRexpr(), column))
	case *pgparse.BoolExpr:
		switch m.GetBoolop() {
		case pgparse.BoolExprType_AND_EXPR:
			for _, a := range m.GetArgs() {
				if proves(a, column, depth+1) {
					return true
				}
			}
		case pgparse.BoolExprType_OR_EXPR:
			for _, a := range m.GetArgs() {
				if !proves(a, column, depth+1) {
					return false
				}
			}
			return len(m.GetArgs()) > 0
		case pgparse.BoolExprType_NOT_EXPR:
			if len(m.GetArgs()) == 1 {
				t := m.GetArgs()[0].GetNullTest()
				return t.GetNulltesttype() == pgparse.NullTestType_IS_NULL && isColumn(t.GetArg(), column)
			}
		}
	}
	return false
}

func isColumn(n *pgparse.Node, column string) bool {
	ref := n.GetColumnRef()
	return ref != nil && last(ref.GetFields()) == column
}

// ConstantTrue and ConstantFalse report conditions that are written as such:
// CHECK (false).
func ConstantTrue(expr *pgparse.Node) bool { return constant(expr, true) }

// ConstantFalse is ConstantTrue's opposite.
func ConstantFalse(expr *pgparse.Node) bool { return constant(expr, false) }

func constant(n *pgparse.Node, want bool) bool {
	switch m := pgparse.Unwrap(n).(type) {
	case *pgparse.A_Const:
		v, ok := m.GetVal().(*pgparse.A_Const_Boolval)
		return ok && v.Boolval.GetBoolval() == want
	case *pgparse.TypeCast:
		c := m.GetArg().GetAConst()
		if c == nil || last(m.GetTypeName().GetNames()) != "bool" {
			return false
		}
		switch constText(m.GetArg()) {
		case "t", "true", "yes", "on", "1":
			return want
		case "f", "false", "no", "off", "0":
			return !want
		}
	case *pgparse.BoolExpr:
		if m.GetBoolop() == pgparse.BoolExprType_NOT_EXPR && len(m.GetArgs()) == 1 {
			c := m.GetArgs()[0].GetAConst()
			v, ok := c.GetVal().(*pgparse.A_Const_Boolval)
			return ok && v.Boolval.GetBoolval() != want
		}
	}
	return false
}

// SameExpr reports whether two expressions are the same text but for white
// space, comments and brackets. nil equals nil alone.
func SameExpr(a, b *pgparse.Node) bool {
	if a == b {
		return true
	}
	if a == nil || b == nil {
		return false
	}
	return pgparse.Equal(a, b)
}

// renameInExpressions makes the expressions of a relation follow a column that
// was renamed.
func (f *fold) renameInExpressions(r *Relation, attnum int16, from, to string) {
	for _, c := range r.Constraints {
		if c.Expr != nil && slices.Contains(c.Columns, attnum) {
			e := r.editConstraint(c.ID)
			e.Expr, e.ExprText = renamedColumn(c.Expr, from, to), renamedText(c.ExprText, from, to)
		}
	}
	for _, c := range r.Columns {
		if c.GeneratedExpr != nil && slices.Contains(c.GeneratedFrom, attnum) {
			e := r.editColumn(c.Attnum)
			e.own().GeneratedExpr, e.DefaultText = renamedColumn(c.GeneratedExpr, from, to), renamedText(c.DefaultText, from, to)
		}
	}
	for _, oid := range r.Indexes {
		idx := f.Relation(oid)
		if idx == nil || !slices.ContainsFunc(idx.Index.Keys, func(k IndexKey) bool { return k.Expr != nil && slices.Contains(k.Columns, attnum) }) &&
			!slices.Contains(idx.Index.PredicateColumns, attnum) {
			continue
		}
		idx = f.edit(oid)
		info := *idx.Index
		info.Keys = slices.Clone(info.Keys)
		for i, k := range info.Keys {
			if k.Expr != nil && slices.Contains(k.Columns, attnum) {
				info.Keys[i].Expr, info.Keys[i].ExprText = renamedColumn(k.Expr, from, to), renamedText(k.ExprText, from, to)
			}
		}
		if info.Predicate != nil {
			info.Predicate, info.PredicateText = renamedColumn(info.Predicate, from, to), renamedText(info.PredicateText, from, to)
		}
		idx.Index = &info
	}
}

// renamedColumn is an expression with one column called otherwise.
func renamedColumn(expr *pgparse.Node, from, to string) *pgparse.Node {
	next := pgparse.Clone(expr)
	if next == nil {
		return expr
	}
	pgparse.Walk(next, func(msg any) bool {
		if ref, ok := msg.(*pgparse.ColumnRef); ok {
			if n := len(ref.GetFields()); n > 0 && str(ref.GetFields()[n-1]) == from {
				ref.GetFields()[n-1].GetString_().Sval = to
			}
		}
		return true
	})
	return next
}

// renamedText replaces a plain identifier outside of quotes.
func renamedText(text, from, to string) string {
	var out []byte
	for i := 0; i < len(text); {
		if n := quoted(text, i); n > i {
			out = append(out, text[i:n]...)
			i = n
			continue
		}
		if !wordByte(text[i]) {
			out = append(out, text[i])
			i++
			continue
		}
		j := i
		for j < len(text) && wordByte(text[j]) {
			j++
		}
		if word := text[i:j]; word == from && (j >= len(text) || text[j] != '(') {
			out = append(out, to...)
		} else {
			out = append(out, word...)
		}
		i = j
	}
	return string(out)
}
