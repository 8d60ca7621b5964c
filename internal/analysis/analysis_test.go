package analysis_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/onward-sql/onward/internal/analysis"
	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/code/facts"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/onward"
)

// parse returns the statements of a text.
func parse(t *testing.T, sql string) []*pgparse.Node {
	t.Helper()
	file, err := pgparse.SplitText(sql)
	if err != nil {
		t.Fatal(err)
	}
	var out []*pgparse.Node
	for _, s := range file.Stmts {
		if s.Node == nil {
			t.Fatalf("parse %q: %v", sql, s.Err)
		}
		out = append(out, s.Node)
	}
	return out
}

// schemaOf returns the schema that SQL creates.
func schemaOf(t *testing.T, sql string) *catalog.Catalog {
	t.Helper()
	file, err := pgparse.SplitText(sql)
	if err != nil {
		t.Fatal(err)
	}
	c := catalog.New()
	for _, s := range file.Stmts {
		if s.Node == nil {
			t.Fatalf("parse %q: %v", sql, s.Err)
		}
		c, _ = c.Apply(s.Node, file.Src[s.Start:s.End])
	}
	return c
}

func TestPartitionCondition(t *testing.T) {
	t.Parallel()
	c := schemaOf(t, `CREATE TABLE orders (id bigint, day date) PARTITION BY RANGE (day);
CREATE TABLE sales (region text) PARTITION BY LIST (region);`)
	for _, tt := range []struct{ name, sql, parent, bounds, condition string }{
		{
			name: "a range", parent: "orders",
			sql:       "CREATE TABLE orders_2026 PARTITION OF orders FOR VALUES FROM ('2026-01-01') TO ('2027-01-01')",
			bounds:    "FOR VALUES FROM ('2026-01-01') TO ('2027-01-01')",
			condition: "day >= '2026-01-01' AND day < '2027-01-01'",
		},
		{
			name: "an open range", parent: "orders",
			sql:       "ALTER TABLE orders ATTACH PARTITION orders_old FOR VALUES FROM (MINVALUE) TO ('2020-01-01')",
			bounds:    "FOR VALUES FROM (MINVALUE) TO ('2020-01-01')",
			condition: "day < '2020-01-01'",
		},
		{
			name: "a list", parent: "sales",
			sql:       "CREATE TABLE sales_eu PARTITION OF sales FOR VALUES IN ('de', 'fr')",
			bounds:    "FOR VALUES IN ('de', 'fr')",
			condition: "region IN ('de', 'fr')",
		},
		{
			name: "clauses after the bounds", parent: "sales",
			sql:    "CREATE TABLE sales_eu PARTITION OF sales FOR VALUES IN ('de', 'fr') TABLESPACE fast",
			bounds: "FOR VALUES …",
		},
		{name: "a list with NULL", parent: "sales", sql: "CREATE TABLE x PARTITION OF sales FOR VALUES IN (NULL)", bounds: "FOR VALUES IN (NULL)"},
		{name: "the default partition", parent: "sales", sql: "CREATE TABLE x PARTITION OF sales DEFAULT", bounds: "DEFAULT"},
		{name: "no partition", parent: "sales", sql: "CREATE TABLE x (region text)", bounds: "FOR VALUES …"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if got := analysis.PartitionBounds(tt.sql); got != tt.bounds {
				t.Errorf("bounds %q, want %q", got, tt.bounds)
			}
			if got := analysis.PartitionCondition(tt.sql, c.Lookup("public", tt.parent)); got != tt.condition {
				t.Errorf("condition %q, want %q", got, tt.condition)
			}
		})
	}
}

func TestCanHold(t *testing.T) {
	t.Parallel()
	c := schemaOf(t, "CREATE TABLE t (small smallint, int integer, big bigint, short varchar(10), long varchar(20), anything text, "+
		"price numeric(10, 2), more numeric(12, 2), finer numeric(10, 4), any_number numeric, "+
		"prices numeric[], ints integer[], texts text[])")
	table := c.Lookup("public", "t")
	for _, tt := range []struct {
		column, values string
		want           bool
	}{
		{column: "big", values: "small", want: true},
		{column: "int", values: "int", want: true},
		{column: "int", values: "big", want: false},
		{column: "short", values: "long", want: false},
		{column: "long", values: "short", want: true},
		{column: "more", values: "price", want: true},
		{column: "price", values: "more", want: false},
		{column: "finer", values: "price", want: false},
		{column: "any_number", values: "finer", want: true},
		{column: "prices", values: "price", want: false},
		{column: "big", values: "ints", want: false},
		{column: "anything", values: "texts", want: false},
		{column: "anything", values: "long", want: true},
		{column: "long", values: "anything", want: false},
	} {
		column, values := table.Column(tt.column).Type, table.Column(tt.values).Type
		if got := analysis.CanHold(column, values); got != tt.want {
			t.Errorf("%s holds all values of %s: %t, want %t", column, values, got, tt.want)
		}
	}
}

