package refusal

import (
	"cmp"

	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/catalog/builtin"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/predicate"
	"github.com/onward-sql/onward/onward"
)

// ColumnType returns the type of a column by name; an unknown type if it is not known.
type ColumnType func(name string) catalog.Type

// columnTypes returns the types of a relation's columns.
func columnTypes(rel *catalog.Relation) ColumnType {
	return func(name string) catalog.Type {
		if c := rel.Column(name); c != nil && !c.Inferred {
			return c.Type
		}
		return catalog.Type{}
	}
}

// mayIndex reports whether an expression may be used in an index, a generated column or a
// partition key: nothing in it is known not to be immutable.
func (q *Checker) mayIndex(expr *pgparse.Node, columns ColumnType) bool {
	if volatile, unknown := q.callsNonImmutable(expr); volatile && unknown == "" {
		return false
	}
	return !q.isMutable(expr, columns, 0)
}

// isMutable reports whether an expression is certainly not immutable: it calls a function
// without an immutable overload that could be meant, or it converts or computes dates and
// times by the session's settings.
func (q *Checker) isMutable(expr *pgparse.Node, columns ColumnType, depth int) (mutable bool) {
	if depth > maxDepth {
		return false
	}
	pgparse.Walk(expr, func(m any) bool {
		if mutable {
			return false
		}
		if remaining, folded := FoldConstants(m); folded {
			for _, n := range remaining {
				mutable = mutable || q.isMutable(n, columns, depth+1)
			}
			return false
		}
		switch e := m.(type) {
		case *pgparse.SQLValueFunction:
			mutable = true
		case *pgparse.FuncCall:
			if mutable = q.isMutableCall(e, columns); !mutable && hasNullArgument(e) {
				return false // it is folded to NULL, perhaps
			}
		case *pgparse.TypeCast:
			to := q.C.TypeOf(e.GetTypeName())
			from := q.simpleType(e.GetArg(), columns, 0)
			mutable = !q.hasUserCasts() && (convertsMutably(from, q.builtinTypeName(to)) && (from != "interval" || q.V.AtLeast(15)) ||
				q.convertsEnumLabel(e.GetArg(), to, columns))
		case *pgparse.A_Expr:
			mutable = e.GetKind() == pgparse.A_Expr_Kind_AEXPR_OP &&
				computesMutably(OperatorName(e), q.simpleType(e.GetLexpr(), columns, 0), q.simpleType(e.GetRexpr(), columns, 0))
		}
		return true
	})
	return mutable
}

// hasNullArgument reports whether a call has a NULL argument: the planner replaces such a
// call of a strict function by NULL.
func hasNullArgument(e *pgparse.FuncCall) bool {
	for _, n := range e.GetArgs() {
		if predicate.IsNull(n) {
			return true
		}
	}
	return false
}

func (q *Checker) isMutableCall(e *pgparse.FuncCall, columns ColumnType) bool {
	schema, name := pgparse.SchemaAndName(e.GetFuncname())
	if schema != "" && schema != "pg_catalog" || hasNullArgument(e) || e.GetFuncVariadic() {
		return false
	}
	types := make([]string, len(e.GetArgs()))
	for i, n := range e.GetArgs() {
		if n.GetNamedArgExpr() != nil {
			return false
		}
		types[i] = q.simpleType(n, columns, 0)
	}
	return builtin.Mutable(name, types) && (schema != "" || !q.isOverloaded(name))
}

// isOverloaded reports whether the schema has a function of that name, which may be meant
// instead of the built-in one. It visits all functions, so ask it last.
func (q *Checker) isOverloaded(name string) bool {
	found := false
	q.C.EachFunction(func(f *catalog.Function) bool {
		found = f.Name.Name == name
		return !found
	})
	return found
}

// builtinTypeName returns the name of a built-in type; "" for another.
func (q *Checker) builtinTypeName(t catalog.Type) string {
	if t = q.BaseType(t); t.Array > 0 || t.OID != 0 || t.Name.Schema != "pg_catalog" {
		return ""
	}
	return t.Name.Name
}

// simpleType returns the type of an expression if it is easy to determine; "" otherwise,
// and for a constant without a cast.
func (q *Checker) simpleType(n *pgparse.Node, columns ColumnType, depth int) string {
	if depth > maxDepth {
		return ""
	}
	switch m := pgparse.Unwrap(n).(type) {
	case *pgparse.ColumnRef:
		if f := m.GetFields(); len(f) > 0 && len(f) < 3 {
			return q.builtinTypeName(columns(pgparse.StringText(f[len(f)-1])))
		}
	case *pgparse.TypeCast:
		return q.builtinTypeName(q.C.TypeOf(m.GetTypeName()))
	case *pgparse.CollateClause:
		return q.simpleType(m.GetArg(), columns, depth+1)
	case *pgparse.A_Expr:
		left := q.simpleType(m.GetLexpr(), columns, depth+1)
		switch op := OperatorName(m); {
		case m.GetKind() != pgparse.A_Expr_Kind_AEXPR_OP:
		case (op == "->>" || op == "#>>") && (left == "json" || left == "jsonb"):
			return "text"
		case (op == "->" || op == "#>") && (left == "json" || left == "jsonb"):
			return left
		}
	case *pgparse.FuncCall:
		if _, name := pgparse.SchemaAndName(m.GetFuncname()); name == "timezone" && len(m.GetArgs()) == 2 {
			switch q.simpleType(m.GetArgs()[1], columns, depth+1) {
			case "timestamptz":
				return "timestamp"
			case "timestamp":
				return "timestamptz"
			}
		}
	}
	return ""
}

