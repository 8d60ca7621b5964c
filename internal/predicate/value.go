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

	"github.com/onward-sql/onward/internal/pgparse"
)

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