func TestHasLeadingIndex(t *testing.T) {
	t.Parallel()
	c := schemaOf(t, `CREATE TABLE orders (id bigint PRIMARY KEY, shop bigint, customer bigint, paid boolean);
CREATE INDEX ON orders (shop, customer, id);
CREATE INDEX ON orders (customer) WHERE paid;`)
	orders := c.Lookup("public", "orders")
	attnums := func(names ...string) (out []int16) {
		for _, name := range names {
			out = append(out, orders.Column(name).Attnum)
		}
		return out
	}
	for _, tt := range []struct {
		columns []string
		want    bool
	}{
		{columns: []string{"id"}, want: true},
		{columns: []string{"shop"}, want: true},
		{columns: []string{"customer", "shop"}, want: true}, // in any order
		{columns: []string{"shop", "id"}, want: false},      // customer is between them
		{columns: []string{"customer"}, want: false},        // the index has a condition
		{columns: []string{"paid"}, want: false},
	} {
		if got := analysis.HasLeadingIndex(c, orders, attnums(tt.columns...)); got != tt.want {
			t.Errorf("%v: %t, want %t", tt.columns, got, tt.want)
		}
	}
}

func TestTriggerThatSetsAColumn(t *testing.T) {
	t.Parallel()
	const table = `CREATE TABLE users (id bigint, email text, email_lower text);`
	for _, tt := range []struct {
		name, body, trigger        string
		onInsert, onUpdate, maySet bool
	}{
		{
			name: "always", body: "BEGIN NEW.email_lower := lower(NEW.email); RETURN NEW; END",
			trigger: "BEFORE INSERT OR UPDATE", onInsert: true, onUpdate: true, maySet: true,
		},
		{
			name: "only new rows", body: "BEGIN NEW.email_lower := lower(NEW.email); RETURN NEW; END",
			trigger: "BEFORE INSERT", onInsert: true, maySet: true,
		},
		{
			name: "under a condition", body: "BEGIN IF NEW.email LIKE '%@%' THEN NEW.email_lower := lower(NEW.email); END IF; RETURN NEW; END",
			trigger: "BEFORE INSERT OR UPDATE", maySet: true,
		},
		{name: "another column", body: "BEGIN NEW.email := trim(NEW.email); RETURN NEW; END", trigger: "BEFORE INSERT OR UPDATE"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			c := schemaOf(t, table+"CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS $$ "+tt.body+" $$; "+
				"CREATE TRIGGER fill "+tt.trigger+" ON users FOR EACH ROW EXECUTE FUNCTION f();")
			users := c.Lookup("public", "users")
			if got := analysis.IsSetByTrigger(c, users, "email_lower"); got != tt.onInsert {
				t.Errorf("set on INSERT: %t, want %t", got, tt.onInsert)
			}
			if got := analysis.IsResetByTrigger(c, users, "email_lower"); got != tt.onUpdate {
				t.Errorf("set on UPDATE: %t, want %t", got, tt.onUpdate)
			}
			if got := analysis.MaySetColumn(c, users.Trigger("fill"), "email_lower"); got != tt.maySet {
				t.Errorf("may set: %t, want %t", got, tt.maySet)
			}
		})
	}
}

// TestListWrites checks how many rows a statement writes, as far as its text and the schema tell.
func TestListWrites(t *testing.T) {
	t.Parallel()
	c := schemaOf(t, "CREATE TABLE orders (id bigint PRIMARY KEY, state text, total integer)")
	for _, tt := range []struct {
		sql  string
		want []analysis.Extent
	}{
		{sql: "UPDATE orders SET total = 0", want: []analysis.Extent{analysis.Whole}},
		{sql: "UPDATE orders SET total = 0 WHERE state = 'open'", want: []analysis.Extent{analysis.Some}},
		{sql: "UPDATE orders SET total = 0 WHERE id = 7", want: []analysis.Extent{analysis.Few}},
		{sql: "DELETE FROM orders WHERE id IN (1, 2, 3)", want: []analysis.Extent{analysis.Few}},
		{sql: "DELETE FROM orders WHERE id BETWEEN 1 AND 1000", want: []analysis.Extent{analysis.Few}},
		{sql: "INSERT INTO orders (id) VALUES (1)", want: []analysis.Extent{analysis.Few}},
		{
			sql:  "WITH gone AS (DELETE FROM orders WHERE id = 1 RETURNING *) UPDATE orders SET total = 0",
			want: []analysis.Extent{analysis.Few, analysis.Whole},
		},
		{sql: "SELECT * FROM orders"},
	} {
		var got []analysis.Extent
		for _, w := range analysis.NewRows().ListWrites(parse(t, tt.sql)[0], analysis.Moment{Deployed: c, Before: c, Now: c}) {
			got = append(got, w.Extent)
		}
		if diff := cmp.Diff(tt.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tt.sql, diff)
		}
	}
}

