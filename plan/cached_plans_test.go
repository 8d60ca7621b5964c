package plan_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/onward-sql/onward/audit"
	"github.com/onward-sql/onward/internal/pgserver/pgservertest"
	"github.com/onward-sql/onward/internal/workload"
	"github.com/onward-sql/onward/onward"
	"github.com/onward-sql/onward/plan"
	"github.com/onward-sql/onward/rehearse"
	"github.com/onward-sql/onward/verify"
)

// cachedPlans are releases with queries of the code, and the queries that a server refuses after which phase, each once.
var cachedPlans = []struct {
	name, release    string
	queries, refused []string
	phase            onward.PlanPhase
	columns          []string
}{
	{
		"another type", "ALTER TABLE customers ALTER COLUMN quota TYPE bigint;",
		[]string{"SELECT quota FROM customers", "SELECT count(quota) FROM customers",
			"UPDATE customers SET note = 'x' RETURNING quota", "SELECT email FROM customers"},
		[]string{"SELECT quota FROM customers", "UPDATE customers SET note = 'x' RETURNING quota"}, onward.Contract, []string{"customers.quota"},
	},
	{
		"a wider type", "ALTER TABLE wide ALTER COLUMN a TYPE varchar(40), ALTER COLUMN c TYPE numeric(12, 2);",
		[]string{"SELECT a FROM wide", "SELECT b FROM wide", "SELECT c FROM wide"},
		[]string{"SELECT a FROM wide", "SELECT c FROM wide"}, onward.Expand, []string{"wide.a", "wide.c"},
	},
	{"another name", "ALTER TABLE customers RENAME COLUMN country TO nation;", []string{"SELECT email, note FROM customers"}, nil, "", nil},
}

// Prepared statements that return a column whose type a step changes are refused once after that step, and no others. The steps say
// so. pgx prepares again after the error.
func TestCachedPlans(t *testing.T) {
	t.Parallel()
	for _, c := range cachedPlans {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			for _, major := range []int{onward.OldestMajor, onward.NewestMajor} {
				p := makePlan(t, plan.Config{Sketch: true, Config: rehearse.Config{
					Config: audit.Config{Dir: repository(t, base, c.release), Base: "main", Head: "feature"}, Majors: []int{major},
				}})
				url := pgservertest.Database(t, major)
				admin := pgservertest.Connect(t, url)
				pgservertest.Exec(t, admin, base)
				code := pgservertest.Connect(t, url) // the default mode of pgx: each query is prepared, and kept
				var refused, reportedColumns []string
				for i := range p.Steps {
					s := &p.Steps[i]
					for _, query := range c.queries {
						if err := readAll(t, code, query); err != nil {
							t.Fatalf("%d: before %s: %s: %v", major, s.ID, query, err)
						}
					}
					runStep(t, admin, s)
					if s.CachedPlans != nil {
						reportedColumns = append(reportedColumns, s.CachedPlans.Columns...)
					}
					for _, query := range c.queries {
						err := readAll(t, code, query)
						if err == nil {
							continue
						}
						if e := new(pgconn.PgError); !errors.As(err, &e) || e.Code != "0A000" || s.CachedPlans == nil || s.Phase != c.phase {
							t.Errorf("%d: after %s: %s: %v", major, s.ID, query, err)
						}
						refused = append(refused, query)
					}
				}
				slices.Sort(reportedColumns)
				if diff := cmp.Diff(c.columns, slices.Compact(reportedColumns)); diff != "" {
					t.Errorf("%d: the columns that the steps name (-want +got):\n%s", major, diff)
				}
				slices.Sort(refused)
				slices.Sort(c.refused)
				if c.name == "a wider type" { // each of its steps changes one column
					refused = slices.Compact(refused)
				}
				if diff := cmp.Diff(c.refused, refused); diff != "" {
					t.Errorf("%d: refused queries (-want +got):\n%s", major, diff)
				}
				noted := slices.ContainsFunc(p.Notes, func(n string) bool { return strings.Contains(n, "0A000") })
				if noted != (len(c.refused) > 0) {
					t.Errorf("%d: notes: %q", major, p.Notes)
				}
			}
		})
	}
}

// A recorded query that selects all columns is named at the step that changes them.
func TestCachedPlansOfQueries(t *testing.T) {
	t.Parallel()
	dir := repository(t, "CREATE TABLE t (id integer PRIMARY KEY, note text);", "ALTER TABLE t ADD COLUMN more text;")
	c := plan.Config{
		Config: rehearse.Config{Config: audit.Config{Dir: dir, Base: "main", Head: "feature"}, Majors: []int{onward.NewestMajor}},
		Old:    []*verify.Workload{asked(query(workload.Select, "SELECT * FROM t WHERE id = $1"), query(workload.Select, "SELECT id FROM t"))},
	}
	c.Quiet()
	p := makePlan(t, c)
	want := &onward.CachedPlans{Queries: []string{"SELECT * FROM t WHERE id = $1"}}
	if len(p.Steps) != 1 || cmp.Diff(want, p.Steps[0].CachedPlans) != "" {
		t.Errorf("the steps are %+v, want one with the cached plans %+v", p.Steps, want)
	}
}

// runStep runs a step, and a backfill to its end.
func runStep(t *testing.T, conn *pgx.Conn, s *onward.PlanStep) {
	t.Helper()
	if !s.Repeat {
		pgservertest.Exec(t, conn, s.SQL)
		return
	}
	for passed := int64(1); passed > 0; {
		if err := conn.QueryRow(t.Context(), s.SQL).Scan(&passed); err != nil {
			t.Fatal(err)
		}
	}
}

// readAll sends a query as code does, and reads its rows.
func readAll(t *testing.T, conn *pgx.Conn, query string) error {
	t.Helper()
	rows, err := conn.Query(t.Context(), query)
	if err != nil {
		return err
	}
	rows.Close()
	return rows.Err()
}
