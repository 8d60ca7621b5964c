// Package predicate reasons about conditions: the value of a constant, the result of a
// condition for a partly known row, whether one condition implies another, and which
// range of a column a condition allows.
//
// It knows the language but no schema: the caller supplies the values of columns and the
// results of casts (Row).
package predicate

import (
	"math/big"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/onward-sql/onward/internal/pgparse"
)

// maxDepth limits the work on a condition, which may come from a stranger.
const maxDepth = 100

// Row is what is known of a row. A nil function means that nothing is known.
type Row struct {
	// Column returns the value of a column in the row.
	Column func(*pgparse.ColumnRef) Value
	// Cast converts a value to a type. It returns unknown if the server may round, cut or
	// refuse the value.
	Cast func(*pgparse.TypeName, Value) Value
	// Replaced reports whether the schema has a function with the name of a built-in one.
	Replaced func(name string) bool
}

// Evaluate returns the possible results of a condition for the row.
func (r *Row) Evaluate(n *pgparse.Node) Outcomes { return r.evalOutcomes(n, 0) }

// ConstantTrue reports whether a condition is true for every row: true, 1 = 1, NOT false,
// NULL IS NULL.
func ConstantTrue(n *pgparse.Node) bool { return new(Row).Evaluate(n) == True }

// ConstantFalse reports whether a condition is false for every row.
func ConstantFalse(n *pgparse.Node) bool { return new(Row).Evaluate(n) == False }