// isString reports whether a built-in type is a text type.
func isString(t string) bool { return t == "text" || t == "varchar" || t == "bpchar" }

// convertsMutably reports whether a conversion depends on the session's time zone or date
// format.
func convertsMutably(from, to string) bool {
	switch from {
	case "timestamptz":
		return to == "date" || to == "time" || to == "timetz" || to == "timestamp" || isString(to)
	case "timestamp":
		return to == "timestamptz" || isString(to)
	case "date":
		return to == "timestamptz" || isString(to)
	case "time":
		return to == "timetz"
	case "interval":
		return isString(to)
	case "text", "varchar", "bpchar":
		return to == "date" || to == "time" || to == "timetz" || to == "timestamp" || to == "timestamptz" || to == "interval"
	}
	return false
}

// convertsEnumLabel reports whether an enum value is converted to its label, or a text to an enum
// value: labels may be renamed.
func (q *Checker) convertsEnumLabel(arg *pgparse.Node, to catalog.Type, columns ColumnType) bool {
	ref := arg.GetColumnRef()
	if ref == nil || len(ref.GetFields()) == 0 {
		return false
	}
	from, to := q.BaseType(columns(pgparse.LastText(ref.GetFields()))), q.BaseType(to)
	return q.IsEnum(from) && isText(to) || isText(from) && q.IsEnum(to)
}

// computesMutably reports whether an operator depends on the session's time
// zone.
func computesMutably(op, left, right string) bool {
	switch op {
	case "+", "-":
		return left == "timestamptz" && right == "interval"
	case "<", "<=", "=", ">=", ">", "<>":
		plain := func(t string) bool { return t == "timestamp" || t == "date" }
		return left == "timestamptz" && plain(right) || plain(left) && right == "timestamptz"
	}
	return false
}

// callsNonImmutable reports whether an expression calls a function that is not immutable, in a part that the planner keeps.
// unknown names a function of which nothing is known.
func (q *Checker) callsNonImmutable(expr *pgparse.Node) (volatile bool, unknown string) {
	pgparse.Walk(expr, func(m any) bool {
		if remaining, folded := FoldConstants(m); folded {
			for _, n := range remaining {
				isVolatile, from := q.callsNonImmutable(n)
				volatile, unknown = volatile || isVolatile, cmp.Or(from, unknown)
			}
			return false
		}
		switch e := m.(type) {
		case *pgparse.SQLValueFunction:
			volatile = true
		case *pgparse.FuncCall:
			schema, name := pgparse.SchemaAndName(e.GetFuncname())
			immutable, known := q.isImmutableFunction(schema, name, len(e.GetArgs()))
			if !known {
				unknown = name + "()"
			}
			volatile = volatile || !immutable
		}
		return true
	})
	return volatile, unknown
}

// isImmutableFunction reports whether any function of that name and number of arguments is
// immutable; known is false if no such function is known.
func (q *Checker) isImmutableFunction(schema, name string, nargs int) (immutable, known bool) {
	for _, f := range q.C.Functions(schema, name) {
		if f.Language == "sql" {
			// The planner inlines it first, so its body decides.
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
	v, exists := builtin.Volatility(name, nargs, onward.NewestMajor)
	// Some overloads may be stable: date_trunc() with a time zone.
	return v == builtin.Immutable || v == builtin.Stable && nargs > 0, exists
}

// FoldConstants returns the parts of a CASE or COALESCE with constants that the planner keeps.
func FoldConstants(m any) (remaining []*pgparse.Node, folded bool) {
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
				return append(remaining, w.GetResult()), true
			}
			remaining = append(remaining, w.GetExpr(), w.GetResult())
		}
		if e.GetDefresult() != nil {
			remaining = append(remaining, e.GetDefresult())
		}
		return remaining, true
	case *pgparse.CoalesceExpr:
		for _, n := range e.GetArgs() {
			if predicate.IsNull(n) {
				continue
			}
			remaining = append(remaining, n)
			if predicate.EndValue(n) != nil {
				break
			}
		}
		return remaining, true
	}
	return nil, false
}

// OperatorName returns the operator of an expression, without its schema.
func OperatorName(e *pgparse.A_Expr) string { return pgparse.LastText(e.GetName()) }
