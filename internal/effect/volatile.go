package effect

import (
	"github.com/onward-sql/onward/internal/catalog/builtin"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/predicate"
	"github.com/onward-sql/onward/internal/refuse"
	"github.com/onward-sql/onward/onward"
)

// volatile reports whether an expression has to be computed for every row;
// unknown names a function that nothing is known of and that is therefore
// taken for volatile.
func (r *run) volatile(expr *pgparse.Node) (is bool, unknown string) {
	pgparse.Walk(expr, func(m any) bool {
		if kept, folded := fold(m); folded {
			for _, n := range kept {
				v, u := r.volatile(n)
				if is = is || v; u != "" {
					unknown = u
				}
			}
			return false
		}
		call, ok := m.(*pgparse.FuncCall)
		if !ok {
			return true
		}
		schema, name := pgparse.SchemaAndName(call.GetFuncname())
		v, guess := r.function(schema, name, len(call.GetArgs()))
		if v {
			is = true
			if guess {
				unknown = name + "()"
			}
		}
		return true
	})
	return is, unknown
}

// volatileOrStable reports whether an expression calls a function that is not
// immutable; unknown names one that nothing is known of.
func (r *run) volatileOrStable(expr *pgparse.Node) (is bool, unknown string) {
	pgparse.Walk(expr, func(m any) bool {
		switch e := m.(type) {
		case *pgparse.SQLValueFunction:
			is = true
		case *pgparse.FuncCall:
			schema, name := pgparse.SchemaAndName(e.GetFuncname())
			immutable, known := r.immutable(schema, name, len(e.GetArgs()))
			if !known {
				unknown = name + "()"
			}
			is = is || !immutable
		}
		return true
	})
	return is, unknown
}

// immutable reports whether some function of that name and number of arguments
// is; known is false where nothing is known of it.
func (r *run) immutable(schema, name string, nargs int) (is, known bool) {
	for _, f := range r.c.Functions(schema, name) {
		if f.Language == "sql" {
			// It is inlined before anybody asks: then its body decides.
			return false, false
		}
		if f.Volatility == "immutable" || len(f.Args) < nargs && !f.Variadic {
			return true, true
		}
		known = true
	}
	if known {
		return false, true
	}
	if schema != "" && schema != "pg_catalog" {
		return false, false
	}
	v, there := builtin.Volatility(name, nargs, onward.NewestMajor)
	// Of overloads only some may be stable: date_trunc() with a time zone.
	return v == builtin.Immutable || v == builtin.Stable && nargs > 0, there
}

// fold gives what the planner keeps of a CASE or COALESCE with constants.
func fold(m any) (kept []*pgparse.Node, folded bool) {
	switch e := m.(type) {
	case *pgparse.CaseExpr:
		if e.GetArg() != nil {
			return nil, false
		}
		for _, n := range e.GetArgs() {
			w := n.GetCaseWhen()
			if predicate.ConstantFalse(w.GetExpr()) || predicate.IsNull(w.GetExpr()) {
				continue
			}
			if predicate.ConstantTrue(w.GetExpr()) {
				return append(kept, w.GetResult()), true
			}
			kept = append(kept, w.GetExpr(), w.GetResult())
		}
		if e.GetDefresult() != nil {
			kept = append(kept, e.GetDefresult())
		}
		return kept, true
	case *pgparse.CoalesceExpr:
		for _, n := range e.GetArgs() {
			if predicate.IsNull(n) {
				continue
			}
			kept = append(kept, n)
			if predicate.End(n) != nil {
				break
			}
		}
		return kept, true
	}
	return nil, false
}

// function is the volatility of a function.
func (r *run) function(schema, name string, nargs int) (volatile, guess bool) {
	for _, f := range r.c.Functions(schema, name) {
		if len(f.Args) < nargs || len(f.Args)-f.Defaults > nargs {
			if !f.Variadic {
				continue
			}
		}
		if f.Volatility != "volatile" && f.Volatility != "" {
			return false, false
		}
		return !r.inlines(f.Language, f.Body, f.ReturnsSet, f.SecurityDefiner, len(f.Args)), false
	}
	if name == "extract" && schema == "pg_catalog" {
		return false, false // 13 calls it date_part
	}
	if schema == "" || schema == "pg_catalog" {
		v, known := builtin.Volatility(name, nargs, r.v.Major())
		// The oldest and the newest server agree on all but a few.
		old, inOld := builtin.Volatility(name, nargs, onward.OldestMajor)
		last, inLast := builtin.Volatility(name, nargs, onward.NewestMajor)
		if inOld != inLast || old != last {
			r.v.AtLeast(onward.OldestMajor)
		}
		if known {
			return v == builtin.Volatile, false
		}
		if inOld || inLast {
			r.refuse(refuse.FunctionMissing, name+"()")
			return true, false
		}
	}
	if v, known := extensionFunction(name); known {
		return v == builtin.Volatile, false
	}
	return true, true
}

// inlines reports whether the planner replaces a call of an SQL function by its
// body, and nothing volatile is left: SELECT of one expression that calls
// nothing volatile itself.
func (r *run) inlines(language, body string, set, definer bool, nargs int) bool {
	if language != "sql" || set || definer || r.depth > 8 {
		return false
	}
	file, err := pgparse.Split(body)
	if err != nil || len(file.Stmts) != 1 || file.Stmts[0].Node == nil {
		return false
	}
	sel := file.Stmts[0].Node.GetSelectStmt()
	if sel == nil || len(sel.GetTargetList()) != 1 || len(sel.GetFromClause()) > 0 || sel.GetWhereClause() != nil ||
		len(sel.GetGroupClause()) > 0 || sel.GetHavingClause() != nil || len(sel.GetSortClause()) > 0 || sel.GetLimitCount() != nil ||
		sel.GetLimitOffset() != nil || sel.GetLarg() != nil || sel.GetWithClause() != nil || len(sel.GetWindowClause()) > 0 || len(sel.GetDistinctClause()) > 0 {
		return false
	}
	r.depth++
	is, _ := r.volatile(sel.GetTargetList()[0].GetResTarget().GetVal())
	r.depth--
	return !is
}
