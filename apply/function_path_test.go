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

// A function that a step created with SET search_path FROM CURRENT has the name of the plan's schema in its search_path. After the schema got another
// name it finds no table, or those of another schema. The plan refuses it by name until it is changed. An abort creates the former one again.
func TestFunctionPathOfRenamedSchema(t *testing.T) {
	t.Parallel()
	const base = `CREATE TABLE parcels (id bigint PRIMARY KEY, note text);
CREATE FUNCTION total() RETURNS bigint LANGUAGE sql SET search_path FROM CURRENT AS 'SELECT count(*) FROM parcels';
CREATE FUNCTION same(v bigint) RETURNS bigint LANGUAGE sql SET search_path = pg_catalog AS 'SELECT v';`
	p := planned(t, base, `CREATE OR REPLACE FUNCTION total() RETURNS bigint LANGUAGE sql SET search_path FROM CURRENT AS 'SELECT count(*) + 1 FROM parcels';
		CREATE OR REPLACE FUNCTION same(v bigint) RETURNS bigint LANGUAGE sql SET search_path = pg_catalog AS 'SELECT v + 0';
		ALTER TABLE parcels RENAME COLUMN note TO remark;`)
	pgservertest.EachEnd(t, func(t *testing.T, major int) {
		for _, end := range []string{"contract", "abort"} {
			url := pgservertest.Database(t, major)
			createSchema(t, url, "tenant_a", base, "INSERT INTO parcels SELECT n, 'x' FROM generate_series(1, 20) AS n")
			runPlan(t, apply.Config{DB: url, Plan: p, Schema: "tenant_a"})
			run(t, url, `ALTER SCHEMA tenant_a RENAME TO "tenant B"`)
			c := apply.Config{DB: url, Plan: p, Schema: "tenant B", Through: onward.Contract}
			want := "20"
			if end == "contract" {
				_, err := apply.Run(t.Context(), c)
				const command = `ALTER ROUTINE "tenant B".total() SET search_path = "tenant B";`
				if refused := new(apply.RefusedError); !errors.As(err, &refused) || !strings.HasSuffix(refused.Text, ":\n"+command) {
					t.Fatal(err)
				}
				run(t, url, command)
				finishPlan(t, c)
				want = "21"
			} else if _, err := apply.Abort(t.Context(), apply.Config{DB: url, Schema: "tenant B"}, ""); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff([]string{want}, content(t, url, `SELECT "tenant B".total()::text`)); diff != "" {
				t.Errorf("Postgres %d, %s (-want +got):\n%s", major, end, diff)
			}
		}
	})
}
