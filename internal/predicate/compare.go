package predicate

import (
	"slices"

	"github.com/onward-sql/onward/internal/pgparse"
)

// evalComparison returns the outcomes of "a < b", IN, ANY, ALL, BETWEEN and IS DISTINCT FROM.
func (r *Row) evalComparison(x *pgparse.A_Expr, depth int) Outcomes {
	if len(x.GetName()) != 1 || x.GetLexpr() == nil {
		return anything
	}
	left := func() Value { return r.evalValue(x.GetLexpr(), depth+1) }
	switch op := operatorName(x); x.GetKind() {
	case pgparse.A_Expr_Kind_AEXPR_OP:
		if l, right := x.GetLexpr(), x.GetRexpr(); (op == "=" || op == "<>" || op == "!=") && isCondition(l) && isCondition(right) {
			out := equalOutcomes(r.evalOutcomes(l, depth+1), r.evalOutcomes(right, depth+1))
			if op != "=" {
				out = Not(out)
			}
			return out
		}
		return CompareValues(op, left(), r.evalValue(x.GetRexpr(), depth+1))
	case pgparse.A_Expr_Kind_AEXPR_IN, pgparse.A_Expr_Kind_AEXPR_OP_ANY, pgparse.A_Expr_Kind_AEXPR_OP_ALL:
		return r.evalMember(x, op, depth)
	case pgparse.A_Expr_Kind_AEXPR_BETWEEN, pgparse.A_Expr_Kind_AEXPR_NOT_BETWEEN:
		ends := x.GetRexpr().GetList().GetItems()
		if len(ends) != 2 {
			return anything
		}
		v := left()
		out := And(CompareValues(">=", v, r.evalValue(ends[0], depth+1)), CompareValues("<=", v, r.evalValue(ends[1], depth+1)))
		if x.GetKind() == pgparse.A_Expr_Kind_AEXPR_NOT_BETWEEN {
			return Not(out)
		}
		return out
	case pgparse.A_Expr_Kind_AEXPR_DISTINCT, pgparse.A_Expr_Kind_AEXPR_NOT_DISTINCT:
		out := evalDistinct(left(), r.evalValue(x.GetRexpr(), depth+1))
		if x.GetKind() == pgparse.A_Expr_Kind_AEXPR_NOT_DISTINCT {
			return Not(out)
		}
		return out
	}
	return anything
}

// isCondition reports whether an expression has the form of a condition.
func isCondition(n *pgparse.Node) bool {
	return n.GetBoolExpr() != nil || n.GetNullTest() != nil || n.GetBooleanTest() != nil
}

// evalDistinct evaluates IS DISTINCT FROM, which is never NULL.
func evalDistinct(a, b Value) Outcomes {
	switch {
	case a.Kind == Unknown || b.Kind == Unknown:
		return True | False
	case a.Kind == Null || b.Kind == Null:
		return certainOutcome(a.Kind != b.Kind)
	}
	return Not(CompareValues("=", a, b))
}

// evalMember evaluates x IN (…), x = ANY (ARRAY[…]), x NOT IN (…), x <> ALL (ARRAY[…]).
func (r *Row) evalMember(x *pgparse.A_Expr, op string, depth int) Outcomes {
	list := listElements(x)
	in := op == "="
	if len(list) == 0 || !in && op != "<>" && op != "!=" || x.GetKind() == pgparse.A_Expr_Kind_AEXPR_OP_ANY && !in ||
		x.GetKind() == pgparse.A_Expr_Kind_AEXPR_OP_ALL && in {
		return anything
	}
	v := r.evalValue(x.GetLexpr(), depth+1)
	out := False
	for _, n := range list {
		out = Or(out, CompareValues("=", v, r.evalValue(n, depth+1)))
	}
	if in {
		return out
	}
	return Not(out)
}

// listElements returns the values that IN, ANY and ALL compare with; nil if they are not a
// list.
func listElements(x *pgparse.A_Expr) []*pgparse.Node {
	if x.GetKind() == pgparse.A_Expr_Kind_AEXPR_IN {
		return x.GetRexpr().GetList().GetItems()
	}
	return pgparse.StripCasts(x.GetRexpr()).GetAArrayExpr().GetElements()
}

var comparisons = []string{"=", "<>", "!=", "<", "<=", ">", ">="}

