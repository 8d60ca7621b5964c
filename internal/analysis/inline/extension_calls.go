package inline

import (
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/predicate"
	"github.com/onward-sql/onward/internal/query"
)

// ddlFunctions are functions of extensions that send DDL, with the number of their required arguments. PostGIS' may have a catalog and a
// schema before these, and use_typmod after them. The statements are PostGIS 3.3.2's (its scripts, and
// tried on Postgres 15): each takes ACCESS EXCLUSIVE of the table, and a rewrite changes the table's file.
//
//	AddGeometryColumn            ADD COLUMN of a type with modifiers; with use_typmod = false three CHECKs, which scan
//	UpdateGeometrySRID           ALTER COLUMN … TYPE with USING, which rewrites; or DROP and ADD of enforce_srid_… and an UPDATE of all rows
//	DropGeometryColumn           DROP COLUMN
//	DropGeometryTable            DROP TABLE IF EXISTS
//	Populate_Geometry_Columns    ALTER COLUMN … TYPE of each geometry column of the table without modifiers, which rewrites
//
// What functions of raster and topology send depends on rows, as far as it is more than a CHECK or a column: they are listed below.
var ddlFunctions = map[string]int{
	"addgeometrycolumn": 5, "updategeometrysrid": 3, "dropgeometrycolumn": 2, "dropgeometrytable": 1, "populate_geometry_columns": 1,
}

// hiddenDDL are functions whose DDL is not known here, so that a call of them is reported also in a query of a table.
var hiddenDDL = map[string]bool{
	"addrasterconstraints": true, "droprasterconstraints": true, "addoverviewconstraints": true, "dropoverviewconstraints": true, "updaterastersrid": true,
	"addtopogeometrycolumn": true, "droptopogeometrycolumn": true, "createtopology": true, "droptopology": true, "postgis_extensions_upgrade": true,
}

// extensionStatements returns the statements that a call of an extension's function sends; none if they are not known.
func extensionStatements(c *catalog.Catalog, name string, call *pgparse.FuncCall) (out []pgparse.BlockStatement) {
	required := ddlFunctions[name]
	args, typmod := callValues(call)
	if name == "populate_geometry_columns" {
		if !typmod || len(args) != len(call.GetArgs()) {
			return nil
		}
		return populateGeometryColumns(c, args)
	}
	if required == 0 || len(args) < required {
		return nil
	}
	text := func(i int) string { return args[len(args)-required+i].Text }
	schema := ""
	if len(args) > required {
		schema = args[len(args)-required-1].Text
	}
	number := func(i int) string {
		if n := args[len(args)-required+i].Number; n != nil {
			return n.RatString()
		}
		return "0"
	}
	send := func(sql ...string) { out = append(out, pgparse.BlockStatement{SQL: strings.Join(sql, ""), Line: 1}) }
	quote := pgparse.QuoteIdent
	table := quote(text(0))
	if schema != "" {
		table = quote(schema) + "." + table
	}
	alter := "ALTER TABLE " + table + " "
	column := ""
	if required > 1 {
		column = quote(text(1))
	}
	check := func(constraint, condition string) {
		send(alter, "ADD CONSTRAINT ", quote(constraint+text(1)), " CHECK (", condition, ")")
	}
	srid := func() string { return "st_srid(" + column + ") = " + number(2) }
	switch name {
	case "dropgeometrytable":
		send("DROP TABLE IF EXISTS ", table, " RESTRICT")
	case "dropgeometrycolumn":
		send(alter, "DROP COLUMN ", column)
	case "addgeometrycolumn":
		kind := strings.ToUpper(text(3))
		if typmod {
			suffix := map[string]string{"3": "Z", "4": "ZM"}[number(4)]
			if strings.HasSuffix(kind, "M") {
				suffix = ""
			}
			send(alter, "ADD COLUMN ", column, " geometry(", kind, suffix, ", ", number(2), ")")
			break
		}
		send(alter, "ADD COLUMN ", column, " geometry")
		check("enforce_srid_", srid())
		check("enforce_dims_", "st_ndims("+column+") = "+number(4))
		if kind != "GEOMETRY" {
			check("enforce_geotype_", "geometrytype("+column+") = '"+strings.ReplaceAll(kind, "'", "''")+"' OR "+column+" IS NULL")
		}
	case "updategeometrysrid":
		t := c.Lookup(schema, text(0))
		kind := "geometry"
		if t != nil && t.Constraint("enforce_srid_"+text(1)) != nil {
			send(alter, "DROP CONSTRAINT ", quote("enforce_srid_"+text(1)))
			send("UPDATE ", table, " SET ", column, " = st_setsrid(", column, ", ", number(2), ")")
			check("enforce_srid_", srid())
			break
		}
		if t != nil && t.Column(text(1)) != nil {
			if mods, _, _ := strings.Cut(t.Column(text(1)).Type.ModText, ","); mods != "" {
				kind = mods
			}
		}
		send(alter, "ALTER COLUMN ", column, " TYPE geometry(", kind, ", ", number(2), ") USING st_setsrid(", column, ", ", number(2), ")")
	}
	return out
}

