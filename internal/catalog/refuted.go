package catalog

import (
	"math/big"
	"strings"
	"unicode/utf8"

	"github.com/onward-sql/onward/internal/pgparse"
)

// value is what an expression comes to for one row, as far as that is certain.
type value struct {
	kind   valueKind
	text   string
	number *big.Rat
	truth  bool
}

type valueKind uint8

const (
	unknownValue valueKind = iota
	nullValue
	textValue
	numberValue
	truthValue
)

// Refuted reports whether a CHECK is surely false for a row, so that the server
// refuses it: constants gives what the statement writes to a column, or the
// column's default; false where that is no constant. A CHECK that is null is met.
func (c *Catalog) Refuted(t *Relation, check *pgparse.Node, constants func(*Column) (*pgparse.Node, bool)) bool {
	e := &evaluation{c: c, of: func(name string) value {
		col := t.Column(name)
		if col == nil || col.Inferred || col.Generated != "" || col.Identity != "" {
			return value{}
		}
		n, ok := constants(col)
		if !ok {
			return value{}
		}
		return c.constantFor(col, n)
	}}
	v := e.value(check)
	return v.kind == truthValue && !v.truth
}

// constantFor is what a column holds that is given a constant; nil is NULL.
func (c *Catalog) constantFor(col *Column, n *pgparse.Node) value {
	if n == nil || isNullConstant(n) {
		return value{kind: nullValue}
	}
	if cast := n.GetTypeCast(); cast != nil {
		if t := c.TypeOf(cast.GetTypeName()); t.OID != col.Type.OID || t.Name != col.Type.Name && t.Name.Name != "text" || t.Array > 0 || len(t.Mods) > 0 {
			return value{}
		}
		n = cast.GetArg()
	}
	if n.GetAConst() == nil {
		return value{}
	}
	if v := c.as(col.Type, literal(n.GetAConst())); v.kind != textValue || col.Collation == "" {
		return v
	}
	return value{} // what is equal in it is not known
}

// literal is a constant by itself; a quoted one is a text.
func literal(n *pgparse.A_Const) value {
	switch v := n.GetVal().(type) {
	case *pgparse.A_Const_Sval:
		return value{kind: textValue, text: v.Sval.GetSval()}
	case *pgparse.A_Const_Ival:
		return value{kind: numberValue, number: big.NewRat(int64(v.Ival.GetIval()), 1)}
	case *pgparse.A_Const_Fval:
		return decimalValue(v.Fval.GetFval())
	case *pgparse.A_Const_Boolval:
		return value{kind: truthValue, truth: v.Boolval.GetBoolval()}
	}
	if n.GetIsnull() {
		return value{kind: nullValue}
	}
	return value{}
}

// decimalValue reads a number in its plain form.
func decimalValue(s string) value {
	if len(s) > 40 || strings.Trim(s, "+-.0123456789") != "" {
		return value{}
	}
	if r, ok := new(big.Rat).SetString(s); ok {
		return value{kind: numberValue, number: r}
	}
	return value{}
}

// as is a value as one of a type; unknown where the server may round, cut or
// refuse it.
func (c *Catalog) as(t Type, v value) value {
	if v.kind == nullValue {
		return v
	}
	if t.Array > 0 {
		return value{}
	}
	if t.OID != 0 {
		if u := c.Type(t.OID); u != nil && u.Kind == Enum && v.kind == textValue {
			return v
		}
		return value{}
	}
	if t.Name.Schema != "pg_catalog" {
		return value{}
	}
	switch name := t.Name.Name; name {
	case "text", "varchar":
		if v.kind == numberValue && v.number.IsInt() {
			v = value{kind: textValue, text: v.number.Num().String()}
		}
		if v.kind == textValue && (len(t.Mods) == 0 || len(t.Mods) == 1 && utf8.RuneCountInString(v.text) <= int(t.Mods[0])) {
			return v
		}
	case "int2", "int4", "int8", "numeric", "float8":
		if v.kind == textValue {
			v = decimalValue(strings.Trim(v.text, space))
		}
		if v.kind == numberValue && (v.number.IsInt() || name == "numeric" && len(t.Mods) == 0) {
			return v
		}
	case "bool":
		if v.kind == truthValue {
			return v
		}
		switch text := strings.ToLower(strings.Trim(v.text, space)); {
		case v.kind != textValue:
		case text == "t" || text == "true":
			return value{kind: truthValue, truth: true}
		case text == "f" || text == "false":
			return value{kind: truthValue}
		}
	}
	return value{}
}

// evaluation works out a condition for a row.
type evaluation struct {
	c     *Catalog
	of    func(column string) value
	depth int
}

func (e *evaluation) value(n *pgparse.Node) value {
	if n == nil || e.depth > maxDepth {
		return value{}
	}
	e.depth++
	defer func() { e.depth-- }()
	switch x := pgparse.Unwrap(n).(type) {
	case *pgparse.ColumnRef:
		if !pgparse.EndsInStar(x) {
			return e.of(clip(last(x.GetFields())))
		}
	case *pgparse.A_Const:
		return literal(x)
	case *pgparse.TypeCast:
		return e.c.as(e.c.TypeOf(x.GetTypeName()), e.value(x.GetArg()))
	case *pgparse.NullTest:
		if v := e.value(x.GetArg()); v.kind != unknownValue && !x.GetArgisrow() {
			return value{kind: truthValue, truth: (v.kind == nullValue) == (x.GetNulltesttype() == pgparse.NullTestType_IS_NULL)}
		}
	case *pgparse.BoolExpr:
		return e.connective(x)
	case *pgparse.A_Expr:
		return e.operator(x)
	case *pgparse.FuncCall:
		return e.call(x)
	}
	return value{}
}

