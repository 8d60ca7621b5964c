package pgparse

import (
	"fmt"
	"strconv"
	"strings"
)

// evalConstant evaluates an expression of string constants, variables with known values, ||,
// and format with such arguments. varies reports whether it contains a variable.
func (w *blockWalk) evalConstant(expression string) (text string, varies, ok bool) {
	return w.evalNode(parseExpr(expression))
}

// evalNode is like evalConstant, for a parsed expression.
func (w *blockWalk) evalNode(n *Node) (text string, varies, ok bool) {
	e := textEvaluation{valueOf: func(n *Node) (string, bool) {
		value, known := w.variableValue(n)
		varies = varies || known
		return value, known
	}}
	text, ok = e.evalNode(n)
	w.exceeded = w.exceeded || e.exceeded
	return text, varies, ok
}

// variableValue returns the value of a variable, or of an element of an array: tables[i].
func (w *blockWalk) variableValue(n *Node) (string, bool) {
	x := n.GetAIndirection()
	if x == nil {
		value, known := w.values[variableName(n.GetColumnRef())]
		return value, known
	}
	if len(x.Indirection) != 1 || x.Indirection[0].GetAIndices().GetIsSlice() {
		return "", false
	}
	list := w.arrays[variableName(x.Arg.GetColumnRef())]
	text, _, ok := w.evalNode(x.Indirection[0].GetAIndices().GetUidx())
	i, err := strconv.Atoi(text)
	if !ok || err != nil || i < 1 || i > len(list) {
		return "", false
	}
	return list[i-1], true
}

// parseExpr parses a text as an expression; nil if it is none.
func parseExpr(expression string) *Node {
	tree, err := parseTree("SELECT " + expression)
	if err != nil || len(tree.Stmts) != 1 {
		return nil
	}
	targets := tree.Stmts[0].GetStmt().GetSelectStmt().GetTargetList()
	if len(targets) != 1 {
		return nil
	}
	return targets[0].GetResTarget().GetVal()
}

// constantExprText evaluates the text of a constant expression.
func constantExprText(expression string) (string, bool) { return ConstantString(parseExpr(expression)) }

// variableName returns the name of a reference, as used in the values of a block.
func variableName(c *ColumnRef) string {
	parts := make([]string, len(c.GetFields()))
	for i, f := range c.GetFields() {
		parts[i] = f.GetString_().GetSval()
	}
	return strings.Join(parts, ".")
}

// ConstantString evaluates an expression of string constants, ||, casts to text,
// quote_ident, quote_literal and format with such arguments.
func ConstantString(n *Node) (string, bool) {
	e := textEvaluation{valueOf: func(*Node) (string, bool) { return "", false }}
	return e.evalNode(n)
}

// mostBuilt bounds the text that an expression builds, in bytes: s := s || s doubles it. A longer one is not known before it runs.
const mostBuilt = 1 << 20

// textEvaluation is ConstantString with values for variables and elements of arrays.
type textEvaluation struct {
	valueOf  func(*Node) (string, bool)
	exceeded bool // a text is longer than mostBuilt
}

// exceed is the result for a text that is too long.
func (e *textEvaluation) exceed() (string, bool) {
	e.exceeded = true
	return "", false
}

