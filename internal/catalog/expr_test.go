package catalog_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/pgparse"
)

// expr parses an expression.
func expr(t *testing.T, text string) *pgparse.Node {
	t.Helper()
	f, err := pgparse.SplitText("SELECT " + text)
	if err != nil || len(f.Stmts) != 1 || f.Stmts[0].Err != nil {
		t.Fatalf("%s does not parse", text)
	}
	return f.Stmts[0].Node.GetSelectStmt().GetTargetList()[0].GetResTarget().GetVal()
}

func TestSameExpr(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		a, b string
		want bool
	}{
		{"a+1", "  a  +  1", true},
		{"lower(a)", "LOWER( /* x */ a )", true},
		{"a + 1", "a + 2", false},
		{"a + b", "b + a", false},
		{"a::varchar(3)", "a::varchar(4)", false},
		{"'x'", "'y'", false},
		{"a IN (1, 2)", "a IN (1, 2)", true},
		{"a IN (1, 2)", "a IN (1, 3)", false},
	} {
		if got := catalog.SameExpr(expr(t, c.a), expr(t, c.b)); got != c.want {
			t.Errorf("%s and %s: %v", c.a, c.b, got)
		}
	}
	if catalog.SameExpr(nil, expr(t, "a")) || !catalog.SameExpr(nil, nil) {
		t.Error("nil equals nil alone")
	}
}

func TestTypeString(t *testing.T) {
	t.Parallel()
	c, _ := apply(t, catalog.New(), `CREATE TABLE t (
		a int, b bigint[], c varchar(20), d timestamptz(3), e numeric(10, 2), f char, g char(3), h double precision,
		i interval year to month, j interval(3), k time, l bit varying(5), m "char", n geometry(Point, 4326), o app.mood[][], p text)`)
	want := []string{
		"integer", "bigint[]", "varchar(20)", "timestamptz(3)", "numeric(10,2)", "char", "char(3)", "double precision",
		"interval year to month", "interval(3)", "time", "bit varying(5)", `"char"`, "geometry(point, 4326)", "app.mood[][]", "text",
	}
	var got []string
	for _, col := range c.Lookup("", "t").Columns {
		got = append(got, col.Type.String())
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}
