package catalog

import (
	"testing"

	"github.com/onward-sql/onward/internal/pgparse"
)

// CREATE OR REPLACE VIEW cannot change a column's type, so an expression whose
// type is not known has the old one.
func TestViewColumnKeepsItsType(t *testing.T) {
	t.Parallel()
	apply := func(c *Catalog, sql string) *Catalog {
		file, err := pgparse.SplitText(sql)
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range file.Stmts {
			c, _ = c.Apply(s.Node, sql[s.Start:s.End])
		}
		return c
	}
	plain := apply(New(), "CREATE TABLE t (a bigint, b bigint); CREATE VIEW v AS SELECT a FROM t")
	computed := apply(plain, "CREATE OR REPLACE VIEW v AS SELECT coalesce(a, b + 1) AS a FROM t")
	for _, d := range append(Diff(plain, computed), Diff(computed, apply(computed, "CREATE OR REPLACE VIEW v AS SELECT a FROM t"))...) {
		if d.Kind == ColumnTypeChanged {
			t.Errorf("Diff reports a changed column type of a view, which Postgres refuses: %s", d.Words().Text)
		}
	}
}
