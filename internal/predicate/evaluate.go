package predicate

import (
	"math/big"
	"strings"
	"unicode/utf8"

	"github.com/onward-sql/onward/internal/pgparse"
)

// maxDepth bounds the work on a condition from a stranger.
const maxDepth = 100

// Row is what is known of a row. A nil function knows nothing.
type Row struct {
	// Column is what the row has in a column.
	Column func(*pgparse.ColumnRef) Value
	// Cast is a value as one of a type: unknown where the server may round, cut
	// or refuse it.
	Cast func(*pgparse.TypeName, Value) Value
	// Replaced reports whether the schema has a function with the name of one of
	// the server's.
	Replaced func(name string) bool
}

// Outcomes is what a condition may come to for the row.
func (r *Row) Outcomes(n *pgparse.Node) Outcomes { return r.outcomes(n, 0) }

// ConstantTrue reports whether a condition is true whatever the row is: true,
// 1 = 1, NOT false, NULL IS NULL.
func ConstantTrue(n *pgparse.Node) bool { return new(Row).Outcomes(n) == True }

// ConstantFalse is ConstantTrue's opposite.
func ConstantFalse(n *pgparse.Node) bool { return new(Row).Outcomes(n) == False }

func (r *Row) outcomes(n *pgparse.Node, depth int) Outcomes {
	if n == nil || depth > maxDepth {
		return anything
	}
	switch x := pgparse.Unwrap(n).(type) {
	case *pgparse.BoolExpr:
		return r.connective(x, depth)
	case *pgparse.NullTest:
		out := True | False
		switch v := r.value(x.GetArg(), depth+1); {
		case x.GetArgisrow():
		case v.Kind == Null:
			out = True
		case v.Kind != Unknown:
			out = False
		}
		if x.GetNulltesttype() == pgparse.NullTestType_IS_NOT_NULL {
			return Not(out)
		}
		return out
	case *pgparse.BooleanTest:
		return tested(r.outcomes(x.GetArg(), depth+1), x.GetBooltesttype())
	case *pgparse.A_Expr:
		return r.comparison(x, depth)
	}
	return r.value(n, depth).Outcomes()
}

// connective is AND, OR and NOT.
func (r *Row) connective(x *pgparse.BoolExpr, depth int) Outcomes {
	args := x.GetArgs()
	if len(args) == 0 {
		return anything
	}
	out := r.outcomes(args[0], depth+1)
	if x.GetBoolop() == pgparse.BoolExprType_NOT_EXPR {
		return Not(out)
	}
	join := And
	if x.GetBoolop() == pgparse.BoolExprType_OR_EXPR {
		join = Or
	}
	for _, a := range args[1:] {
		out = join(out, r.outcomes(a, depth+1))
	}
	return out
}

// value is what an expression comes to.
func (r *Row) value(n *pgparse.Node, depth int) Value {
	if n == nil || depth > maxDepth {
		return Value{}
	}
	switch x := pgparse.Unwrap(n).(type) {
	case *pgparse.ColumnRef:
		if r.Column != nil && !pgparse.EndsInStar(x) {
			return r.Column(x)
		}
	case *pgparse.A_Const:
		v, _ := Literal(n)
		return v
	case *pgparse.TypeCast:
		v := r.value(x.GetArg(), depth+1)
		switch {
		case v.Kind == Null:
			return v
		case r.Cast != nil:
			return r.Cast(x.GetTypeName(), v)
		case pgparse.Last(x.GetTypeName().GetNames()) == "bool" && len(x.GetTypeName().GetArrayBounds()) == 0 && v.Kind == Text:
			return Boolean(v.Text)
		}
	case *pgparse.BoolExpr, *pgparse.NullTest, *pgparse.BooleanTest:
		return r.outcomes(n, depth).value()
	case *pgparse.A_Expr:
		if x.GetKind() == pgparse.A_Expr_Kind_AEXPR_OP && x.GetLexpr() == nil && operator(x) == "-" {
			return negative(r.value(x.GetRexpr(), depth+1))
		}
		return r.comparison(x, depth).value()
	case *pgparse.FuncCall:
		return r.call(x, depth)
	}
	return Value{}
}

// call is a function of one text that is the same everywhere.
func (r *Row) call(x *pgparse.FuncCall, depth int) Value {
	names := x.GetFuncname()
	name := pgparse.Last(names)
	if len(x.GetArgs()) != 1 || len(names) > 2 || len(names) == 2 && names[0].GetString_().GetSval() != "pg_catalog" ||
		len(names) == 1 && (r.Replaced == nil || r.Replaced(name)) {
		return Value{}
	}
	of := func(s string) Value { return TextOf(strings.Trim(s, " ")) }
	switch name {
	case "length", "char_length", "character_length":
		of = func(s string) Value {
			return Value{Kind: Number, Number: new(big.Rat).SetInt64(int64(utf8.RuneCountInString(s)))}
		}
	case "btrim":
	default:
		return Value{}
	}
	switch v := r.value(x.GetArgs()[0], depth+1); v.Kind {
	case Text:
		if !v.Loose {
			return of(v.Text)
		}
		return Value{Kind: Some}
	case Null, Some: // NULL gives NULL, and nothing else does
		return v
	}
	return Value{}
}
