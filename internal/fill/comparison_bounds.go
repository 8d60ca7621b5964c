package fill

import (
	"slices"

	"github.com/onward-sql/onward/internal/pgparse"
)

// mirrored has the operator for swapped operands: 5 < x is x > 5.
var mirrored = map[string]string{"<": ">", "<=": ">=", ">": "<", ">=": "<=", "=": "=", "<>": "<>"}

// readComparison adds the facts of a comparison with constants: x >= 5, x IN ('a', 'b'), x LIKE 'a%', length(x) > 3. It reports whether it
// understood all of it.
func (r *reading) readComparison(e *pgparse.A_Expr) bool {
	op := operatorName(e)
	left, right := e.GetLexpr(), e.GetRexpr()
	switch e.GetKind() {
	case pgparse.A_Expr_Kind_AEXPR_OP_ANY, pgparse.A_Expr_Kind_AEXPR_IN, pgparse.A_Expr_Kind_AEXPR_OP_ALL:
		list, ok := constantList(right)
		name := r.columnName(left)
		if !ok || name == "" {
			return false
		}
		switch {
		case op == "=" && e.GetKind() != pgparse.A_Expr_Kind_AEXPR_OP_ALL:
			return r.requireOneOf(name, list)
		case op == "<>" && e.GetKind() != pgparse.A_Expr_Kind_AEXPR_OP_ANY:
			r.factsOf(name).not = append(r.factsOf(name).not, list...)
			return true
		}
		return false
	case pgparse.A_Expr_Kind_AEXPR_BETWEEN:
		list, ok := constantList(right)
		return ok && len(list) == 2 && r.readBound(left, ">=", list[0]) && r.readBound(left, "<=", list[1])
	case pgparse.A_Expr_Kind_AEXPR_LIKE, pgparse.A_Expr_Kind_AEXPR_OP:
	default:
		return false
	}
	a, b := r.columnName(left), r.columnName(right)
	if a != "" && b != "" {
		switch op {
		case "<", "<=":
			r.before = append(r.before, [2]string{a, b})
			return true
		case ">", ">=":
			r.before = append(r.before, [2]string{b, a})
			return true
		}
		return false
	}
	if v, ok := constantText(right); ok {
		return r.readBound(left, op, v)
	}
	if v, ok := constantText(left); ok && mirrored[op] != "" {
		return r.readBound(right, mirrored[op], v)
	}
	return false
}

func (r *reading) requireValue(name, v string) bool { return r.requireOneOf(name, []string{v}) }

func (r *reading) requireOneOf(name string, list []string) bool {
	f := r.factsOf(name)
	if f.in == nil {
		f.in = list
		return true
	}
	f.in = slices.DeleteFunc(slices.Clone(f.in), func(s string) bool { return !slices.Contains(list, s) })
	return len(f.in) > 0
}

// readBound reads "expression operator constant".
func (r *reading) readBound(left *pgparse.Node, op, v string) bool {
	if name := r.columnName(left); name != "" {
		f := r.factsOf(name)
		switch op {
		case "=":
			return r.requireValue(name, v)
		case "<>":
			f.not = append(f.not, v)
		case ">", ">=":
			if f.lo == "" || isGreaterBound(v, f.lo) {
				f.lo, f.loOpen = v, op == ">"
			}
		case "<", "<=":
			if f.hi == "" || isGreaterBound(f.hi, v) {
				f.hi, f.hiOpen = v, op == "<"
			}
		case "~":
			f.patterns = append(f.patterns, v)
		case "~*":
			f.patterns = append(f.patterns, "(?i)"+v)
		case "~~", "~~*":
			f.likes = append(f.likes, v)
		default:
			return false
		}
		return true
	}
	return r.readLengthBound(left, op, v)
}

// readLengthBound records the bound of a length: length(x) > 3.
func (r *reading) readLengthBound(left *pgparse.Node, op, v string) bool {
	call := left.GetFuncCall()
	if call == nil || len(call.GetArgs()) == 0 {
		return false
	}
	names := call.GetFuncname()
	function := pgparse.LastText(names)
	arg := call.GetArgs()[0]
	if inner := arg.GetFuncCall(); inner != nil && len(inner.GetArgs()) == 1 { // length(btrim(x))
		arg = inner.GetArgs()[0]
	}
	name := r.columnName(arg)
	n, ok := atoi(v)
	if name == "" || !ok {
		return false
	}
	f := r.factsOf(name)
	lo, hi := &f.minLen, &f.maxLen
	switch function {
	case "length", "char_length", "character_length", "octet_length":
	case "array_length", "cardinality":
		lo, hi = &f.minItems, &f.maxItems
	default:
		return false
	}
	switch op {
	case ">":
		*lo = max(*lo, int(n)+1)
	case ">=":
		*lo = max(*lo, int(n))
	case "<":
		*hi = smallerBound(*hi, int(n)-1)
	case "<=":
		*hi = smallerBound(*hi, int(n))
	case "=":
		*lo, *hi = max(*lo, int(n)), smallerBound(*hi, int(n))
	case "<>":
		if n == 0 {
			*lo = max(*lo, 1)
		}
	default:
		return false
	}
	return true
}

// smallerBound returns the smaller of two bounds, where 0 means none.
func smallerBound(a, b int) int {
	if a == 0 || b < a {
		return b
	}
	return a
}

// isGreaterBound compares numbers as numbers and everything else as text, which is right
// for dates in Postgres' format.
func isGreaterBound(a, b string) bool {
	x, okx := parseFloat(a)
	y, oky := parseFloat(b)
	if okx && oky {
		return x > y
	}
	return a > b
}
