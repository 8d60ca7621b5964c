package predicate

import "github.com/onward-sql/onward/internal/pgparse"

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
