// Package predicate reasons about conditions: what a constant is, what a
// condition comes to for a row of which something is known, whether one
// condition implies another, and which range of a column it leaves.
//
// It knows the language and no schema: what a column holds, and what a cast
// makes of a value, whoever asks says (Row).
package predicate

import (
	"math/big"
	"strconv"
	"strings"

	"github.com/onward-sql/onward/internal/pgparse"
)

// Value is what an expression comes to for one row, where that is certain.
type Value struct {
	Kind   Kind
	Text   string
	Number *big.Rat
	Truth  bool
	// Loose: another text may be the same value, as with dates.
	Loose bool
}

// Kind says what is known of a value.
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

// TextOf and TruthOf are values.
func TextOf(s string) Value { return Value{Kind: Text, Text: s} }

// TruthOf is true or false.
func TruthOf(b bool) Value { return Value{Kind: Truth, Truth: b} }

// Uncast is an expression without the casts around it.
func Uncast(n *pgparse.Node) *pgparse.Node {
	for n.GetTypeCast() != nil {
		n = n.GetTypeCast().GetArg()
	}
	return n
}

// IsNull reports whether an expression is NULL as written, with a cast or not.
func IsNull(n *pgparse.Node) bool { return Uncast(n).GetAConst().GetIsnull() }

// Literal is a constant by itself, a quoted one a text; false for anything else.
func Literal(n *pgparse.Node) (Value, bool) {
	c := n.GetAConst()
	switch v := c.GetVal().(type) {
	case *pgparse.A_Const_Sval:
		return TextOf(v.Sval.GetSval()), true
	case *pgparse.A_Const_Ival:
		return Value{Kind: Number, Number: new(big.Rat).SetInt64(int64(v.Ival.GetIval()))}, true
	case *pgparse.A_Const_Fval:
		return Decimal(v.Fval.GetFval()), true
	case *pgparse.A_Const_Boolval:
		return TruthOf(v.Boolval.GetBoolval()), true
	}
	return Value{Kind: Null}, c.GetIsnull()
}

// Constant is a literal with a sign or casts around it; false for anything else.
func Constant(n *pgparse.Node) (Value, bool) {
	n = Uncast(n)
	if e := n.GetAExpr(); e != nil {
		if e.GetLexpr() != nil || operator(e) != "-" {
			return Value{}, false
		}
		v, ok := Constant(e.GetRexpr())
		return negative(v), ok && v.Kind == Number
	}
	return Literal(n)
}

func negative(v Value) Value {
	switch v.Kind {
	case Number:
		return Value{Kind: Number, Number: new(big.Rat).Neg(v.Number)}
	case Null, Some:
		return v
	}
	return Value{}
}

// Written is a literal as it is written, without its quotes and with casts
// around it; false for NULL and for anything else.
func Written(n *pgparse.Node) (string, bool) {
	switch v := Uncast(n).GetAConst().GetVal().(type) {
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

// Decimal reads a number; it is unknown where that takes more room than a
// stranger's text is given.
func Decimal(s string) Value {
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

// Boolean reads a truth as the server does, which takes what is short for a word,
// as long as it is for one only.
// https://www.postgresql.org/docs/current/datatype-boolean.html
func Boolean(s string) Value {
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

func operator(e *pgparse.A_Expr) string { return pgparse.Last(e.GetName()) }
