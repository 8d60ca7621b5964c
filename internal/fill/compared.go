package fill

import (
	"slices"

	"github.com/onward-sql/onward/internal/pgparse"
)

var mirrored = map[string]string{"<": ">", "<=": ">=", ">": "<", ">=": "<=", "=": "=", "<>": "<>"}

func (r *reading) comparison(e *pgparse.A_Expr) bool {
	op := operator(e)
	left, right := e.GetLexpr(), e.GetRexpr()
	switch e.GetKind() {
	case pgparse.A_Expr_Kind_AEXPR_OP_ANY, pgparse.A_Expr_Kind_AEXPR_IN, pgparse.A_Expr_Kind_AEXPR_OP_ALL:
		list, ok := constants(right)
		name := r.column(left)
		if !ok || name == "" {
			return false
		}
		switch {
		case op == "=" && e.GetKind() != pgparse.A_Expr_Kind_AEXPR_OP_ALL:
			return r.only(name, list)
		case op == "<>" && e.GetKind() != pgparse.A_Expr_Kind_AEXPR_OP_ANY:
			r.facts(name).not = append(r.facts(name).not, list...)
			return true
		}
		return false
	case pgparse.A_Expr_Kind_AEXPR_BETWEEN:
		list, ok := constants(right)
		return ok && len(list) == 2 && r.bound(left, ">=", list[0]) && r.bound(left, "<=", list[1])
	case pgparse.A_Expr_Kind_AEXPR_LIKE, pgparse.A_Expr_Kind_AEXPR_OP:
	default:
		return false
	}
	a, b := r.column(left), r.column(right)
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
	if v, ok := constant(right); ok {
		return r.bound(left, op, v)
	}
	if v, ok := constant(left); ok && mirrored[op] != "" {
		return r.bound(right, mirrored[op], v)
	}
	return false
}

func (r *reading) equal(name, v string) bool { return r.only(name, []string{v}) }

func (r *reading) only(name string, list []string) bool {
	f := r.facts(name)
	if f.in == nil {
		f.in = list
		return true
	}
	f.in = slices.DeleteFunc(slices.Clone(f.in), func(s string) bool { return !slices.Contains(list, s) })
	return len(f.in) > 0
}

// bound takes "expression operator constant".
func (r *reading) bound(left *pgparse.Node, op, v string) bool {
	if name := r.column(left); name != "" {
		f := r.facts(name)
		switch op {
		case "=":
			return r.equal(name, v)
		case "<>":
			f.not = append(f.not, v)
		case ">", ">=":
			if f.lo == "" || later(v, f.lo) {
				f.lo, f.loOpen = v, op == ">"
			}
		case "<", "<=":
			if f.hi == "" || later(f.hi, v) {
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
	return r.measured(left, op, v)
}

// measured notes the bound of a length: length(x) > 3.
func (r *reading) measured(left *pgparse.Node, op, v string) bool {
	call := left.GetFuncCall()
	if call == nil || len(call.GetArgs()) == 0 {
		return false
	}
	names := call.GetFuncname()
	function := pgparse.Last(names)
	arg := call.GetArgs()[0]
	if inner := arg.GetFuncCall(); inner != nil && len(inner.GetArgs()) == 1 { // length(btrim(x))
		arg = inner.GetArgs()[0]
	}
	name := r.column(arg)
	n, ok := atoi(v)
	if name == "" || !ok {
		return false
	}
	f := r.facts(name)
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
		*hi = least(*hi, int(n)-1)
	case "<=":
		*hi = least(*hi, int(n))
	case "=":
		*lo, *hi = max(*lo, int(n)), least(*hi, int(n))
	case "<>":
		if n == 0 {
			*lo = max(*lo, 1)
		}
	default:
		return false
	}
	return true
}

// least is the smaller of two bounds, of which 0 is none.
func least(a, b int) int {
	if a == 0 || b < a {
		return b
	}
	return a
}

// later compares numbers as numbers and all else as text, which is right for
// dates as Postgres writes them.
func later(a, b string) bool {
	x, okx := parseFloat(a)
	y, oky := parseFloat(b)
	if okx && oky {
		return x > y
	}
	return a > b
}
