package apply_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"

	"github.com/onward-sql/onward/apply"
	"github.com/onward-sql/onward/internal/pgparse"
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

// A schema may get a new name more than once, also between two steps. A function that a step created under a name in the middle is refused, too, until
// its search_path has the present name: also after a run that was refused, and after an abort that was.
func TestFunctionPathOfSchemaRenamedTwice(t *testing.T) {
	t.Parallel()
	const base = `CREATE TABLE parcels (id bigint PRIMARY KEY, note text);
CREATE FUNCTION total() RETURNS bigint LANGUAGE sql SET search_path FROM CURRENT AS 'SELECT count(*) FROM parcels';`
	p := planned(t, base, `ALTER TABLE parcels RENAME COLUMN note TO remark;
		CREATE OR REPLACE FUNCTION total() RETURNS bigint LANGUAGE sql SET search_path FROM CURRENT AS 'SELECT count(*) + 1 FROM parcels';`)
	createStep := slices.IndexFunc(p.Steps, func(s onward.PlanStep) bool { return strings.Contains(s.SQL, "FUNCTION total") })
	if createStep < 1 || p.Steps[createStep].Phase == onward.Contract {
		t.Fatalf("step %d makes the function", createStep)
	}
	const idle, refused = "-", "refused"
	before := p.Steps[createStep-1].ID
	names := []string{"tenant_a", "tenant B", "tenant_c", `tenant "d`}
	for _, c := range []struct {
		name  string
		stops []string // what runs under each name, before it changes: to a step, to the contract, nothing, or what is refused
		from  int      // the name under which the function was made
	}{
		{"made under the second name", []string{before, ""}, 1},
		{"made under the first name", []string{"", idle}, 0},
		{"refused between", []string{before, "", refused}, 1},
	} {
		for _, end := range []string{"contract", "abort"} {
			t.Run(c.name+", "+end, func(t *testing.T) {
				t.Parallel()
				pgservertest.EachEnd(t, func(t *testing.T, major int) {
					url := pgservertest.Database(t, major)
					createSchema(t, url, names[0], base, "INSERT INTO parcels SELECT n, 'x' FROM generate_series(1, 20) AS n")
					for i, stop := range c.stops {
						config := apply.Config{DB: url, Plan: p, Schema: names[i]}
						if stop == refused {
							run(t, url, "CREATE INDEX extra ON "+pgx.Identifier{names[i], "parcels"}.Sanitize()+" (remark)")
							_, aborted := apply.Abort(t.Context(), apply.Config{DB: url, Schema: names[i]}, "")
							_, continued := apply.Continue(t.Context(), apply.Config{DB: url, Schema: names[i]}, "")
							for _, err := range []error{aborted, continued} {
								if refused := new(apply.RefusedError); !errors.As(err, &refused) {
									t.Fatal(err)
								}
							}
							run(t, url, "DROP INDEX "+pgx.Identifier{names[i], "extra"}.Sanitize())
						} else if stop != idle {
							config.To = stop
							runPlan(t, config)
						}
						run(t, url, "ALTER SCHEMA "+pgx.Identifier{names[i]}.Sanitize()+" RENAME TO "+pgx.Identifier{names[i+1]}.Sanitize())
					}
					last := names[len(c.stops)]
					quoted := pgparse.QuoteIdent(last)
					config := apply.Config{DB: url, Plan: p, Schema: last, Through: onward.Contract}
					want := "20"
					if end == "contract" {
						_, err := apply.Run(t.Context(), config)
						command := "ALTER ROUTINE " + quoted + ".total() SET search_path = " + quoted + ";"
						if refused := new(apply.RefusedError); !errors.As(err, &refused) || !strings.HasSuffix(refused.Text, ":\n"+command) ||
							!strings.Contains(refused.Text, "former name "+pgparse.QuoteIdent(names[c.from])+".") {
							t.Fatal(err)
						}
						run(t, url, command)
						finishPlan(t, config)
						want = "21"
					} else if _, err := apply.Abort(t.Context(), apply.Config{DB: url, Schema: last}, ""); err != nil {
						t.Fatal(err)
					}
					if diff := cmp.Diff([]string{want}, content(t, url, "SELECT "+quoted+".total()::text")); diff != "" {
						t.Errorf("Postgres %d (-want +got):\n%s", major, diff)
					}
				})
			})
		}
	}
}
