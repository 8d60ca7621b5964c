package fleet_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/onward-sql/onward/internal/fleet"
	"github.com/onward-sql/onward/internal/pgserver/pgservertest"
	"github.com/onward-sql/onward/onward"
)

// The targets that differ from most others are grouped by their difference. The statements that are printed remove it.
func TestDrift(t *testing.T) {
	t.Parallel()
	pgservertest.EachEnd(t, func(t *testing.T, major int) {
		db := pgservertest.Database(t, major)
		conn := pgservertest.Connect(t, db)
		for _, name := range []string{"tenant_1", "tenant_2", "tenant_3", "tenant_4", "tenant_5", `tenant "6"`, "tenant_7"} {
			pgservertest.Exec(t, conn, `SELECT set_config('search_path', quote_ident('`+name+`'), false)`, `CREATE SCHEMA IF NOT EXISTS "`+
				map[bool]string{true: `tenant ""6""`, false: name}[name == `tenant "6"`]+`"`,
				`CREATE TYPE mood AS ENUM ('good', 'bad')`, `CREATE TABLE item (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, n int NOT NULL DEFAULT 0, note text)`,
				`CREATE TABLE part (id serial, item bigint REFERENCES item, how mood, CHECK (id > 0))`, `CREATE INDEX part_item ON part (item)`,
				`CREATE VIEW items AS SELECT id, note FROM item`, `CREATE FUNCTION f(a int) RETURNS int LANGUAGE sql AS 'SELECT a'`)
		}
		for _, name := range []string{"tenant_2", "tenant_5"} {
			pgservertest.Exec(t, conn, "SET search_path = "+name, "ALTER TABLE item ALTER n DROP DEFAULT, ALTER n DROP NOT NULL", "DROP INDEX part_item",
				"ALTER TABLE part DROP CONSTRAINT part_item_fkey", "CREATE INDEX other ON part (how)")
		}
		pgservertest.Exec(t, conn, "SET search_path = tenant_3", "ALTER TABLE part ALTER id TYPE bigint", "ALTER TABLE item ADD extra text")
		list, err := fleet.ListTargets(t.Context(), fleet.Source{Text: "schemas:tenant*", DB: db})
		if err != nil {
			t.Fatal(err)
		}
		got, err := fleet.FindDrift(t.Context(), list, "")
		if err != nil {
			t.Fatal(err)
		}
		want := []onward.RolloutDrift{
			{
				Targets: []string{"tenant_2", "tenant_5"},
				Missing: []string{
					"default item.n: 0", "not null item.n: NOT NULL", "constraint part.part_item_fkey: FOREIGN KEY (item) REFERENCES item(id)",
					"index part_item: CREATE INDEX part_item ON part USING btree (item)",
				},
				Extra: []string{"index other: CREATE INDEX other ON part USING btree (how)"},
				Fix: []string{
					"ALTER TABLE item ALTER COLUMN n SET DEFAULT 0", "ALTER TABLE item ALTER COLUMN n SET NOT NULL",
					"ALTER TABLE part ADD CONSTRAINT part_item_fkey FOREIGN KEY (item) REFERENCES item(id)",
					"CREATE INDEX CONCURRENTLY part_item ON part USING btree (item)", "DROP INDEX CONCURRENTLY other",
				},
			},
			{
				Targets: []string{"tenant_3"},
				Missing: []string{"column part.id: integer"},
				Extra:   []string{"column part.id: bigint", "column item.extra: text"},
				Fix:     []string{"ALTER TABLE part ALTER COLUMN id TYPE integer"},
			},
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("Postgres %d: drift (-want +got):\n%s", major, diff)
		}
		for _, d := range got[:1] {
			for _, name := range d.Targets {
				for _, sql := range append([]string{"SET search_path = " + name}, d.Fix...) {
					pgservertest.Exec(t, conn, sql)
				}
			}
		}
		if got, err = fleet.FindDrift(t.Context(), list, "tenant_7"); err != nil || len(got) != 1 {
			t.Errorf("drift from tenant_7 after the fixes: %+v, error %v, want one", got, err)
		}
	})
}