// populateGeometryColumns gives modifiers to the columns of a table that have none, of all tables if none is named. PostGIS takes the first row's.
func populateGeometryColumns(c *catalog.Catalog, args []predicate.Value) (out []pgparse.BlockStatement) {
	var tables []*catalog.Relation
	if len(args) > 0 {
		tables = append(tables, c.Lookup(query.SplitName(args[0].Text)))
	} else {
		c.EachRelation(func(r *catalog.Relation) bool {
			tables = append(tables, r)
			return true
		})
		slices.SortFunc(tables, func(a, b *catalog.Relation) int { return strings.Compare(a.Name.String(), b.Name.String()) })
	}
	for _, t := range tables {
		if t == nil || !t.Kind.IsTable() {
			continue
		}
		for _, col := range t.Columns {
			if col.Type.Name.Name == "geometry" && col.Type.FormatModifiers() == "" {
				out = append(out, pgparse.BlockStatement{Line: 1, SQL: "ALTER TABLE " + pgparse.QuoteIdent(t.Name.Schema) + "." + pgparse.QuoteIdent(t.Name.Name) +
					" ALTER COLUMN " + pgparse.QuoteIdent(col.Name) + " TYPE geometry(geometry)"})
			}
		}
	}
	return out
}

// callValues returns the constant arguments of a call, none if some are not constant, and use_typmod, which is true if it is left out.
func callValues(call *pgparse.FuncCall) (values []predicate.Value, typmod bool) {
	typmod = true
	for _, n := range call.GetArgs() {
		named := n.GetNamedArgExpr()
		if named != nil {
			n = named.GetArg()
		}
		v, known := predicate.ConstantValue(n)
		switch {
		case !known || named != nil && named.GetName() != "use_typmod":
			return nil, false
		case v.Kind == predicate.Truth:
			typmod = v.Truth
		default:
			values = append(values, v)
		}
	}
	return values, typmod
}

// Some functions run although no statement names them: functions of operators, casts,
// aggregates and operator classes, the checks of domains, the policies of tables, the
// queries of views. Choosing between several operators or casts of one name would need
// the types of all expressions. Here all of that name count, since only functions that
// change the schema matter, and hardly any does.

// recordImpliedCalls records what later statements may call without naming it.
func (in *Inliner) recordImpliedCalls(node *pgparse.Node) {
	switch s := pgparse.Unwrap(node).(type) {
	case *pgparse.DefineStmt:
		var kind string
		switch s.GetKind() {
		case pgparse.ObjectType_OBJECT_OPERATOR:
			kind = "operator "
		case pgparse.ObjectType_OBJECT_AGGREGATE:
			kind = "aggregate "
		default:
			return
		}
		for _, d := range s.GetDefinition() {
			switch name := d.GetDefElem().GetDefname(); {
			case name == "procedure", name == "function", strings.HasSuffix(name, "func"):
				in.addImpliedCall(kind+pgparse.LastText(s.GetDefnames()), d.GetDefElem().GetArg().GetTypeName().GetNames())
			}
		}
	case *pgparse.CreateCastStmt:
		in.addImpliedCall("type "+pgparse.LastText(s.GetTargettype().GetNames()), s.GetFunc().GetObjname())
		if s.GetContext() == pgparse.CoercionContext_COERCION_IMPLICIT { // in any expression
			in.addImpliedCall("type "+pgparse.LastText(s.GetSourcetype().GetNames()), s.GetFunc().GetObjname())
		}
	case *pgparse.CreateOpClassStmt:
		for _, x := range s.GetItems() {
			if f := x.GetCreateOpClassItem().GetName(); x.GetCreateOpClassItem().GetItemtype() == 2 { // OPCLASS_ITEM_FUNCTION
				in.addImpliedCall("type "+pgparse.LastText(s.GetDatatype().GetNames()), f.GetObjname())
				in.addImpliedCall("operator class "+pgparse.LastText(s.GetOpclassname()), f.GetObjname())
			}
		}
	}
}

