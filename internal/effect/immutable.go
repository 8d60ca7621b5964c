package effect

import (
	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/catalog/builtin"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/predicate"
)

// columnType gives the type of a column by name; an unknown one when it is not
// known.
type columnType func(name string) catalog.Type

// columnTypes are those of a relation.
func columnTypes(rel *catalog.Relation) columnType {
	return func(name string) catalog.Type {
		if c := rel.Column(name); c != nil && !c.Inferred {
			return c.Type
		}
		return catalog.Type{}
	}
}

// mayIndex reports whether an expression may stand in an index, a generated
// column or a partition key: nothing in it is known not to be immutable.
func (r *run) mayIndex(expr *pgparse.Node, columns columnType) bool {
	if is, unknown := r.volatileOrStable(expr); is && unknown == "" {
		return false
	}
	return !r.mutable(expr, columns, 0)
}

// mutable reports whether it is certain that an expression is not immutable:
// it calls a function of which no overload that could be meant is, or converts
// or computes with a date and time as the session's settings say.
func (r *run) mutable(expr *pgparse.Node, columns columnType, depth int) (is bool) {
	if depth > maxDepth {
		return false
	}
	pgparse.Walk(expr, func(m any) bool {
		if is {
			return false
		}
		if kept, folded := fold(m); folded {
			for _, n := range kept {
				is = is || r.mutable(n, columns, depth+1)
			}
			return false
		}
		switch e := m.(type) {
		case *pgparse.SQLValueFunction:
			is = true
		case *pgparse.FuncCall:
			if is = r.mutableCall(e, columns); !is && nullArgument(e) {
				return false // it is folded to NULL, perhaps
			}
		case *pgparse.TypeCast:
			to := r.c.TypeOf(e.GetTypeName())
			is = !r.userCasts() && (convertsMutably(r.simpleType(e.GetArg(), columns, 0), r.builtinName(to)) || r.namesEnum(e.GetArg(), to, columns))
		case *pgparse.A_Expr:
			is = e.GetKind() == pgparse.A_Expr_Kind_AEXPR_OP &&
				computesMutably(operator(e), r.simpleType(e.GetLexpr(), columns, 0), r.simpleType(e.GetRexpr(), columns, 0))
		}
		return true
	})
	return is
}

// nullArgument reports a call with NULL: of a strict function nothing is left.
func nullArgument(e *pgparse.FuncCall) bool {
	for _, n := range e.GetArgs() {
		if predicate.IsNull(n) {
			return true
		}
	}
	return false
}

func (r *run) mutableCall(e *pgparse.FuncCall, columns columnType) bool {
	schema, name := pgparse.SchemaAndName(e.GetFuncname())
	if schema != "" && schema != "pg_catalog" || nullArgument(e) || e.GetFuncVariadic() {
		return false
	}
	types := make([]string, len(e.GetArgs()))
	for i, n := range e.GetArgs() {
		if n.GetNamedArgExpr() != nil {
			return false
		}
		types[i] = r.simpleType(n, columns, 0)
	}
	return builtin.Mutable(name, types) && (schema != "" || !r.overloads(name))
}

// overloads reports whether the schema has a function of that name, which may be
// meant instead of Postgres' own. It goes through all functions: the last thing
// to ask.
func (r *run) overloads(name string) bool {
	own := false
	r.c.EachFunction(func(f *catalog.Function) bool {
		own = f.Name.Name == name
		return !own
	})
	return own
}

// builtinName is the name of a type of Postgres' own; "" for another.
func (r *run) builtinName(t catalog.Type) string {
	if t = r.base(t); t.Array > 0 || t.OID != 0 || t.Name.Schema != "pg_catalog" {
		return ""
	}
	return t.Name.Name
}

// simpleType is the type of an expression where it is plain to see; "" where
// it is not, and for the type of a constant without a cast.
func (r *run) simpleType(n *pgparse.Node, columns columnType, depth int) string {
	if depth > maxDepth {
		return ""
	}
	switch m := pgparse.Unwrap(n).(type) {
	case *pgparse.ColumnRef:
		if f := m.GetFields(); len(f) > 0 && len(f) < 3 {
			return r.builtinName(columns(pgparse.Text(f[len(f)-1])))
		}
	case *pgparse.TypeCast:
		return r.builtinName(r.c.TypeOf(m.GetTypeName()))
	case *pgparse.CollateClause:
		return r.simpleType(m.GetArg(), columns, depth+1)
	case *pgparse.A_Expr:
		left := r.simpleType(m.GetLexpr(), columns, depth+1)
		switch op := operator(m); {
		case m.GetKind() != pgparse.A_Expr_Kind_AEXPR_OP:
		case (op == "->>" || op == "#>>") && (left == "json" || left == "jsonb"):
			return "text"
		case (op == "->" || op == "#>") && (left == "json" || left == "jsonb"):
			return left
		}
	case *pgparse.FuncCall:
		if _, name := pgparse.SchemaAndName(m.GetFuncname()); name == "timezone" && len(m.GetArgs()) == 2 {
			switch r.simpleType(m.GetArgs()[1], columns, depth+1) {
			case "timestamptz":
				return "timestamp"
			case "timestamp":
				return "timestamptz"
			}
		}
	}
	return ""
}

func isString(t string) bool { return t == "text" || t == "varchar" || t == "bpchar" }

// convertsMutably reports whether a conversion depends on the session: on its
// time zone, or on how it writes dates.
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

// namesEnum reports whether the value of an enum column becomes its label, or a
// text column a value: labels may be renamed.
func (r *run) namesEnum(arg *pgparse.Node, to catalog.Type, columns columnType) bool {
	ref := arg.GetColumnRef()
	if ref == nil || len(ref.GetFields()) == 0 {
		return false
	}
	from, to := r.base(columns(pgparse.Last(ref.GetFields()))), r.base(to)
	return r.enum(from) && isText(to) || isText(from) && r.enum(to)
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
