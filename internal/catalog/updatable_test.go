package catalog_test

import (
	"testing"

	"github.com/onward-sql/onward/internal/catalog"
)

// TestTableOfView: views pass writes to a table, and views that read each other to none.
func TestTableOfView(t *testing.T) {
	t.Parallel()
	const views = "CREATE TABLE t (x int); CREATE VIEW v AS SELECT x FROM t; CREATE VIEW w AS SELECT x FROM v; "
	for sql, want := range map[string]string{
		"SELECT":                                    "public.t",
		"CREATE OR REPLACE VIEW v AS TABLE w":       "",
		"CREATE OR REPLACE VIEW w AS TABLE w":       "",
		"CREATE OR REPLACE VIEW v AS SELECT 1 AS x": "",
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
