package catalog_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/onward-sql/onward/internal/catalog"
)

// TestTableOfView: views pass writes to a table, and views that read each other to none.
func TestTableOfView(t *testing.T) {
	t.Parallel()
	const views = "CREATE TABLE t (x int); CREATE TABLE u (y int); CREATE VIEW v AS SELECT x FROM t; CREATE VIEW w AS SELECT x FROM v; "
	for sql, want := range map[string]string{
		"SELECT":                                                               "public.t",
		"CREATE OR REPLACE VIEW v AS TABLE w":                                  "",
		"CREATE OR REPLACE VIEW w AS TABLE w":                                  "",
		"CREATE OR REPLACE VIEW v AS SELECT 1 AS x":                            "",
		"CREATE OR REPLACE VIEW v AS SELECT x FROM t, u":                       "",
		"CREATE OR REPLACE VIEW v AS SELECT x FROM t WHERE x IN (TABLE u)":     "public.t",
		"CREATE OR REPLACE VIEW v AS SELECT (SELECT max(y) FROM u) x FROM t":   "public.t",
		"CREATE OR REPLACE VIEW v AS WITH t AS (TABLE u) SELECT y AS x FROM t": "public.u",
	} {
		c, _ := apply(t, catalog.New(), views+sql)
		got := ""
		if table := c.TableOfView(c.Lookup("public", "w")); table != nil {
			got = table.Name.Qualified()
		}
		if got != want {
			t.Errorf("%s: %q, want %q", sql, got, want)
		}
	}
}

// TestReadOnlyView: which views take writes, and why not, as information_schema.views says on servers 13 and 18.
func TestReadOnlyView(t *testing.T) {
	t.Parallel()
	const schema = "CREATE TABLE t (id int PRIMARY KEY, x int, c int DEFAULT 1); CREATE MATERIALIZED VIEW mv AS SELECT id FROM t; " +
		"CREATE VIEW plain AS TABLE t; " +
		"CREATE VIEW few AS SELECT DISTINCT id FROM t; CREATE AGGREGATE mine(int) (sfunc = int4pl, stype = int, initcond = '0'); " +
		"CREATE FUNCTION rows_of(int) RETURNS SETOF int LANGUAGE sql AS 'SELECT 1'; " +
		"CREATE FUNCTION twice(int) RETURNS int LANGUAGE sql AS 'SELECT 2*$1'; " +
		"CREATE FUNCTION mixed(int) RETURNS int LANGUAGE sql AS 'SELECT 1'; CREATE FUNCTION mixed(text) RETURNS SETOF int LANGUAGE sql AS 'SELECT 1'; " +
		"CREATE VIEW ruled AS SELECT DISTINCT id FROM t; CREATE RULE r AS ON INSERT TO ruled DO INSTEAD NOTHING; " +
		"CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'; CREATE VIEW fired AS SELECT DISTINCT id FROM t; " +
		"CREATE TRIGGER g INSTEAD OF INSERT OR UPDATE ON fired FOR EACH ROW EXECUTE FUNCTION f(); CREATE EXTENSION pg_trgm; "
	for query, want := range map[string]string{
		"SELECT id, x, id AS id2 FROM t ORDER BY 1":     "yes",
		"SELECT id FROM ONLY t":                         "yes",
		"SELECT id FROM t FOR UPDATE":                   "yes",
		"SELECT tableoid AS o, id FROM t":               "yes",
		"SELECT (SELECT max(x) FROM t) AS m, id FROM t": "yes",
		"SELECT twice(x) AS y, lower('A'), id FROM t":   "yes",
		"SELECT similarity('a', 'b') AS y, id FROM t":   "yes",
		"TABLE plain":                                                  "yes",
		"SELECT mixed(x) AS y, id FROM t":                              "",
		"SELECT public.nobody(x) AS y, id FROM t":                      "",
		"SELECT nobody(x) AS y, id FROM t":                             "",
		"SELECT DISTINCT id FROM t":                                    "views containing DISTINCT",
		"SELECT id FROM t GROUP BY id":                                 "views containing GROUP BY",
		"SELECT 1 AS one FROM t HAVING true":                           "views containing HAVING",
		"SELECT id FROM t UNION SELECT id FROM t":                      "views containing UNION, INTERSECT, or EXCEPT",
		"WITH w AS (SELECT 1) SELECT id FROM t":                        "views containing WITH",
		"SELECT id FROM t LIMIT 1":                                     "views containing LIMIT or OFFSET",
		"SELECT id FROM t OFFSET 1":                                    "views containing LIMIT or OFFSET",
		"VALUES (1)":                                                   "views that do not select from a single table or view",
		"SELECT 1 AS one":                                              "views that do not select from a single table or view",
		"SELECT a.id FROM t a, t b":                                    "views that do not select from a single table or view",
		"SELECT id FROM (SELECT * FROM t) s":                           "views that do not select from a single table or view",
		"SELECT generate_series(1, 2) AS g, id FROM t":                 "views that return set-returning functions",
		"SELECT unnest(ARRAY[1]) + 1 AS u, id FROM t":                  "views that return set-returning functions",
		"SELECT pg_ls_dir(x::text) AS f, id FROM t":                    "views that return set-returning functions",
		"SELECT rows_of(x) AS y, id FROM t":                            "views that return set-returning functions",
		"SELECT bit_and(x) AS b FROM t":                                "views that return aggregate or window functions",
		"SELECT mine(x) AS m FROM t":                                   "views that return aggregate or window functions",
		"SELECT 1 + max(x) AS m FROM t":                                "views that return aggregate or window functions",
		"SELECT count(*) AS n FROM t":                                  "views that return aggregate or window functions",
		"SELECT twice(count(DISTINCT x)::int) AS n FROM t":             "views that return aggregate or window functions",
		"SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY x) FROM t": "views that return aggregate or window functions",
		"SELECT row_number() OVER () AS r FROM t":                      "views that return aggregate or window functions",
		"SELECT json_arrayagg(x) AS j FROM t":                          "views that return aggregate or window functions",
		"TABLE few":                                                    "views containing DISTINCT",
		"TABLE mv":                                                     "it reads a materialized view",
		"TABLE ruled":                                                  "",
		"TABLE fired":                                                  "",
	} {
		c, _ := apply(t, catalog.New(), schema+"CREATE VIEW v AS "+query)
		view := c.Lookup("public", "v")
		got := strings.TrimSuffix(strings.TrimSuffix(c.ReadOnly(view), " not automatically updatable"), " are")
		if c.IsUpdatable(view) {
			got = "yes" + got
		}
		if got != want {
			t.Errorf("%s: %q, want %q", query, got, want)
		}
	}
	c, _ := apply(t, catalog.New(), schema)
	if got := c.ReadOnly(c.Lookup("public", "mv")); got != "it is a materialized view now" {
		t.Errorf("a materialized view: %q", got)
	}
	if table := c.Lookup("public", "t"); c.ReadOnly(table) != "" || c.IsUpdatable(table) {
		t.Error("a table is no view")
	}
	if got := c.Lookup("public", "fired").InsteadOf(); !slices.Equal(got, []string{"insert", "update"}) {
		t.Errorf("INSTEAD OF: %q", got)
	}
}

