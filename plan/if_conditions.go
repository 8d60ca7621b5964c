package plan

import (
	"strings"

	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/pgparse"
)

// truth is the value of a condition that may not be known.
type truth int

const (
	unknown truth = iota
	isFalse
	isTrue
)

// truthOf returns isTrue or isFalse.
func truthOf(b bool) truth {
	if b {
		return isTrue
	}
	return isFalse
}

func (t truth) negate() truth {
	switch t {
	case isTrue:
		return isFalse
	case isFalse:
		return isTrue
	}
	return unknown
}

// guards evaluates conditions about a schema, such as NOT EXISTS (SELECT FROM information_schema.columns WHERE …).
type guards struct{ schema *catalog.Catalog }

// evaluate returns the value of the condition of an IF.
func (g guards) evaluate(condition string) truth {
	n := pgparse.ParseExpression(condition)
	if n == nil {
		return unknown
	}
	return g.evaluateNode(n, nil)
}

// evaluateNode evaluates a condition for a row; nil outside of a query.
func (g guards) evaluateNode(n *pgparse.Node, row guardRow) truth {
	switch x := pgparse.Unwrap(n).(type) {
	case *pgparse.BoolExpr:
		return g.evaluateBool(x, row)
	case *pgparse.NullTest:
		return g.evaluateRegclass(x)
	case *pgparse.SubLink:
		q := x.Subselect.GetSelectStmt()
		switch {
		case row != nil:
			return unknown // it may refer to the row
		case x.SubLinkType == pgparse.SubLinkType_EXISTS_SUBLINK:
			return g.hasRow(q)
		case x.SubLinkType == pgparse.SubLinkType_EXPR_SUBLINK && len(q.GetTargetList()) == 1 && len(q.GetFromClause()) == 0 && q.GetWhereClause() == nil:
			return g.evaluateNode(q.TargetList[0].GetResTarget().GetVal(), row)
		}
	case *pgparse.A_Expr:
		return g.compareTexts(x, row)
	}
	return unknown
}

func (g guards) evaluateBool(x *pgparse.BoolExpr, row guardRow) truth {
	if x.Boolop == pgparse.BoolExprType_NOT_EXPR {
		return g.evaluateNode(x.Args[0], row).negate()
	}
	decides := isFalse // an AND
	if x.Boolop == pgparse.BoolExprType_OR_EXPR {
		decides = isTrue
	}
	out := decides.negate()
	for _, arg := range x.Args {
		switch v := g.evaluateNode(arg, row); v {
		case decides:
			return decides
		case unknown:
			out = unknown
		}
	}
	return out
}

// evaluateRegclass evaluates to_regclass('x') IS NULL, and IS NOT NULL.
func (g guards) evaluateRegclass(x *pgparse.NullTest) truth {
	call := pgparse.StripCasts(x.Arg).GetFuncCall()
	if call == nil || pgparse.LastText(call.Funcname) != "to_regclass" || len(call.Args) != 1 {
		return unknown
	}
	name, ok := g.evaluateText(call.Args[0], nil)
	if !ok {
		return unknown
	}
	return truthOf((g.lookupRelation(name) != nil) == (x.Nulltesttype == pgparse.NullTestType_IS_NOT_NULL))
}

// lookupRelation finds the relation that a text names, as ::regclass does.
func (g guards) lookupRelation(name string) *catalog.Relation {
	names := pgparse.ListNames(name)
	switch len(names) {
	case 1:
		return g.schema.Lookup("", names[0])
	case 2:
		return g.schema.Lookup(names[0], names[1])
	}
	return nil
}

// hasRow reports whether a query of one system view finds a row.
func (g guards) hasRow(q *pgparse.SelectStmt) truth {
	if len(q.GetFromClause()) != 1 || len(q.GetGroupClause())+len(q.GetValuesLists()) > 0 || q.GetHavingClause() != nil || q.GetWithClause() != nil ||
		q.GetOp() != pgparse.SetOperation_SETOP_NONE || q.GetLimitOffset() != nil ||
		q.GetLimitCount() != nil && q.GetLimitCount().GetAConst().GetIval().GetIval() < 1 {
		return unknown
	}
	for _, n := range q.TargetList {
		if v := n.GetResTarget().GetVal(); v.GetAConst() == nil && v.GetColumnRef() == nil {
			return unknown // an aggregate returns a row of no rows
		}
	}
	from := q.FromClause[0].GetRangeVar()
	list := guardRows[from.GetRelname()]
	if list == nil || (from.GetSchemaname() == "information_schema") == strings.HasPrefix(from.GetRelname(), "pg_") {
		return unknown
	}
	found := isFalse
	list(g.schema, func(row guardRow) {
		condition := isTrue
		if q.GetWhereClause() != nil {
			condition = g.evaluateNode(q.GetWhereClause(), row)
		}
		if condition == isTrue || condition == unknown && found == isFalse {
			found = condition
		}
	})
	return found
}

// compareTexts evaluates a = 'x', a <> 'x' and a IN ('x', 'y').
func (g guards) compareTexts(x *pgparse.A_Expr, row guardRow) truth {
	left, ok := g.evaluateText(x.Lexpr, row)
	op := pgparse.LastText(x.Name)
	if !ok || op != "=" && op != "<>" {
		return unknown
	}
	var right []*pgparse.Node
	switch x.Kind {
	case pgparse.A_Expr_Kind_AEXPR_OP:
		right = []*pgparse.Node{x.Rexpr}
	case pgparse.A_Expr_Kind_AEXPR_IN:
		right = pgparse.ListItems(x.Rexpr)
	default:
		return unknown
	}
	found := isFalse
	for _, n := range right {
		text, ok := g.evaluateText(n, row)
		switch {
		case !ok:
			return unknown
		case text == left:
			found = isTrue
		}
	}
	if op == "<>" {
		return found.negate()
	}
	return found
}

// evaluateText returns the text of a constant, of a column of a row, or of the OID that 'x'::regclass is.
func (g guards) evaluateText(n *pgparse.Node, row guardRow) (string, bool) {
	switch x := pgparse.Unwrap(n).(type) {
	case *pgparse.A_Const:
		if x.GetSval() != nil {
			return x.GetSval().Sval, true
		}
	case *pgparse.ColumnRef:
		text, ok := row[pgparse.LastText(x.Fields)]
		return text, ok
	case *pgparse.TypeCast:
		text, ok := g.evaluateText(x.Arg, row)
		if pgparse.LastText(x.GetTypeName().GetNames()) != "regclass" || !ok {
			return text, ok
		}
		if r := g.lookupRelation(text); r != nil {
			return oidText(r.OID), true
		}
	case *pgparse.FuncCall:
		if name := pgparse.LastText(x.Funcname); name == "current_schema" {
			return g.schema.CreationSchema(), true
		}
	case *pgparse.SQLValueFunction:
		if x.Op == pgparse.SQLValueFunctionOp_SVFOP_CURRENT_SCHEMA {
			return g.schema.CreationSchema(), true
		}
	}
	return "", false
}
