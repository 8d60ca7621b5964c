package recipe

import (
	"slices"

	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/catalog/builtin"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/onward"
)

// rowJudge decides whether expressions over the columns of one row have the same value in each session and at each time. A trigger
// computes them in the writer's session, and a backfill in another.
type rowJudge struct {
	c        *catalog.Catalog
	table    *catalog.Relation
	versions []int
	why      string   // why one of them does not
	schemas  []string // of the types and functions that they use
}

func (j *rowJudge) refuse(reason string) {
	if j.why == "" {
		j.why = reason
	}
}

// addSchema adds the schema of a type that is not Postgres' own: its operators are there, too.
func (j *rowJudge) addSchema(t catalog.Type) {
	if s := t.Name.Schema; s != "" && s != "pg_catalog" && !slices.Contains(j.schemas, s) {
		j.schemas = append(j.schemas, s)
	}
}

// checkColumn refuses a name that is no column of the table, and one that a trigger does not have.
func (j *rowJudge) checkColumn(name string) {
	switch col := j.table.Column(name); {
	case col == nil:
		j.refuse(name + " is no column of " + j.table.Name.String())
	case col.Generated == "virtual":
		j.refuse(name + " is a virtual generated column, which a trigger does not have")
	}
}

// judgeExpression checks one expression; nil has no value.
func (j *rowJudge) judgeExpression(expr *pgparse.Node) {
	if expr == nil {
		return
	}
	pgparse.Walk(expr, func(m any) bool {
		switch e := m.(type) {
		case *pgparse.SubLink:
			j.refuse("it has a subquery")
		case *pgparse.SQLValueFunction:
			j.refuse("a value depends on the time or the role")
		case *pgparse.FuncCall:
			j.judgeCall(e)
		case *pgparse.TypeCast:
			to := j.c.TypeOf(e.TypeName)
			j.addSchema(to)
			if isSessionType(to) || j.hasSessionType(e.Arg) {
				j.refuse("a conversion to " + to.FormatFull() + " depends on the settings of the session")
			}
		case *pgparse.A_Expr:
			if (j.hasSessionType(e.Lexpr) || j.hasSessionType(e.Rexpr)) && !j.comparesSameType(e) {
				j.refuse("the operator " + pgparse.LastText(e.Name) + " may depend on the settings of the session here")
			}
		case *pgparse.ColumnRef:
			if len(e.Fields) > 2 || pgparse.EndsInStar(e) {
				j.refuse("it names " + j.table.Name.String() + " with its schema, or as a whole")
			} else {
				j.checkColumn(pgparse.LastText(e.Fields))
			}
		}
		return j.why == ""
	})
}

// textFunctions are stable only because the text of some types depends on settings.
var textFunctions = []string{
	"concat", "concat_ws", "format", "json_build_array", "json_build_object", "jsonb_build_array", "jsonb_build_object", "quote_literal", "quote_nullable",
	"to_json", "to_jsonb",
}

// judgeCall refuses a call that is not known to be immutable.
func (j *rowJudge) judgeCall(e *pgparse.FuncCall) {
	schema, name := pgparse.SchemaAndName(e.Funcname)
	if list := j.c.Functions(schema, name); len(list) > 0 {
		for _, f := range list {
			if f.Volatility != "immutable" || f.ReturnsSet || f.Kind != "function" {
				j.refuse(name + "() is not immutable")
			}
			if !slices.Contains(j.schemas, f.Name.Schema) {
				j.schemas = append(j.schemas, f.Name.Schema)
			}
		}
		return
	}
	var types []string
	ofSession := false
	for _, n := range e.Args {
		types, ofSession = append(types, j.typeOf(n)), ofSession || j.hasSessionType(n)
	}
	if slices.Contains(textFunctions, name) && !ofSession {
		return
	}
	versions := j.versions
	if len(versions) == 0 {
		versions = []int{onward.NewestMajor}
	}
	for _, major := range versions {
		if v, known := builtin.VolatilityOf(name, types, major); !known || v != builtin.Immutable {
			j.refuse(name + "() is not known to be immutable")
		}
	}
}

