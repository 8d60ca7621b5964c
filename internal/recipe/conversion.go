package recipe

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/catalog/builtin"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/onward"
)

// widerTypes are the types that have a value for each value of a type.
var widerTypes = map[string][]string{
	"int2": {"int4", "int8", "numeric"}, "int4": {"int8", "numeric"}, "int8": {"numeric"}, "float4": {"float8"},
}

// conversionMayFail reports whether the conversion of a deployed value to the new column's type may fail. The deployed code can write such a
// value today, so it must be able to until it is gone.
func (w *replacement) conversionMayFail() bool {
	from, to := w.old.Type, w.newColumn.Type
	switch {
	case !w.typesDiffer, w.c.Release.enumOf(w.columnChange) != nil:
		return false
	case strings.Trim(w.conversion, "()") != "$1":
		return true
	case to.Array > 0 || to.Name.Schema != "pg_catalog":
		return true
	case to.Name.Name == "text", to.Name.Name == "varchar" && len(to.Mods) == 0:
		return false
	case to.Name.Name == "varchar" && from.Name == to.Name && from.Array == 0:
		return len(from.Mods) == 0 || from.Mods[0] > to.Mods[0]
	}
	return from.Array > 0 || from.Name.Schema != "pg_catalog" || len(to.Mods) > 0 || !slices.Contains(widerTypes[from.Name.Name], to.Name.Name)
}

// keepsNotNull reports whether a value that can be converted never becomes NULL: the expression only casts, between the server's own types. A cast of
// JSON may make NULL of a null in it.
func (w *replacement) keepsNotNull() bool {
	if w.losesValues {
		return true
	}
	types := []catalog.Type{w.old.Type, w.newColumn.Type}
	if value := selectedValue(w.parseConversion()); value != nil {
		for ; value.GetTypeCast() != nil; value = value.GetTypeCast().GetArg() {
			types = append(types, w.c.Release.head.TypeOf(value.GetTypeCast().GetTypeName()))
		}
		return value.GetColumnRef() != nil && !slices.ContainsFunc(types, func(t catalog.Type) bool {
			return t.Name.Schema != "pg_catalog" || strings.HasPrefix(t.Name.Name, "json")
		})
	}
	return false
}

// selectedValue returns the one value that a query selects; nil for any other statement.
func selectedValue(stmt *pgparse.Node) *pgparse.Node {
	if targets := stmt.GetSelectStmt().GetTargetList(); len(targets) == 1 {
		return targets[0].GetResTarget().GetVal()
	}
	return nil
}

// parseConversion returns the tree of a query of the conversion, with the column x as the old value.
func (w *replacement) parseConversion() *pgparse.Node {
	return pgparse.ParseStatement("SELECT " + strings.ReplaceAll(w.conversion, "$1", "x"))
}

// textSettings are the settings on which the texts of types depend, or what a function makes of them.
var textSettings = map[string][]string{
	"date": {"timezone", "datestyle"}, "time": {"timezone", "datestyle"}, "timetz": {"timezone", "datestyle"},
	"timestamp": {"timezone", "datestyle"}, "timestamptz": {"timezone", "datestyle"},
	"interval": {"intervalstyle"}, "bytea": {"bytea_output"}, "float4": {"extra_float_digits"}, "float8": {"extra_float_digits"},
	"money": {"lc_monetary"}, "xml": {"xmloption"},
}

// fixedSettingClauses returns clauses of CREATE FUNCTION with which a trigger converts a value as the migration does, whatever the writer's settings are. The
// function keeps the settings of the plan's role, which creates it.
func (w *replacement) fixedSettingClauses() (clauses string) {
	from, to := w.old.Type, w.newColumn.Type
	return settingClauses(from, to, w.callsFunction() || from.Name.Schema != "pg_catalog" || to.Name.Schema != "pg_catalog") // a domain of some type
}

func settingClauses(source, target catalog.Type, all bool) (clauses string) {
	settings := slices.Concat(textSettings[source.Name.Name], textSettings[target.Name.Name])
	if isNumber(source.Name.Name) && isNumber(target.Name.Name) {
		settings = nil
	}
	if all {
		settings = slices.Concat(slices.Collect(maps.Values(textSettings))...)
	}
	slices.Sort(settings)
	for _, s := range slices.Compact(settings) {
		clauses += " SET " + s + " FROM CURRENT"
	}
	return clauses
}

// PinConversion makes a printed conversion of a column's values independent of the settings of those who write: it returns the expression
// in a time zone, which is not known if it is "", and clauses of the trigger's function. The trigger computes what a backfill writes, too.
func PinConversion(c *catalog.Catalog, source, target catalog.Type, value, zone string) (pinned, clauses string) {
	for _, t := range []*catalog.Type{&source, &target} {
		for u := c.Type(t.OID); u != nil && u.Kind == catalog.Domain; u = c.Type(t.OID) {
			*t = u.Base
		}
	}
	zone = pgparse.QuoteLiteral(cmp.Or(zone, "UTC"))
	node := selectedValue(pgparse.ParseStatement("SELECT " + value))
	switch a, b := source.Name.Name, target.Name.Name; {
	case source.Array+target.Array > 0, a+b != "timestamptimestamptz" && a+b != "timestamptztimestamp":
	case pgparse.LastText(node.GetFuncCall().GetFuncname()) == "timezone":
		return value, "" // USING has the zone
	case node.GetColumnRef() != nil && !strings.ContainsAny(zone[1:2], "+-0123456789"): // of a number, AT TIME ZONE changes the sign
		return value + " AT TIME ZONE " + zone, ""
	}
	clauses = settingClauses(source, target, callsFunction(c, node))
	return value, strings.Replace(clauses, "timezone FROM CURRENT", "timezone = "+zone, 1)
}

