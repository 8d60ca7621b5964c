package predicate

import "github.com/onward-sql/onward/internal/pgparse"

// Outcomes is the set of what a condition may come to.
type Outcomes uint8

// The outcomes of a condition. A CHECK refuses what is False, a WHERE what is not
// True.
const (
	True Outcomes = 1 << iota
	False
	Nothing // NULL

	anything = True | False | Nothing
)

// May reports whether a condition may come to one of some outcomes.
func (o Outcomes) May(x Outcomes) bool { return o&x != 0 }

// Not is what NOT makes of a condition.
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

// And is what AND makes of two conditions that have nothing to do with one
// another.
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

// Or is And's counterpart.
func Or(x, y Outcomes) Outcomes { return Not(And(Not(x), Not(y))) }

// equal is "=" of two conditions.
func equal(x, y Outcomes) Outcomes {
	var out Outcomes
	if x&True != 0 && y&True != 0 || x&False != 0 && y&False != 0 {
		out |= True
	}
	if x&True != 0 && y&False != 0 || x&False != 0 && y&True != 0 {
		out |= False
	}
	return out | (x|y)&Nothing
}

// Outcomes is what a value comes to as a condition.
func (v Value) Outcomes() Outcomes {
	switch v.Kind {
	case Null:
		return Nothing
	case Truth:
		return certain(v.Truth)
	case Some:
		return True | False
	}
	return anything
}

// value is the condition as a value.
func (o Outcomes) value() Value {
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

func certain(b bool) Outcomes {
	if b {
		return True
	}
	return False
}

// tested is IS TRUE and its like.
func tested(x Outcomes, by pgparse.BoolTestType) Outcomes {
	of := map[pgparse.BoolTestType]Outcomes{
		pgparse.BoolTestType_IS_TRUE: True, pgparse.BoolTestType_IS_NOT_TRUE: False | Nothing,
		pgparse.BoolTestType_IS_FALSE: False, pgparse.BoolTestType_IS_NOT_FALSE: True | Nothing,
		pgparse.BoolTestType_IS_UNKNOWN: Nothing, pgparse.BoolTestType_IS_NOT_UNKNOWN: True | False,
	}[by]
	if of == 0 {
		return anything
	}
	var out Outcomes
	if x&of != 0 {
		out |= True
	}
	if x&^of != 0 {
		out |= False
	}
	return out
}
