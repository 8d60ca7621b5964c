package effect

import (
	"github.com/onward-sql/onward/internal/catalog/builtin"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/refusal"
	"github.com/onward-sql/onward/onward"
)

// isVolatile reports whether an expression has to be computed for every row: random() has to, now() has not.
// unknown names an unknown function, which counts as volatile.
func (r *run) isVolatile(expr *pgparse.Node) (volatile bool, unknown string) {
	pgparse.Walk(expr, func(m any) bool {
		if remainingNodes, folded := refusal.FoldConstants(m); folded {
			for _, n := range remainingNodes {
				v, u := r.isVolatile(n)
				if volatile = volatile || v; u != "" {
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
		v, guess := r.functionVolatility(schema, name, len(call.GetArgs()))
		if v {
			volatile = true
			if guess {
				unknown = name + "()"
			}
		}
		return true
	})
	return volatile, unknown
}

// functionVolatility is the volatility of a function.
func (r *run) functionVolatility(schema, name string, nargs int) (volatile, guess bool) {
	for _, f := range r.C.Functions(schema, name) {
		if len(f.Args) < nargs || len(f.Args)-f.Defaults > nargs {
			if !f.Variadic {
				continue
			}
		}
		if f.Volatility != "volatile" && f.Volatility != "" {
			return false, false
		}
		return !r.isInlined(f.Language, f.Body, f.ReturnsSet, f.SecurityDefiner, len(f.Args)), false
	}
	if name == "extract" && schema == "pg_catalog" {
		return false, false // 13 calls it date_part
	}
	if schema == "" || schema == "pg_catalog" {
		v, known := builtin.Volatility(name, nargs, r.V.Major())
		// The oldest and the newest server agree on all but a few.
		old, inOld := builtin.Volatility(name, nargs, onward.OldestMajor)
		last, inLast := builtin.Volatility(name, nargs, onward.NewestMajor)
		if inOld != inLast || old != last {
			r.V.MarkDecisive()
		}
		if known {
			return v == builtin.Volatile, false
		}
		if inOld || inLast {
			return true, false // another version has it
		}
	}
	if v, known := extensionFunctions[name]; known {
		return v == builtin.Volatile, false
	}
	return true, true
}

// isInlined reports whether the planner replaces a call of an SQL function by its
// body, and nothing volatile is left: SELECT of one expression that calls
// nothing volatile itself.
func (r *run) isInlined(language, body string, set, definer bool, nargs int) bool {
	if language != "sql" || set || definer || r.depth > 8 {
		return false
	}
	file, err := pgparse.SplitText(body)
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
	volatile, _ := r.isVolatile(sel.GetTargetList()[0].GetResTarget().GetVal())
	r.depth--
	return !volatile
}