func isNumber(typ string) bool {
	return slices.Contains([]string{"int2", "int4", "int8", "numeric", "float4", "float8"}, typ)
}

func (w *replacement) callsFunction() bool {
	return callsFunction(w.c.Release.head, w.parseConversion())
}

// callsFunction reports whether a conversion calls a function that may read settings.
func callsFunction(c *catalog.Catalog, conversion *pgparse.Node) (calls bool) {
	pgparse.Walk(conversion, func(m any) bool {
		if f, ok := m.(*pgparse.FuncCall); ok {
			schema, name := pgparse.SchemaAndName(f.Funcname)
			volatility, known := builtin.VolatilityOf(name, make([]string, len(f.Args)), onward.NewestMajor)
			calls = calls || len(c.Functions(schema, name)) > 0 || !known || volatility != builtin.Immutable
		}
		return true
	})
	return calls
}

// valueFunction returns the function that converts a deployed value for the plan's own queries, which must not fail because of one row: the
// value, and whether the conversion fails.
func (w *replacement) valueFunction() string {
	return fmt.Sprintf(`CREATE FUNCTION %[1]s(%[2]s) RETURNS TABLE (onward_value %[3]s, onward_failed boolean) LANGUAGE plpgsql%[4]s AS $onward$
DECLARE
  onward_converted %[3]s; -- the type of a result has no length
BEGIN
  BEGIN
    onward_converted := %[5]s;
    onward_value := onward_converted;
    onward_failed := false;
  EXCEPTION WHEN OTHERS THEN
    onward_value := NULL;
    onward_failed := true;
  END;
  RETURN NEXT;
END
$onward$`, w.valueName(), typeName(w.old.Type), w.typ, w.rights.clause, w.conversion)
}

func (w *replacement) valueName() string { return qualifyInSchema(w.t, w.values) }

// dropTriggerStatements returns the statements that remove the trigger and the functions.
func (w *replacement) dropTriggerStatements() []string {
	out := dropTriggers(w.t, w.triggers.names()...)
	if w.mayFail {
		out = append(out, "DROP FUNCTION IF EXISTS "+w.valueName()+"("+typeName(w.old.Type)+")")
	}
	return out
}

// wrongCondition returns the condition that a row t has not the value in the new column that its old one converts to. If the conversion
// fails, the row is wrong until the deployed code writes another value, or somebody does.
func (w *replacement) wrongCondition(compared string) string {
	if !w.mayFail {
		return compared
	}
	return "EXISTS (SELECT FROM " + w.valueName() + "(t." + quoteIdent(w.old.Name) + ") AS v WHERE v.onward_failed OR " +
		distinctCondition("t."+quoteIdent(w.newName), "v.onward_value") + ")"
}

// failedCondition returns the condition that the conversion of a row t fails; "" if it cannot fail.
func (w *replacement) failedCondition() string {
	if !w.mayFail {
		return ""
	}
	return "t." + quoteIdent(w.newName) + " IS NULL AND EXISTS (SELECT FROM " + w.valueName() + "(t." + quoteIdent(w.old.Name) + ") AS v WHERE v.onward_failed)"
}

// evaluationRights are the rights with which a trigger function evaluates an expression of the release.
type evaluationRights struct {
	clause string // of CREATE FUNCTION
	guard  string // the beginning of a trigger function
}

// findEvaluationRights returns the rights for expressions that are evaluated when somebody writes a table, with $1 or NEW for its row. The migration
// evaluates them with the rights of its role, and a writer need not have EXECUTE on their functions. So the trigger function has the rights
// of the plan's role, and a search path of its own, because the writer's may have other objects of the same names.
func (r *Release) findEvaluationRights(t *catalog.Relation, types []catalog.Type, expressions ...string) evaluationRights {
	const writer = " SET search_path FROM CURRENT"
	path, callsOwnFunctions := []string{"pg_catalog"}, false
	add := func(schema string) {
		if schema != "" && schema != "$user" && !slices.Contains(path, quoteIdent(schema)) {
			path = append(path, quoteIdent(schema))
		}
	}
	for _, typ := range types {
		add(typ.Name.Schema)
	}
	for _, text := range expressions {
		stmt := pgparse.ParseStatement("SELECT " + text)
		if stmt == nil {
			return evaluationRights{clause: writer}
		}
		known := true
		pgparse.Walk(stmt, func(m any) bool {
			switch e := m.(type) {
			case *pgparse.TypeCast:
				add(r.head.TypeOf(e.TypeName).Name.Schema)
			case *pgparse.FuncCall:
				schema, name := pgparse.SchemaAndName(e.Funcname)
				list := r.head.Functions(schema, name)
				for _, f := range list {
					add(f.Name.Schema)
					callsOwnFunctions = true
				}
				_, ofServer := builtin.VolatilityOf(name, make([]string, len(e.Args)), onward.NewestMajor)
				known = known && (len(list) > 0 || ofServer)
			}
			return true
		})
		if !known { // its schema is not known
			return evaluationRights{clause: writer}
		}
	}
	if !callsOwnFunctions && len(path) == 1 {
		return evaluationRights{clause: writer}
	}
	for _, schema := range r.head.SearchPath { // the functions may use names without a schema
		add(schema)
	}
	return evaluationRights{
		clause: " SECURITY DEFINER SET search_path = " + strings.Join(append(path, "pg_temp"), ", "),
		guard:  otherTableGuard(t),
	}
}