func TestSettingOf(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		sql  string
		want analysis.Setting
	}{
		{sql: "SET lock_timeout = '2s'", want: analysis.Setting{Name: "lock_timeout", Value: "2s"}},
		{sql: "SET LOCAL Statement_Timeout TO 500", want: analysis.Setting{Name: "statement_timeout", Value: "500", Local: true}},
		{sql: "RESET lock_timeout", want: analysis.Setting{Name: "lock_timeout", Default: true}},
		{sql: "RESET ALL", want: analysis.Setting{Default: true}},
	} {
		got, ok := analysis.SettingOf(parse(t, tt.sql)[0])
		if diff := cmp.Diff(tt.want, got); !ok || diff != "" {
			t.Errorf("%s: %t (-want +got):\n%s", tt.sql, ok, diff)
		}
	}
	if got, ok := analysis.SettingOf(parse(t, "SELECT 1")[0]); ok {
		t.Errorf("SELECT 1 changes %+v", got)
	}
}

// TestUsage: what a rule learns from the places of the deployed code that use a table.
func TestUsage(t *testing.T) {
	t.Parallel()
	place := func(path string, line int) onward.Evidence {
		return onward.Evidence{Kind: "code", Path: path, Line: line}
	}
	idle := analysis.Usage{Known: true}
	used := analysis.Usage{
		Known: true, Used: true, Evidence: []onward.Evidence{place("shop/list.go", 12), place("shop/store.go", 31)},
		Inserts: []analysis.Insert{{Evidence: place("shop/store.go", 31)}},
	}
	if !idle.IsIdle() || used.IsIdle() || (analysis.Usage{}).IsIdle() {
		t.Error("only code that was read and does not use the object leaves it idle")
	}
	if diff := cmp.Diff([]onward.Evidence{place("shop/store.go", 31)}, used.InsertPlaces()); diff != "" {
		t.Errorf("the places that insert rows (-want +got):\n%s", diff)
	}
	code := analysis.Code(func(q analysis.Question) analysis.Usage {
		if q.Name.Name == "orders" && q.Column == "note" {
			return used
		}
		return idle
	})
	orders := catalog.Name{Schema: "public", Name: "orders"}
	if !code.FindUses(orders, "note").Used || code.FindUses(orders, "total").Used {
		t.Error("the question has the column")
	}
	if none := analysis.Code(nil).FindUses(orders, "note"); none.Known {
		t.Error("without code nothing is known")
	}
	merged := analysis.MergeUsages([]analysis.Usage{used, {Known: true, Used: true, Evidence: []onward.Evidence{place("shop/bill.go", 5)}}})
	var paths []string
	for _, e := range merged.Evidence {
		paths = append(paths, e.Path)
	}
	if diff := cmp.Diff([]string{"shop/list.go", "shop/bill.go", "shop/store.go"}, paths); diff != "" {
		t.Errorf("the best evidence of each column comes first (-want +got):\n%s", diff)
	}
	writes := analysis.Usage{Writes: []analysis.Written{{How: facts.Inserts, Evidence: place("shop/store.go", 31)}}}
	if got := writes.WriteEvidence("insert"); len(got) != 1 || got[0].Line != 31 {
		t.Errorf("the INSERT: %+v", got)
	}
	if got := writes.WriteEvidence("delete"); got != nil {
		t.Errorf("there is no DELETE: %+v", got)
	}
}

func TestGroupByKey(t *testing.T) {
	t.Parallel()
	words := []string{"apple", "bean", "avocado", "beet"}
	got := analysis.GroupByKey(words, func(word *string) byte { return (*word)[0] })
	if diff := cmp.Diff([][]string{{"apple", "avocado"}, {"bean", "beet"}}, got); diff != "" {
		t.Errorf("in the order of the first items (-want +got):\n%s", diff)
	}
}
