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

// sendsDDL reports whether a function of an extension sends DDL.
func sendsDDL(name string) bool { return ddlFunctions[name] > 0 || hiddenDDL[name] }

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