func (in *Inliner) addImpliedCall(caller string, function []*pgparse.Node) {
	if len(function) == 0 {
		return
	}
	in.impliedCalls[caller] = append(in.impliedCalls[caller], qualifiedName(function))
}

func qualifiedName(list []*pgparse.Node) catalog.Name {
	schema, name := pgparse.SchemaAndName(list)
	return catalog.Name{Schema: schema, Name: name}
}

// readImpliedCalls examines the functions that an object calls without naming them.
func (w *firedCode) readImpliedCalls(caller string, depth int) {
	for _, name := range w.impliedCalls[caller] {
		w.readFunctionsNamed(name, caller, depth)
	}
}

// readOperator examines the functions of an expression's operators.
func (w *firedCode) readOperator(x *pgparse.A_Expr, depth int) {
	w.readImpliedCalls("operator "+pgparse.LastText(x.GetName()), depth)
	switch x.GetKind() {
	case pgparse.A_Expr_Kind_AEXPR_BETWEEN, pgparse.A_Expr_Kind_AEXPR_NOT_BETWEEN, pgparse.A_Expr_Kind_AEXPR_BETWEEN_SYM,
		pgparse.A_Expr_Kind_AEXPR_NOT_BETWEEN_SYM:
		for _, name := range [...]string{"<", "<=", ">", ">="} {
			w.readImpliedCalls("operator "+name, depth)
		}
	}
}

// readType examines the functions that make a value of a type: its casts, and the checks of
// a domain.
func (w *firedCode) readType(t catalog.Type, depth int) {
	w.readImpliedCalls("type "+t.Name.Name, depth)
	for range maxCallDepth {
		u := w.catalog.Type(t.OID)
		if u == nil || u.Kind != catalog.Domain {
			return
		}
		for _, c := range u.Checks {
			w.readQuery(c.Expr, "domain "+u.Name.String(), depth+1)
		}
		w.readQuery(u.Default, "domain "+u.Name.String(), depth+1)
		t = u.Base
	}
}

// readRelation examines what reading or writing a relation calls besides the expressions of its
// columns, once per statement.
func (w *firedCode) readRelation(r *catalog.Relation, depth int) {
	if w.readBefore[r.OID] || w.isTooDeep(r.Name.String(), depth) {
		return
	}
	if w.readBefore == nil {
		w.readBefore = map[catalog.OID]bool{}
	}
	w.readBefore[r.OID] = true
	for _, c := range r.Columns {
		w.readType(c.Type, depth)
	}
	if r.RLS || r.ForceRLS {
		for _, p := range r.Policies {
			caller := "policy " + p.Name + " of " + r.Name.String()
			w.readQuery(p.Using, caller, depth+1)
			w.readQuery(p.Check, caller, depth+1)
		}
	}
	if r.View != nil {
		w.readQuery(r.View.Query, r.Kind.String()+" "+r.Name.String(), depth+1)
	}
}

// handleSettingUpdate handles the setting that an UPDATE of pg_settings changes.
func (w *firedCode) handleSettingUpdate(s *pgparse.UpdateStmt) {
	name, value, known, isSetting := pgparse.UpdatedSetting(s)
	if r, _ := w.catalog.Resolve(s.GetRelation()); !isSetting || r.OID != 0 && !r.Inferred {
		return
	}
	if !known {
		w.hidden = append(w.hidden, "UPDATE of pg_settings")
		return
	}
	quote := strings.NewReplacer("'", "''")
	sql := "SELECT set_config('" + quote.Replace(name) + "', '" + quote.Replace(value) + "', false)"
	w.found = append(w.found, firedBody{"pg_settings_u", []pgparse.BlockStatement{{SQL: sql, Line: 1}}})
}