// typeOf returns the name of a built-in type; "" if the type of an expression is not plain to see.
func (j *rowJudge) typeOf(n *pgparse.Node) string {
	var t catalog.Type
	switch e := pgparse.Unwrap(n).(type) {
	case *pgparse.ColumnRef:
		if col := j.table.Column(pgparse.LastText(e.Fields)); col != nil {
			t = col.Type
		}
	case *pgparse.TypeCast:
		t = j.c.TypeOf(e.TypeName)
	}
	if t.Name.Schema != "pg_catalog" || t.Array > 0 {
		return ""
	}
	return t.Name.Name
}

// sessionTypes are types whose text or conversion depends on settings, as DateStyle and TimeZone.
var sessionTypes = []string{
	"date", "time", "timetz", "timestamp", "timestamptz", "interval", "float4", "float8", "money", "bytea", "xml", "regclass", "regproc", "regprocedure",
	"regtype", "regrole", "regnamespace", "regoper", "regoperator", "regconfig", "regdictionary", "regcollation",
}

func isSessionType(t catalog.Type) bool {
	return !t.IsKnown() || t.Name.Schema == "pg_catalog" && slices.Contains(sessionTypes, t.Name.Name)
}

// hasSessionType reports whether an expression may have such a type.
func (j *rowJudge) hasSessionType(n *pgparse.Node) bool {
	some := func(list []*pgparse.Node) bool { return slices.ContainsFunc(list, j.hasSessionType) }
	switch e := pgparse.Unwrap(n).(type) {
	case *pgparse.ColumnRef:
		col := j.table.Column(pgparse.LastText(e.Fields))
		return col != nil && isSessionType(col.Type)
	case *pgparse.TypeCast:
		return isSessionType(j.c.TypeOf(e.TypeName))
	case *pgparse.FuncCall:
		return some(e.Args)
	case *pgparse.CoalesceExpr:
		return some(e.Args)
	case *pgparse.MinMaxExpr:
		return some(e.Args)
	case *pgparse.List:
		return some(e.Items)
	case *pgparse.A_ArrayExpr:
		return some(e.Elements)
	case *pgparse.CaseExpr:
		return j.hasSessionType(e.Defresult) || slices.ContainsFunc(e.Args, func(w *pgparse.Node) bool { return j.hasSessionType(w.GetCaseWhen().GetResult()) })
	}
	return false
}

// comparesSameType reports whether an operator compares two columns of one type.
func (j *rowJudge) comparesSameType(e *pgparse.A_Expr) bool {
	left, right := j.typeOf(e.Lexpr), j.typeOf(e.Rexpr)
	return left != "" && left == right && slices.Contains([]string{"=", "<>", "<", "<=", ">", ">="}, pgparse.LastText(e.Name))
}

// isNeverNull reports whether an expression over a row is not NULL if the columns for which filled holds are not.
func isNeverNull(n *pgparse.Node, filled func(column string) bool) bool {
	all := func(list ...*pgparse.Node) bool {
		return !slices.ContainsFunc(list, func(n *pgparse.Node) bool { return !isNeverNull(n, filled) })
	}
	switch e := pgparse.Unwrap(n).(type) {
	case *pgparse.A_Const:
		return !e.Isnull
	case *pgparse.ColumnRef:
		return filled(pgparse.LastText(e.Fields))
	case *pgparse.TypeCast:
		return all(e.Arg)
	case *pgparse.CoalesceExpr:
		return slices.ContainsFunc(e.Args, func(n *pgparse.Node) bool { return isNeverNull(n, filled) })
	case *pgparse.NullTest, *pgparse.BooleanTest:
		return true
	case *pgparse.BoolExpr:
		return all(e.Args...)
	case *pgparse.CaseExpr:
		return e.Defresult != nil && all(e.Defresult) && !slices.ContainsFunc(e.Args, func(w *pgparse.Node) bool { return !all(w.GetCaseWhen().GetResult()) })
	case *pgparse.A_Expr:
		plain := []string{"+", "-", "*", "/", "%", "||", "=", "<>", "<", "<=", ">", ">="}
		return e.Kind == pgparse.A_Expr_Kind_AEXPR_OP && slices.Contains(plain, pgparse.LastText(e.Name)) && e.Lexpr != nil && all(e.Lexpr, e.Rexpr)
	case *pgparse.FuncCall:
		strict := []string{
			"lower", "upper", "initcap", "btrim", "ltrim", "rtrim", "length", "abs", "md5", "left", "right", "replace", "round", "split_part",
			"concat", "timezone",
		}
		return slices.Contains(strict, pgparse.LastText(e.Funcname)) && all(e.Args...)
	}
	return false
}
