package subscriber

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/onward-sql/onward/onward"
)

// What a subscriber needs follows a column and a table through their names, and leaves out what is not sent.
func TestNeeds(t *testing.T) {
	t.Parallel()
	some := Publication{
		Name:   "some",
		Tables: []Table{{Name: "public.orders"}, {Name: "app.Parts_1", Roots: []string{"app.Parts"}}, {Name: "public.listed", Listed: true}},
	}
	all := Publication{Name: "all", AllTables: true, Tables: some.Tables}
	excepting := Publication{Name: "excepting", AllTables: true, Tables: some.Tables, Except: []string{"app.whole", "app.whole_1", "public.secrets"}}
	for name, c := range map[string]struct {
		publication *Publication
		sql         []string
		want        []Need
	}{
		"a column with all that may come behind its type": {&some, []string{`ALTER TABLE IF EXISTS ONLY orders ADD COLUMN IF NOT EXISTS "At" timestamp with time zone NOT NULL DEFAULT now(), ADD total numeric(10, 2)[] COLLATE "C" CHECK (true), ADD n bigserial;`},
			[]Need{{
				Step: "a",
				Before: []string{
					`ALTER TABLE public.orders ADD COLUMN "At" timestamp with time zone`,
					"ALTER TABLE public.orders ADD COLUMN total numeric(10, 2)[]", "ALTER TABLE public.orders ADD COLUMN n bigint",
				},
			}}},
		"a generated column, a list of columns and another table": {
			&some,
			[]string{"ALTER TABLE orders ADD COLUMN g int GENERATED ALWAYS AS (id) STORED; ALTER TABLE listed ADD COLUMN x int; ALTER TABLE others ADD COLUMN x int; " +
				"CREATE TABLE fresh (id int);"},
			nil,
		},
		"a column of a partitioned table": {
			&some, []string{`ALTER TABLE app."Parts" ADD COLUMN x int;`},
			[]Need{{Step: "a", Before: []string{`ALTER TABLE app."Parts" ADD COLUMN x int`}}},
		},
		"a column that takes another one's name": {&some, []string{
			"ALTER TABLE orders ADD COLUMN n_onward bigint;",
			"ALTER TABLE orders DROP COLUMN n; ALTER TABLE orders RENAME COLUMN n_onward TO n;",
		}, []Need{
			{Step: "a", Before: []string{"ALTER TABLE public.orders ADD COLUMN n_onward bigint"}},
			{Step: "b", Before: []string{"ALTER TABLE public.orders ALTER COLUMN n TYPE bigint"}, After: []string{"ALTER TABLE public.orders DROP COLUMN n_onward"}}}},
		"a dropped column": {&some, []string{"ALTER TABLE orders DROP COLUMN n;"}, []Need{
			{Step: "a", Before: []string{"ALTER TABLE public.orders ALTER COLUMN n DROP NOT NULL"}, After: []string{"ALTER TABLE public.orders DROP COLUMN n"}}}},
		"a renamed table, and its next column": {&some, []string{"ALTER TABLE orders RENAME TO bills;", "ALTER TABLE bills ADD COLUMN x int;"}, []Need{
			{
				Step:  "a",
				After: []string{"ALTER TABLE public.orders RENAME TO bills"},
				Stops: true,
			}, {Step: "b", Before: []string{"ALTER TABLE public.bills ADD COLUMN x int"}}}},
		"a renamed column": {
			&some, []string{"ALTER TABLE orders RENAME n TO m;"},
			[]Need{{Step: "a", After: []string{"ALTER TABLE public.orders RENAME COLUMN n TO m"}, Stops: true}},
		},
		"new tables": {&all, []string{"CREATE SCHEMA onward; CREATE TABLE onward.x (id int); CREATE UNLOGGED TABLE u (id int); CREATE TABLE y AS SELECT 1 AS a; " +
			"ALTER TABLE y ADD COLUMN b int;"}, []Need{
			{
				Step:   "a",
				Before: []string{"CREATE SCHEMA onward", "CREATE TABLE onward.x (id int)", "CREATE TABLE y AS SELECT 1 AS a", "ALTER TABLE public.y ADD COLUMN b int"},
			}}},
		"tables and partitions that EXCEPT leaves out": {&excepting, []string{"ALTER TABLE secrets ADD COLUMN a int; " +
			"CREATE TABLE app.whole_2 PARTITION OF app.whole " +
			"FOR VALUES FROM (1) TO (2) PARTITION BY RANGE (id); CREATE TABLE app.whole_2a PARTITION OF app.whole_2 DEFAULT; " +
			"CREATE TABLE app.whole_1a PARTITION OF app.whole_1 DEFAULT; " +
			`CREATE TABLE parts_2 PARTITION OF app."Parts" DEFAULT; CREATE TABLE child () INHERITS (secrets);`}, []Need{
			{
				Step:   "a",
				Before: []string{`CREATE TABLE parts_2 PARTITION OF app."Parts" DEFAULT`, "CREATE TABLE child () INHERITS (secrets)"},
			}}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var steps []onward.PlanStep
			for i, sql := range c.sql {
				steps = append(steps, onward.PlanStep{ID: string(rune('a' + i)), SQL: sql})
			}
			if diff := cmp.Diff(c.want, c.publication.ListNeeds(steps, []string{"public"})); diff != "" {
				t.Error(diff)
			}
		})
	}
}
