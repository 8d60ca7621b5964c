package fill

import (
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/lazyregexp"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/predicate"
)

// facts are the requirements on a column's values that its constraints have, as far as they are understood. CHECK (age >= 18)
// gives lo "18". They may be incomplete: the server tries a sample.
type facts struct {
	in, not        []string // the only values, and forbidden ones
	lo, hi         string   // bounds, as text of the type; "": none
	loOpen, hiOpen bool
	minLen, maxLen int // of a text; maxLen 0: none
	minItems       int // of an array
	maxItems       int
	patterns       []string // regular expressions; they start with (?i) if case does not matter
	likes          []string
	notNull        bool
	null           bool
}

func (f *facts) cloneFacts() *facts {
	c := *f
	c.in, c.not, c.patterns, c.likes = slices.Clone(f.in), slices.Clone(f.not), slices.Clone(f.patterns), slices.Clone(f.likes)
	return &c
}

// reading collects the facts of the columns of one table.
type reading struct {
	of map[string]*facts // by column
	// before holds pairs of columns of which the first must be less than the
	// second.
	before [][2]string
	// anyBranch: the first understood branch of an OR is enough, as for the
	// bounds of a partition. For a CHECK, values for all branches are mixed on
	// the server.
	anyBranch bool
	// value is the column that VALUE means in a domain's condition.
	value string
}

func (r *reading) cloneReading() *reading {
	c := &reading{of: map[string]*facts{}, before: slices.Clone(r.before), value: r.value, anyBranch: r.anyBranch}
	for n, f := range r.of {
		c.of[n] = f.cloneFacts()
	}
	return c
}

func (r *reading) factsOf(name string) *facts {
	if r.of[name] == nil {
		r.of[name] = &facts{}
	}
	return r.of[name]
}

// readCondition adds the facts of a condition that must be true; false: a part of it was
// not understood.
func (r *reading) readCondition(n *pgparse.Node) bool {
	switch m := pgparse.Unwrap(n).(type) {
	case *pgparse.BoolExpr:
		switch m.GetBoolop() {
		case pgparse.BoolExprType_AND_EXPR:
			all := true
			for _, a := range m.GetArgs() {
				all = r.readCondition(a) && all
			}
			return all
		case pgparse.BoolExprType_OR_EXPR:
			return r.readOr(m.GetArgs())
		default:
			if name := r.columnName(m.GetArgs()[0]); name != "" {
				return r.requireValue(name, "false")
			}
		}
	case *pgparse.NullTest:
		if name := r.columnName(m.GetArg()); name != "" {
			f := r.factsOf(name)
			if m.GetNulltesttype() == pgparse.NullTestType_IS_NOT_NULL {
				f.notNull = true
			} else {
				f.null = true
			}
			return !f.null || !f.notNull
		}
	case *pgparse.BooleanTest:
		if name := r.columnName(m.GetArg()); name != "" {
			switch m.GetBooltesttype() {
			case pgparse.BoolTestType_IS_TRUE:
				r.factsOf(name).notNull = true
				return r.requireValue(name, "true")
			case pgparse.BoolTestType_IS_FALSE:
				r.factsOf(name).notNull = true
				return r.requireValue(name, "false")
			}
		}
	case *pgparse.ColumnRef:
		if name := r.columnName(n); name != "" {
			return r.requireValue(name, "true")
		}
	case *pgparse.A_Expr:
		return r.readComparison(m)
	}
	return false
}

// readOr takes the first branch that is understood completely: what satisfies it
// satisfies the condition. A branch that only allows NULL is the last choice.
func (r *reading) readOr(branches []*pgparse.Node) bool {
	var null *reading
	values := 0
	for _, b := range branches {
		if t, ok := pgparse.Unwrap(b).(*pgparse.NullTest); !ok || t.GetNulltesttype() != pgparse.NullTestType_IS_NULL {
			values++
		}
	}
	if values > 1 && !r.anyBranch {
		return false
	}
	for _, b := range branches {
		c := r.cloneReading()
		if !c.readCondition(b) {
			continue
		}
		if t, ok := pgparse.Unwrap(b).(*pgparse.NullTest); ok && t.GetNulltesttype() == pgparse.NullTestType_IS_NULL {
			if null == nil {
				null = c
			}
			continue
		}
		*r = *c
		return true
	}
	if null != nil {
		*r = *null
		return true
	}
	return false
}

// columnName returns the name of the column if an expression is one, ignoring casts.
func (r *reading) columnName(n *pgparse.Node) string {
	n = pgparse.StripCasts(n)
	if c := n.GetCollateClause(); c != nil {
		return r.columnName(c.GetArg())
	}
	fields := n.GetColumnRef().GetFields()
	if len(fields) == 0 {
		return ""
	}
	name := pgparse.LastText(fields)
	if r.value != "" && name == "value" {
		return r.value
	}
	return name
}

// constantText returns the text of a constant, ignoring casts.
func constantText(n *pgparse.Node) (string, bool) {
	n = pgparse.StripCasts(n)
	if e := n.GetAExpr(); e != nil && e.GetLexpr() == nil && operatorName(e) == "-" {
		s, ok := constantText(e.GetRexpr())
		return "-" + s, ok
	}
	return predicate.LiteralText(n)
}

// constantList returns the elements of an ARRAY[…] or a '{…}' of simple elements.
func constantList(n *pgparse.Node) ([]string, bool) {
	n = pgparse.StripCasts(n)
	var items []*pgparse.Node
	if a := n.GetAArrayExpr(); a != nil {
		items = a.GetElements()
	} else if l := n.GetList(); l != nil {
		items = l.GetItems()
	} else {
		s, ok := constantText(n)
		if !ok || len(s) < 2 || s[0] != '{' || strings.ContainsAny(s, `"\`) {
			return nil, false
		}
		return strings.Split(s[1:len(s)-1], ","), true
	}
	var out []string
	for _, item := range items {
		s, ok := constantText(item)
		if !ok {
			return nil, false
		}
		out = append(out, s)
	}
	return out, len(out) > 0
}

func operatorName(e *pgparse.A_Expr) string { return pgparse.LastText(e.GetName()) }

// listLiterals lists the constants of an expression: they are worth trying as values.
func listLiterals(n *pgparse.Node) []string {
	var out []string
	pgparse.Walk(n, func(msg any) bool {
		if c, ok := msg.(*pgparse.A_Const); ok {
			switch v := c.GetVal().(type) {
			case *pgparse.A_Const_Ival:
				k := int64(v.Ival.GetIval())
				out = append(out, itoa(k), itoa(k-1), itoa(k+1))
			case *pgparse.A_Const_Fval:
				out = append(out, v.Fval.GetFval())
			case *pgparse.A_Const_Sval:
				out = append(out, v.Sval.GetSval())
			}
		}
		return true
	})
	slices.Sort(out)
	return slices.Compact(out)
}

var rangeCall = lazyregexp.New(`\w+range\(("[^"]+"|\w+)(?:\)?::[\w ]+)?, \(?("[^"]+"|\w+)`)

// rangePairs finds tsrange(a, b) in the definition of an exclusion constraint.
func rangePairs(def string) [][2]string {
	var out [][2]string
	for _, m := range rangeCall.FindAllStringSubmatch(def, -1) {
		out = append(out, [2]string{strings.Trim(m[1], `"`), strings.Trim(m[2], `"`)})
	}
	return out
}
