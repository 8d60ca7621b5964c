package fill

import (
	"regexp"
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/predicate"
)

// facts are what the understood part of a column's constraints asks of its
// values. They need not be the whole truth: the server tries a sample.
type facts struct {
	in, not        []string // the only values, and forbidden ones
	lo, hi         string   // bounds, as text of the type; "": none
	loOpen, hiOpen bool
	minLen, maxLen int // of a text; maxLen 0: none
	minItems       int // of an array
	maxItems       int
	patterns       []string // regular expressions; (?i) in front when case does not matter
	likes          []string
	notNull        bool
	null           bool
}

func (f *facts) clone() *facts {
	c := *f
	c.in, c.not, c.patterns, c.likes = slices.Clone(f.in), slices.Clone(f.not), slices.Clone(f.patterns), slices.Clone(f.likes)
	return &c
}

// reading gathers the facts of the columns of one table.
type reading struct {
	of map[string]*facts
	// before holds pairs of columns of which the first is below the second.
	before [][2]string
	// anyBranch: the first branch of an OR that is understood will do, as for the
	// bounds of a partition. For a CHECK the server mixes all of them.
	anyBranch bool
	// value is the column that VALUE stands for in a domain's condition.
	value string
}

func (r *reading) clone() *reading {
	c := &reading{of: map[string]*facts{}, before: slices.Clone(r.before), value: r.value, anyBranch: r.anyBranch}
	for n, f := range r.of {
		c.of[n] = f.clone()
	}
	return c
}

func (r *reading) facts(name string) *facts {
	if r.of[name] == nil {
		r.of[name] = &facts{}
	}
	return r.of[name]
}

// parseExpression reads an SQL expression; nil when it cannot be read.
func parseExpression(sql string) *pgparse.Node {
	file, err := pgparse.Split("SELECT " + sql)
	if err != nil || len(file.Stmts) != 1 || file.Stmts[0].Err != nil {
		return nil
	}
	targets := file.Stmts[0].Node.GetSelectStmt().GetTargetList()
	if len(targets) != 1 {
		return nil
	}
	return targets[0].GetResTarget().GetVal()
}

// read adds the facts of a condition that must hold; false: a part of it was
// not understood.
func (r *reading) read(n *pgparse.Node) bool {
	switch m := pgparse.Unwrap(n).(type) {
	case *pgparse.BoolExpr:
		switch m.GetBoolop() {
		case pgparse.BoolExprType_AND_EXPR:
			all := true
			for _, a := range m.GetArgs() {
				all = r.read(a) && all
			}
			return all
		case pgparse.BoolExprType_OR_EXPR:
			return r.readOr(m.GetArgs())
		default:
			if name := r.column(m.GetArgs()[0]); name != "" {
				return r.equal(name, "false")
			}
		}
	case *pgparse.NullTest:
		if name := r.column(m.GetArg()); name != "" {
			f := r.facts(name)
			if m.GetNulltesttype() == pgparse.NullTestType_IS_NOT_NULL {
				f.notNull = true
			} else {
				f.null = true
			}
			return !f.null || !f.notNull
		}
	case *pgparse.BooleanTest:
		if name := r.column(m.GetArg()); name != "" {
			switch m.GetBooltesttype() {
			case pgparse.BoolTestType_IS_TRUE:
				r.facts(name).notNull = true
				return r.equal(name, "true")
			case pgparse.BoolTestType_IS_FALSE:
				r.facts(name).notNull = true
				return r.equal(name, "false")
			}
		}
	case *pgparse.ColumnRef:
		if name := r.column(n); name != "" {
			return r.equal(name, "true")
		}
	case *pgparse.A_Expr:
		return r.comparison(m)
	}
	return false
}

// readOr takes the first branch that is understood whole: what satisfies it
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
		c := r.clone()
		if !c.read(b) {
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

// column is the name of the column that an expression is, casts aside.
func (r *reading) column(n *pgparse.Node) string {
	for n.GetTypeCast() != nil {
		n = n.GetTypeCast().GetArg()
	}
	if c := n.GetCollateClause(); c != nil {
		return r.column(c.GetArg())
	}
	fields := n.GetColumnRef().GetFields()
	if len(fields) == 0 {
		return ""
	}
	name := pgparse.Last(fields)
	if r.value != "" && name == "value" {
		return r.value
	}
	return name
}

// constant is the text of a constant, casts aside.
func constant(n *pgparse.Node) (string, bool) {
	for n.GetTypeCast() != nil {
		n = n.GetTypeCast().GetArg()
	}
	if e := n.GetAExpr(); e != nil && e.GetLexpr() == nil && operator(e) == "-" {
		s, ok := constant(e.GetRexpr())
		return "-" + s, ok
	}
	return predicate.Written(n)
}

// constants is the list of an ARRAY[…] or a '{…}' of simple elements.
func constants(n *pgparse.Node) ([]string, bool) {
	for n.GetTypeCast() != nil {
		n = n.GetTypeCast().GetArg()
	}
	var items []*pgparse.Node
	if a := n.GetAArrayExpr(); a != nil {
		items = a.GetElements()
	} else if l := n.GetList(); l != nil {
		items = l.GetItems()
	} else {
		s, ok := constant(n)
		if !ok || len(s) < 2 || s[0] != '{' || strings.ContainsAny(s, `"\`) {
			return nil, false
		}
		return strings.Split(s[1:len(s)-1], ","), true
	}
	var out []string
	for _, item := range items {
		s, ok := constant(item)
		if !ok {
			return nil, false
		}
		out = append(out, s)
	}
	return out, len(out) > 0
}

func operator(e *pgparse.A_Expr) string { return pgparse.Last(e.GetName()) }

// literals lists the constants of an expression: what a condition compares
// with is worth trying as a value.
func literals(n *pgparse.Node) []string {
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

var rangeCall = regexp.MustCompile(`\w+range\(("[^"]+"|\w+)(?:\)?::[\w ]+)?, \(?("[^"]+"|\w+)`)

// rangePairs finds tsrange(a, b) in the definition of an exclusion constraint.
func rangePairs(def string) [][2]string {
	var out [][2]string
	for _, m := range rangeCall.FindAllStringSubmatch(def, -1) {
		out = append(out, [2]string{strings.Trim(m[1], `"`), strings.Trim(m[2], `"`)})
	}
	return out
}