func (r *Row) evalOutcomes(n *pgparse.Node, depth int) Outcomes {
	if n == nil || depth > maxDepth {
		return anything
	}
	switch x := pgparse.Unwrap(n).(type) {
	case *pgparse.BoolExpr:
		return r.evalConnective(x, depth)
	case *pgparse.NullTest:
		out := True | False
		switch v := r.evalValue(x.GetArg(), depth+1); {
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
		return evalTest(r.evalOutcomes(x.GetArg(), depth+1), x.GetBooltesttype())
	case *pgparse.A_Expr:
		return r.evalComparison(x, depth)
	}
	return r.evalValue(n, depth).AsOutcomes()
}

// evalConnective evaluates AND, OR and NOT.
func (r *Row) evalConnective(x *pgparse.BoolExpr, depth int) Outcomes {
	args := x.GetArgs()
	if len(args) == 0 {
		return anything
	}
	out := r.evalOutcomes(args[0], depth+1)
	if x.GetBoolop() == pgparse.BoolExprType_NOT_EXPR {
		return Not(out)
	}
	join := And
	if x.GetBoolop() == pgparse.BoolExprType_OR_EXPR {
		join = Or
	}
	for _, a := range args[1:] {
		out = join(out, r.evalOutcomes(a, depth+1))
	}
	return out
}

// evalValue evaluates an expression.
func (r *Row) evalValue(n *pgparse.Node, depth int) Value {
	if n == nil || depth > maxDepth {
		return Value{}
	}
	switch x := pgparse.Unwrap(n).(type) {
	case *pgparse.ColumnRef:
		if r.Column != nil && !pgparse.EndsInStar(x) {
			return r.Column(x)
		}
	case *pgparse.A_Const:
		v, _ := LiteralValue(n)
		return v
	case *pgparse.TypeCast:
		v := r.evalValue(x.GetArg(), depth+1)
		switch {
		case v.Kind == Null:
			return v
		case r.Cast != nil:
			return r.Cast(x.GetTypeName(), v)
		case pgparse.LastText(x.GetTypeName().GetNames()) == "bool" && len(x.GetTypeName().GetArrayBounds()) == 0 && v.Kind == Text:
			return ParseBoolean(v.Text)
		}
	case *pgparse.BoolExpr, *pgparse.NullTest, *pgparse.BooleanTest:
		return r.evalOutcomes(n, depth).asValue()
	case *pgparse.A_Expr:
		if x.GetKind() == pgparse.A_Expr_Kind_AEXPR_OP && x.GetLexpr() == nil && operatorName(x) == "-" {
			return negateValue(r.evalValue(x.GetRexpr(), depth+1))
		}
		return r.evalComparison(x, depth).asValue()
	case *pgparse.FuncCall:
		return r.evalCall(x, depth)
	case *pgparse.CoalesceExpr:
		return r.evalCoalesce(x, depth)
	}
	return Value{}
}

// evalCoalesce evaluates COALESCE. Beside values of another kind a text may be the constant of their type: COALESCE('01', 2).
func (r *Row) evalCoalesce(x *pgparse.CoalesceExpr, depth int) Value {
	first, sameKind := Value{Kind: Null}, true
	for _, a := range x.GetArgs() {
		switch v := r.evalValue(a, depth+1); {
		case v.Kind == Null:
			sameKind = sameKind && IsNull(a) // a column has a type
		case first.Kind == Null:
			first = v
		default:
			sameKind = sameKind && v.Kind == first.Kind
		}
	}
	if first.Kind == Text && !sameKind {
		return Value{Kind: Some}
	}
	return first
}

// evalCall evaluates a function of one text that gives the same result on every server.
func (r *Row) evalCall(x *pgparse.FuncCall, depth int) Value {
	names := x.GetFuncname()
	name := pgparse.LastText(names)
	if len(x.GetArgs()) != 1 || len(names) > 2 || len(names) == 2 && names[0].GetString_().GetSval() != "pg_catalog" ||
		len(names) == 1 && (r.Replaced == nil || r.Replaced(name)) {
		return Value{}
	}
	apply := func(s string) Value { return TextOf(strings.Trim(s, " ")) }
	switch name {
	case "length", "char_length", "character_length":
		apply = func(s string) Value {
			return Value{Kind: Number, Number: new(big.Rat).SetInt64(int64(utf8.RuneCountInString(s)))}
		}
	case "btrim":
	default:
		return Value{}
	}
	switch v := r.evalValue(x.GetArgs()[0], depth+1); v.Kind {
	case Text:
		if !v.Loose {
			return apply(v.Text)
		}
		return Value{Kind: Some}
	case Null, Some: // NULL gives NULL, and no other value does
		return v
	}
	return Value{}
}

// Value is the value of an expression for one row, as far as it is certain.
type Value struct {
	Kind   Kind
	Text   string
	Number *big.Rat
	Truth  bool
	// Loose: different texts may be the same value, as with dates.
	Loose bool
}

// Kind is how much is known of a value.
type Kind uint8

// The kinds of values.
const (
	Unknown Kind = iota // nothing: it may be NULL
	Null
	Some // it is not NULL
	Text
	Number
	Truth
)

// TextOf returns a text value.
func TextOf(s string) Value { return Value{Kind: Text, Text: s} }

// TruthOf returns true or false as a value.
func TruthOf(b bool) Value { return Value{Kind: Truth, Truth: b} }

// IsNull reports whether an expression is a literal NULL, with or without a cast.
func IsNull(n *pgparse.Node) bool { return pgparse.StripCasts(n).GetAConst().GetIsnull() }

// LiteralValue returns the value of a plain constant; a quoted one is a text. It returns false
// for anything else.
func LiteralValue(n *pgparse.Node) (Value, bool) {
	c := n.GetAConst()
	switch v := c.GetVal().(type) {
	case *pgparse.A_Const_Sval:
		return TextOf(v.Sval.GetSval()), true
	case *pgparse.A_Const_Ival:
		return Value{Kind: Number, Number: new(big.Rat).SetInt64(int64(v.Ival.GetIval()))}, true
	case *pgparse.A_Const_Fval:
		return ParseDecimal(v.Fval.GetFval()), true
	case *pgparse.A_Const_Boolval:
		return TruthOf(v.Boolval.GetBoolval()), true
	}
	return Value{Kind: Null}, c.GetIsnull()
}

// ConstantValue returns the value of a literal with a sign or casts around it; false for
// anything else.
func ConstantValue(n *pgparse.Node) (Value, bool) {
	n = pgparse.StripCasts(n)
	if e := n.GetAExpr(); e != nil {
		if e.GetLexpr() != nil || operatorName(e) != "-" {
			return Value{}, false
		}
		v, ok := ConstantValue(e.GetRexpr())
		return negateValue(v), ok && v.Kind == Number
	}
	return LiteralValue(n)
}

func negateValue(v Value) Value {
	switch v.Kind {
	case Number:
		return Value{Kind: Number, Number: new(big.Rat).Neg(v.Number)}
	case Null, Some:
		return v
	}
	return Value{}
}

// LiteralText returns the text of a string, number or boolean literal, without quotes and casts
// around it; false for NULL and for anything else.
func LiteralText(n *pgparse.Node) (string, bool) {
	switch v := pgparse.StripCasts(n).GetAConst().GetVal().(type) {
	case *pgparse.A_Const_Sval:
		return v.Sval.GetSval(), true
	case *pgparse.A_Const_Ival:
		return strconv.Itoa(int(v.Ival.GetIval())), true
	case *pgparse.A_Const_Fval:
		return v.Fval.GetFval(), true
	case *pgparse.A_Const_Boolval:
		return strconv.FormatBool(v.Boolval.GetBoolval()), true
	}
	return "", false
}

// ParseDecimal reads a number. It returns an unknown value for one so large that a stranger's
// text could exhaust memory.
func ParseDecimal(s string) Value {
	digits, power, scientific := strings.Cut(strings.ToLower(s), "e")
	if len(s) > 40 || digits == "" || strings.Trim(digits, "+-.0123456789") != "" {
		return Value{}
	}
	if n, err := strconv.Atoi(power); scientific && (err != nil || n < -300 || n > 300) {
		return Value{}
	}
	if r, ok := new(big.Rat).SetString(s); ok {
		return Value{Kind: Number, Number: r}
	}
	return Value{}
}

// ParseBoolean reads a boolean as the server does, which accepts unambiguous abbreviations.
// https://www.postgresql.org/docs/current/datatype-boolean.html
func ParseBoolean(s string) Value {
	s = strings.ToLower(strings.Trim(s, " \t\n\r\v\f"))
	switch {
	case s == "":
	case strings.HasPrefix("true", s), strings.HasPrefix("yes", s), s == "on", s == "1":
		return TruthOf(true)
	case strings.HasPrefix("false", s), strings.HasPrefix("no", s), s == "off", s == "of", s == "0":
		return TruthOf(false)
	}
	return Value{}
}

func operatorName(e *pgparse.A_Expr) string { return pgparse.LastText(e.GetName()) }