// CompareValues returns the possible outcomes of comparing two values. The order of texts
// depends on the collation.
func CompareValues(op string, a, b Value) Outcomes {
	if !slices.Contains(comparisons, op) {
		return anything
	}
	switch {
	case a.Kind == Null || b.Kind == Null:
		return Nothing
	case a.Kind == Unknown || b.Kind == Unknown:
		return anything
	case a.Kind == Number && b.Kind == Text:
		b = ParseDecimal(b.Text)
	case a.Kind == Text && b.Kind == Number:
		a = ParseDecimal(a.Text)
	case a.Kind == Truth && b.Kind == Text:
		b = ParseBoolean(b.Text)
	case a.Kind == Text && b.Kind == Truth:
		a = ParseBoolean(a.Text)
	}
	if a.Kind != b.Kind {
		return True | False
	}
	sign := 0
	switch a.Kind {
	case Number:
		if a.Number.IsInt() && b.Number.IsInt() {
			sign = a.Number.Num().Cmp(b.Number.Num()) // a third of the time: a list of a CHECK is compared for each UPDATE
		} else {
			sign = a.Number.Cmp(b.Number)
		}
	case Text, Truth:
		equal := a.Text == b.Text && a.Truth == b.Truth
		if op != "=" && op != "<>" && op != "!=" || !equal && (a.Loose || b.Loose) {
			return True | False
		}
		if !equal {
			sign = 1
		}
	default:
		return True | False
	}
	return certainOutcome(holdsFor(op, sign))
}

// holdsFor reports whether a comparison holds for two values with the given order.
func holdsFor(op string, sign int) bool {
	switch op {
	case "=":
		return sign == 0
	case "<":
		return sign < 0
	case "<=":
		return sign <= 0
	case ">":
		return sign > 0
	case ">=":
		return sign >= 0
	}
	return sign != 0
}

// Outcomes is the set of possible results of a condition in SQL's three-valued logic.
type Outcomes uint8

// The results of a condition. A CHECK refuses a row if it is False, a WHERE if it is not
// True.
const (
	True Outcomes = 1 << iota
	False
	Nothing // NULL

	anything = True | False | Nothing
)

// MayBe reports whether a condition may have one of some outcomes.
func (o Outcomes) MayBe(x Outcomes) bool { return o&x != 0 }

// Not returns the outcomes of NOT.
func Not(x Outcomes) Outcomes {
	out := x & Nothing
	if x&True != 0 {
		out |= False
	}
	if x&False != 0 {
		out |= True
	}
	return out
}

// And returns the outcomes of AND for two independent conditions.
func And(x, y Outcomes) Outcomes {
	out := (x | y) & False
	if x&True != 0 && y&True != 0 {
		out |= True
	}
	if x&Nothing != 0 && y&(True|Nothing) != 0 || y&Nothing != 0 && x&(True|Nothing) != 0 {
		out |= Nothing
	}
	return out
}

// Or returns the outcomes of OR for two independent conditions.
func Or(x, y Outcomes) Outcomes { return Not(And(Not(x), Not(y))) }

// equalOutcomes returns the outcomes of "=" for two conditions.
func equalOutcomes(x, y Outcomes) Outcomes {
	var out Outcomes
	if x&True != 0 && y&True != 0 || x&False != 0 && y&False != 0 {
		out |= True
	}
	if x&True != 0 && y&False != 0 || x&False != 0 && y&True != 0 {
		out |= False
	}
	return out | (x|y)&Nothing
}

// AsOutcomes returns the outcomes of a value used as a condition.
func (v Value) AsOutcomes() Outcomes {
	switch v.Kind {
	case Null:
		return Nothing
	case Truth:
		return certainOutcome(v.Truth)
	case Some:
		return True | False
	}
	return anything
}

// asValue returns the condition as a value.
func (o Outcomes) asValue() Value {
	switch o {
	case True, False:
		return TruthOf(o == True)
	case Nothing:
		return Value{Kind: Null}
	case True | False:
		return Value{Kind: Some}
	}
	return Value{}
}

func certainOutcome(b bool) Outcomes {
	if b {
		return True
	}
	return False
}

// evalTest returns the outcomes of IS TRUE and similar tests.
func evalTest(x Outcomes, test pgparse.BoolTestType) Outcomes {
	trueOutcomes := map[pgparse.BoolTestType]Outcomes{
		pgparse.BoolTestType_IS_TRUE: True, pgparse.BoolTestType_IS_NOT_TRUE: False | Nothing,
		pgparse.BoolTestType_IS_FALSE: False, pgparse.BoolTestType_IS_NOT_FALSE: True | Nothing,
		pgparse.BoolTestType_IS_UNKNOWN: Nothing, pgparse.BoolTestType_IS_NOT_UNKNOWN: True | False,
	}[test]
	if trueOutcomes == 0 {
		return anything
	}
	var out Outcomes
	if x&trueOutcomes != 0 {
		out |= True
	}
	if x&^trueOutcomes != 0 {
		out |= False
	}
	return out
}