func (e *textEvaluation) evalNode(n *Node) (string, bool) {
	switch x := unwrap(n).(type) {
	case *A_Const:
		switch v := x.GetVal().(type) {
		case *A_Const_Sval:
			return v.Sval.GetSval(), true
		case *A_Const_Ival:
			return strconv.Itoa(int(v.Ival.GetIval())), true
		case *A_Const_Fval: // a bigint, too
			text := v.Fval.GetFval()
			return text, strings.Trim(text, "0123456789") == ""
		}
	case *ColumnRef, *A_Indirection:
		return e.valueOf(n)
	case *TypeCast:
		return e.evalNode(x.Arg)
	case *A_Expr:
		l, ok := e.evalNode(x.Lexpr)
		r, ok2 := e.evalNode(x.Rexpr)
		if !ok || !ok2 {
			return "", false
		}
		switch LastText(x.Name) {
		case "||":
			if len(l)+len(r) > mostBuilt {
				return e.exceed()
			}
			return l + r, true
		case "+":
			return addNumberTexts(l, r, 1)
		case "-":
			return addNumberTexts(l, r, -1)
		}
	case *FuncCall:
		args := make([]string, len(x.Args))
		for i, a := range x.Args {
			s, ok := e.evalNode(a)
			if !ok {
				return "", false
			}
			args[i] = s
		}
		if len(args) == 0 || len(x.Funcname) == 0 {
			return "", false
		}
		text, ok := e.evalFunction(LastText(x.Funcname), args)
		if len(text) > mostBuilt {
			return e.exceed()
		}
		return text, ok
	}
	return "", false
}

// addNumberTexts adds two numbers given as text; sign applies to the second.
func addNumberTexts(l, r string, sign int) (string, bool) {
	a, err := strconv.Atoi(l)
	b, err2 := strconv.Atoi(r)
	return strconv.Itoa(a + sign*b), err == nil && err2 == nil
}

// evalFormat implements format() with %s, %I, %L, %%, and the same by number: %1$I.
// https://www.postgresql.org/docs/current/functions-string.html#FUNCTIONS-STRING-FORMAT
func (e *textEvaluation) evalFormat(f string, args []string) (string, bool) {
	var b strings.Builder
	next := 0
	for {
		head, rest, more := strings.Cut(f, "%")
		b.WriteString(head)
		if b.Len() > mostBuilt {
			return e.exceed()
		}
		if !more {
			return b.String(), true
		}
		if after, ok := strings.CutPrefix(rest, "%"); ok {
			b.WriteByte('%')
			f = after
			continue
		}
		if number, after, ok := strings.Cut(rest, "$"); ok {
			if n, err := strconv.Atoi(number); err == nil && n > 0 {
				next, rest = n-1, after
			}
		}
		if next >= len(args) || rest == "" {
			return "", false
		}
		switch rest[0] {
		case 's':
			b.WriteString(args[next])
		case 'I':
			b.WriteString(QuoteIdent(args[next]))
		case 'L':
			b.WriteString(QuoteLiteral(args[next]))
		default:
			return "", false
		}
		f, next = rest[1:], next+1
	}
}

// QuoteLiteral returns a text as an SQL constant that is valid for either setting of
// standard_conforming_strings.
func QuoteLiteral(s string) string {
	quoted := "'" + strings.ReplaceAll(s, "'", "''") + "'"
	if strings.Contains(s, `\`) {
		quoted = "E" + strings.ReplaceAll(quoted, `\`, `\\`)
	}
	return quoted
}

// StripCasts returns an expression without the casts around it.
func StripCasts(n *Node) *Node {
	for cast := n.GetTypeCast(); cast != nil; cast = n.GetTypeCast() {
		n = cast.GetArg()
	}
	return n
}

// DollarQuote quotes a text with a tag that it does not contain.
func DollarQuote(text string) string {
	tag := "$onward$"
	for i := 1; strings.Contains(text, tag); i++ {
		tag = fmt.Sprintf("$onward%d$", i)
	}
	return tag + text + tag
}

// QuoteIdents quotes each identifier if SQL requires it.
func QuoteIdents(names []string) []string {
	out := make([]string, len(names))
	for i, n := range names {
		out[i] = QuoteIdent(n)
	}
	return out
}

// QuoteIdent quotes an identifier if SQL requires it.
func QuoteIdent(s string) string {
	plain := s != ""
	for i := 0; i < len(s); i++ {
		c := s[i]
		if !(c == '_' || c >= 'a' && c <= 'z' || i > 0 && c >= '0' && c <= '9') {
			plain = false
		}
	}
	if plain && !isReserved(s) {
		return s
	}
	return `"` + strings.ReplaceAll(s, `"`, `""`) + `"`
}