// connective is AND, OR and NOT.
func (e *evaluation) connective(x *pgparse.BoolExpr) value {
	if x.GetBoolop() == pgparse.BoolExprType_NOT_EXPR && len(x.GetArgs()) == 1 {
		v := e.value(x.GetArgs()[0])
		v.truth = v.kind == truthValue && !v.truth
		return v
	}
	decides := x.GetBoolop() == pgparse.BoolExprType_OR_EXPR
	out := value{kind: truthValue, truth: !decides}
	for _, a := range x.GetArgs() {
		switch v := e.value(a); {
		case v.kind == truthValue && v.truth == decides:
			return v
		case v.kind != truthValue && out.kind != unknownValue:
			out = value{kind: v.kind}
		}
	}
	return out
}

// operator is a comparison.
func (e *evaluation) operator(x *pgparse.A_Expr) value {
	if len(x.GetName()) != 1 || x.GetLexpr() == nil {
		return value{}
	}
	op := last(x.GetName())
	switch x.GetKind() {
	case pgparse.A_Expr_Kind_AEXPR_OP:
		return compared(op, e.value(x.GetLexpr()), e.value(x.GetRexpr()))
	case pgparse.A_Expr_Kind_AEXPR_IN, pgparse.A_Expr_Kind_AEXPR_OP_ANY, pgparse.A_Expr_Kind_AEXPR_OP_ALL:
		return e.member(x, op)
	case pgparse.A_Expr_Kind_AEXPR_BETWEEN:
		if ends := items(x.GetRexpr()); len(ends) == 2 {
			v := e.value(x.GetLexpr())
			low, high := compared(">=", v, e.value(ends[0])), compared("<=", v, e.value(ends[1]))
			if low.kind == truthValue && high.kind == truthValue {
				return value{kind: truthValue, truth: low.truth && high.truth}
			}
		}
	}
	return value{}
}

// member is x IN (…), x = ANY (ARRAY[…]), and x NOT IN (…), x <> ALL (ARRAY[…]).
func (e *evaluation) member(x *pgparse.A_Expr, op string) value {
	list := items(x.GetRexpr())
	any := op == "="
	if x.GetKind() != pgparse.A_Expr_Kind_AEXPR_IN {
		array := x.GetRexpr()
		for array.GetTypeCast() != nil {
			array = array.GetTypeCast().GetArg()
		}
		list = array.GetAArrayExpr().GetElements()
		if any != (x.GetKind() == pgparse.A_Expr_Kind_AEXPR_OP_ANY) {
			return value{}
		}
	}
	if len(list) == 0 || op != "=" && op != "<>" {
		return value{}
	}
	v := e.value(x.GetLexpr())
	out := value{kind: truthValue, truth: !any}
	for _, n := range list {
		switch r := compared("=", v, e.value(n)); {
		case r.kind == truthValue && r.truth:
			return value{kind: truthValue, truth: any}
		case r.kind != truthValue && out.kind != unknownValue:
			out = value{kind: r.kind}
		}
	}
	return out
}

// compared is a comparison of two values. Which text comes first depends on the
// collation.
func compared(op string, a, b value) value {
	switch {
	case a.kind == unknownValue || b.kind == unknownValue:
		return value{}
	case a.kind == nullValue || b.kind == nullValue:
		switch op {
		case "=", "<>", "!=", "<", "<=", ">", ">=":
			return value{kind: nullValue}
		}
		return value{}
	case a.kind == numberValue && b.kind == textValue:
		b = decimalValue(b.text)
	case a.kind == textValue && b.kind == numberValue:
		a = decimalValue(a.text)
	}
	if a.kind != b.kind {
		return value{}
	}
	var sign int
	switch a.kind {
	case numberValue:
		sign = a.number.Cmp(b.number)
	case textValue, truthValue:
		if op != "=" && op != "<>" && op != "!=" {
			return value{}
		}
		if a.text != b.text || a.truth != b.truth {
			sign = 1
		}
	default:
		return value{}
	}
	truth, known := map[string]bool{"=": sign == 0, "<>": sign != 0, "!=": sign != 0, "<": sign < 0, "<=": sign <= 0, ">": sign > 0, ">=": sign >= 0}[op]
	if !known {
		return value{}
	}
	return value{kind: truthValue, truth: truth}
}

// call is a function of one text that is the same everywhere.
func (e *evaluation) call(x *pgparse.FuncCall) value {
	schema, name := schemaAndName(x.GetFuncname())
	if len(x.GetArgs()) != 1 || schema != "" && schema != "pg_catalog" || schema == "" && len(e.c.Functions("", name)) > 0 {
		return value{}
	}
	v := e.value(x.GetArgs()[0])
	if v.kind != textValue {
		return value{}
	}
	switch name {
	case "length", "char_length", "character_length":
		return value{kind: numberValue, number: big.NewRat(int64(utf8.RuneCountInString(v.text)), 1)}
	case "btrim":
		return value{kind: textValue, text: strings.Trim(v.text, " ")}
	}
	return value{}
}
