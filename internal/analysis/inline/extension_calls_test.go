package inline

import (
	"slices"
	"testing"

	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/pgparse"
)

// TestExtensionStatements has what PostGIS 3.3.2 did to such a table on Postgres 15: the columns' types, the CHECKs and whether the table's
// file was another one afterwards were read from the server's catalogs.
func TestExtensionStatements(t *testing.T) {
	t.Parallel()
	const column, elsewhere, setSRID = `ALTER TABLE trail `, "ALTER TABLE app.", " USING st_setsrid(path, "
	for call, want := range map[string][]string{
		"UpdateGeometrySRID('trail', 'path', 4326)":            {column + "ALTER COLUMN path TYPE geometry(linestring, 4326)" + setSRID + "4326)"},
		"UpdateGeometrySRID('app', 'trail', 'path', 4326)":     {elsewhere + "trail ALTER COLUMN path TYPE geometry(geometry, 4326)" + setSRID + "4326)"},
		"updategeometrysrid('', 'app', 'Trail', 'path', 3857)": {elsewhere + `"Trail" ALTER COLUMN path TYPE geometry(geometry, 3857)` + setSRID + "3857)"},
		"UpdateGeometrySRID('trail'::varchar, 'checked', 4326)": {column + "DROP CONSTRAINT enforce_srid_checked",
			"UPDATE trail SET checked = st_setsrid(checked, 4326)",
			column + "ADD CONSTRAINT enforce_srid_checked CHECK (st_srid(checked) = 4326)"},
		"AddGeometryColumn('trail', 'start', 4326, 'POINT', 2)":        {column + "ADD COLUMN start geometry(POINT, 4326)"},
		"AddGeometryColumn('app', 'trail', 'start', 4326, 'POINT', 3)": {"ALTER TABLE app.trail ADD COLUMN start geometry(POINTZ, 4326)"},
		"AddGeometryColumn('trail', 'start', 4326, 'POINTM', 3)":       {column + "ADD COLUMN start geometry(POINTM, 4326)"},
		"AddGeometryColumn('trail', 'start', 4326, 'POINT', 4, true)":  {column + "ADD COLUMN start geometry(POINTZM, 4326)"},
		"AddGeometryColumn('trail', 'area', 0, 'GEOMETRY', 2, use_typmod := false)": {column + "ADD COLUMN area geometry",
			column + "ADD CONSTRAINT enforce_srid_area CHECK (st_srid(area) = 0)",
			column + "ADD CONSTRAINT enforce_dims_area CHECK (st_ndims(area) = 2)"},
		"AddGeometryColumn('trail', 'start', 4326, 'POINT', 2, false)": {column + "ADD COLUMN start geometry",
			column + "ADD CONSTRAINT enforce_srid_start CHECK (st_srid(start) = 4326)",
			column + "ADD CONSTRAINT enforce_dims_start CHECK (st_ndims(start) = 2)",
			column + "ADD CONSTRAINT enforce_geotype_start CHECK (geometrytype(start) = 'POINT' OR start IS NULL)"},
		"DropGeometryColumn('trail', 'path')": {column + "DROP COLUMN path"},
		"DropGeometryTable('app', 'trail')":   {"DROP TABLE IF EXISTS app.trail RESTRICT"},
		"Populate_Geometry_Columns('trail'::regclass)": {`ALTER TABLE public.trail ALTER COLUMN checked TYPE geometry(geometry)`,
			`ALTER TABLE public.trail ALTER COLUMN loose TYPE geometry(geometry)`},
		"Populate_Geometry_Columns()": {`ALTER TABLE public.trail ALTER COLUMN checked TYPE geometry(geometry)`,
			`ALTER TABLE public.trail ALTER COLUMN loose TYPE geometry(geometry)`},
		"Populate_Geometry_Columns('trail'::regclass, false)": nil,
		"UpdateGeometrySRID('trail', lower('PATH'), 4326)":    nil,
		"AddRasterConstraints('trail', 'image')":              nil,
		"DropGeometryColumn('trail')":                         nil,
		"DropGeometryTable(table_name => 'trail')":            nil,
	} {
		c := catalog.New()
		for _, sql := range []string{
			"CREATE EXTENSION postgis",
			"CREATE TABLE trail (id bigint PRIMARY KEY, path geometry(LineString, 0), checked geometry, loose geometry, " +
				"CONSTRAINT enforce_srid_checked CHECK (st_srid(checked) = 0))",
		} {
			c, _ = c.Apply(pgparse.ParseStatement(sql), sql)
		}
		calls, _ := listTopLevelCalls(pgparse.ParseStatement("SELECT " + call))
		if len(calls) != 1 {
			t.Fatalf("%s: %d calls", call, len(calls))
		}
		var got []string
		for _, s := range extensionStatements(c, pgparse.LastText(calls[0].GetFuncname()), calls[0]) {
			if pgparse.ParseStatement(s.SQL) == nil {
				t.Errorf("%s sends what is no statement: %s", call, s.SQL)
			}
			got = append(got, s.SQL)
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s sends\n%q, want\n%q", call, got, want)
		}
	}
}
