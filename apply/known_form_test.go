package apply_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/onward-sql/onward/apply"
	"github.com/onward-sql/onward/internal/pgserver/pgservertest"
	"github.com/onward-sql/onward/onward"
)

// formBase has what a plan for parcels.weight makes again for the new column.
const formBase = `CREATE TABLE parcels (id bigint PRIMARY KEY, weight int, note text); CREATE INDEX heavy ON parcels (weight);
ALTER TABLE parcels ADD CONSTRAINT light CHECK (weight < 5000);`

// A plan knows an index and a constraint by name. If the database has the name for something else, before the plan or in the middle of it, the contract
// names both forms, until the plan's object has the same.
func TestKnownObjectInAnotherForm(t *testing.T) {
	t.Parallel()
	p := planned(t, formBase, `ALTER TABLE parcels ALTER COLUMN weight TYPE bigint;`)
	for _, c := range []struct{ name, change, same, want, query, get string }{
		{
			"unique index", "DROP INDEX heavy; CREATE UNIQUE INDEX heavy ON parcels (weight)",
			"DROP INDEX heavy_onward; CREATE UNIQUE INDEX heavy_onward ON parcels (weight_onward)",
			"index heavy of parcels is not what the plan was made for: CREATE UNIQUE INDEX heavy ON public.parcels USING btree (weight). " +
				"In its place would be CREATE INDEX heavy_onward ",
			"SELECT indisunique::text FROM pg_index WHERE indexrelid = 'heavy'::regclass", "true",
		},
		{
			"clustered index", "ALTER TABLE parcels CLUSTER ON heavy", "ALTER TABLE parcels CLUSTER ON heavy_onward", "index heavy of parcels is not",
			"SELECT indisclustered::text FROM pg_index WHERE indexrelid = 'heavy'::regclass", "true",
		},
		{
			"check", "ALTER TABLE parcels DROP CONSTRAINT light, ADD CONSTRAINT light CHECK (weight < 500)",
			"ALTER TABLE parcels DROP CONSTRAINT light_onward, ADD CONSTRAINT light_onward CHECK (weight_onward < 500)",
			"check light of parcels is not what the plan was made for: CHECK ((weight < 500)). In its place would be CHECK ((weight_onward < 5000))",
			"SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE conname = 'light'", "CHECK ((weight < 500))",
		},
	} {
		for _, before := range []bool{true, false} {
			t.Run(c.name, func(t *testing.T) {
				t.Parallel()
				pgservertest.EachEnd(t, func(t *testing.T, major int) {
					url := pgservertest.Database(t, major)
					run(t, url, formBase, "INSERT INTO parcels SELECT n, n, 'x' FROM generate_series(1, 100) n")
					if before {
						run(t, url, c.change)
					}
					runPlan(t, apply.Config{DB: url, Plan: p})
					if !before {
						run(t, url, c.change)
					}
					contract := apply.Config{DB: url, Plan: p, Through: onward.Contract}
					_, err := apply.Run(t.Context(), contract)
					if refused := new(apply.RefusedError); !errors.As(err, &refused) || !strings.Contains(refused.Text, c.want) {
						t.Fatal(err)
					}
					run(t, url, c.same)
					finishPlan(t, contract)
					if diff := cmp.Diff([]string{c.get}, content(t, url, c.query)); diff != "" {
						t.Errorf("Postgres %d (-want +got):\n%s", major, diff)
					}
				})
			})
		}
	}
}

// After the contract the new column has the old one's statistics objects, with their targets and owners, and the comment of its NOT NULL constraint.
func TestReplacedColumnKeepsProperties(t *testing.T) {
	t.Parallel()
	const base = "CREATE TABLE parcels (id bigint PRIMARY KEY, weight int NOT NULL, kind int);"
	p := planned(t, base, `ALTER TABLE parcels ALTER COLUMN weight TYPE bigint;`)
	pgservertest.EachEnd(t, func(t *testing.T, major int) {
		url := pgservertest.Database(t, major)
		run(t, url, base, "INSERT INTO parcels SELECT n, n, n % 5 FROM generate_series(1, 100) n")
		sql := makeRoles(t, url, "keeper")
		runPlan(t, apply.Config{DB: url, Plan: p})
		run(t, url, sql("CREATE STATISTICS pair ON weight, kind FROM parcels; ALTER STATISTICS pair SET STATISTICS 9; ALTER STATISTICS pair OWNER TO @keeper"))
		want := []string{sql("pair 9 @keeper")}
		if major >= 18 {
			run(t, url, "COMMENT ON CONSTRAINT parcels_weight_not_null ON parcels IS 'since the audit'")
			want = append(want, "parcels_weight_not_null since the audit")
		}
		finishPlan(t, apply.Config{DB: url, Plan: p, Through: onward.Contract})
		got := content(t, url, `SELECT stxname || ' ' || stxstattarget || ' ' || pg_get_userbyid(stxowner) FROM pg_statistic_ext
			UNION ALL SELECT conname || ' ' || description FROM pg_constraint AS k JOIN pg_description AS d ON d.objoid = k.oid
			WHERE d.classoid = 'pg_constraint'::regclass`)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("Postgres %d (-want +got):\n%s", major, diff)
		}
	})
}