// TestColumnsOfView: what a view's column is in the relation that the view reads.
func TestColumnsOfView(t *testing.T) {
	t.Parallel()
	for query, want := range map[string]string{
		"SELECT id, x AS y FROM t":        "id plain id, y plain x",
		"SELECT id AS x, x AS id FROM t":  "x plain id, id plain x",
		"SELECT id, x + 1 AS y FROM t":    "id plain id, y computed y",
		"SELECT tableoid AS o, id FROM t": "o computed tableoid, id plain id",
		"TABLE t":                         "id plain id, x plain x",
		"SELECT *, 1 AS y FROM t":         "id unknown id, x unknown x, y unknown y",
	} {
		c, _ := apply(t, catalog.New(), "CREATE TABLE t (id int, x int); CREATE VIEW v AS "+query)
		view := c.Lookup("public", "v")
		var got []string
		for i, base := range c.BaseColumns(view, view.ColumnNames([]int16{1, 2, 3}[:len(view.Columns)])) {
			name, word := view.Columns[i].Name, "unknown"
			switch {
			case c.IsComputed(view, name):
				word = "computed"
			case c.IsPlainColumn(view, name):
				word = "plain"
			}
			got = append(got, name+" "+word+" "+base)
		}
		if diff := cmp.Diff(want, strings.Join(got, ", ")); diff != "" {
			t.Errorf("columns of the view of %q (-want +got):\n%s", query, diff)
		}
		if c.IsPlainColumn(view, "nope") || c.IsComputed(view, "nope") || c.IsPlainColumn(c.Lookup("", "t"), "id") {
			t.Errorf("%s: a column that the view lacks", query)
		}
	}
}
