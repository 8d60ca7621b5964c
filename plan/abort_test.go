package plan_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/onward-sql/onward/audit"
	"github.com/onward-sql/onward/internal/live"
	"github.com/onward-sql/onward/internal/pgserver/pgservertest"
	"github.com/onward-sql/onward/onward"
	"github.com/onward-sql/onward/plan"
	"github.com/onward-sql/onward/rehearse"
)

// aborted are releases with unique constraints and wider types. kept are the columns that keep their wider type.
var aborted = []struct {
	name, release string
	kept          map[string]string
}{
	{"unique", "ALTER TABLE customers ADD CONSTRAINT customers_note_key UNIQUE (note);", nil},
	{"unique on two columns", "ALTER TABLE customers ADD UNIQUE (country, email); CREATE UNIQUE INDEX ON orders (customer_id, id) WHERE total > 0;", nil},
	{
		"unique on a new column", "ALTER TABLE orders ADD COLUMN token uuid NOT NULL DEFAULT gen_random_uuid(); " +
			"ALTER TABLE orders ADD CONSTRAINT orders_token_key UNIQUE (token);", nil,
	},
	{
		"another unique constraint",
		"ALTER TABLE customers DROP CONSTRAINT customers_email_key; ALTER TABLE customers ADD CONSTRAINT customers_email_key UNIQUE (email, id);", nil,
	},
	{"primary key", "ALTER TABLE keyless ADD PRIMARY KEY (a);", nil},
	{"unique column with a new name", "ALTER TABLE customers RENAME COLUMN email TO mail;", nil},
	{
		"wider types", "ALTER TABLE wide ALTER COLUMN a TYPE varchar(40), ALTER COLUMN b TYPE text, ALTER COLUMN c TYPE numeric(12, 2);",
		map[string]string{"a": "character varying(40)", "b": "text", "c": "numeric(12,2)"},
	},
	{
		"several chains", "ALTER TABLE wide ALTER COLUMN a TYPE varchar(40); ALTER TABLE customers ADD CONSTRAINT customers_note_key UNIQUE (note); " +
			"CREATE INDEX ON orders (status); ALTER TABLE customers RENAME COLUMN country TO nation; ALTER TABLE orders ALTER COLUMN customer_id TYPE bigint;",
		map[string]string{"a": "character varying(40)"},
	},
}

// A plan is undone after each of its steps before contract, with rows that were written meanwhile: the schema is the base's, except
// for the types that the plan keeps.
func TestAbortAfterEachStep(t *testing.T) {
	t.Parallel()
	for _, c := range aborted {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			p := makePlan(t, plan.Config{Sketch: true, Config: rehearse.Config{
				Config: audit.Config{Dir: repository(t, base, c.release), Base: "main", Head: "feature"}, Majors: []int{onward.NewestMajor},
			}})
			if len(p.Left) > 0 || len(p.MissingSteps()) > 0 {
				t.Fatalf("the plan is not complete:\n%s", told(p))
			}
			for n := 1; n <= p.Contract(); n++ {
				before, after := undoSteps(t, p.Steps[:n])
				keep := map[string]string{}
				if n == p.Contract() {
					keep = c.kept
				}
				want := strings.Join(before, "\n")
				for column, kind := range keep {
					want = retype(t, want, column, kind)
				}
				got := strings.Join(after, "\n")
				if n < p.Contract() && len(c.kept) > 0 { // some of the columns have their new type
					for column := range c.kept {
						want, got = retype(t, want, column, "?"), retype(t, got, column, "?")
					}
				}
				if diff := cmp.Diff(strings.Split(want, "\n"), strings.Split(got, "\n")); diff != "" {
					t.Errorf("undone after %s (-want +got):\n%s", p.Steps[n-1].ID, diff)
				}
			}
		})
	}
}

// undoSteps runs steps and undoes them, and returns the schema before and after.
func undoSteps(t *testing.T, steps []onward.PlanStep) (before, after []string) {
	t.Helper()
	url := pgservertest.Database(t, onward.NewestMajor)
	conn := pgservertest.Connect(t, url)
	write := func(n int) {
		pgservertest.Exec(t, conn, fmt.Sprintf("INSERT INTO customers (email, country) VALUES ('m%d', 'SE')", n),
			fmt.Sprintf("INSERT INTO orders (id, customer_id, total) VALUES (%d, %d, 1)", n, n),
			fmt.Sprintf("INSERT INTO keyless VALUES (%d, 'x')", n), fmt.Sprintf("INSERT INTO wide VALUES (%d, 'a', 'b', 1.5)", n))
	}
	pgservertest.Exec(t, conn, base)
	write(1)
	read := func() []string {
		list, err := live.ReadDefinitions(t.Context(), url)
		if err != nil {
			t.Fatal(err)
		}
		return slices.DeleteFunc(list, func(sql string) bool { // onward abort drops the empty schema; roles are the server's
			return sql == "CREATE SCHEMA "+onward.PlanRoom || strings.HasPrefix(sql, "CREATE ROLE ")
		})
	}
	before = read()
	for i := range steps {
		runStep(t, conn, &steps[i])
		write(i + 2)
	}
	for _, s := range slices.Backward(steps) {
		if s.Undo != "" {
			pgservertest.Exec(t, conn, s.Undo)
		}
	}
	write(len(steps) + 2)
	return before, read()
}

// retype gives a column of the table wide another type in a schema.
func retype(t *testing.T, schema, column, kind string) string {
	t.Helper()
	lines := strings.Split(schema, "\n")
	index := slices.IndexFunc(lines, func(s string) bool { return strings.HasPrefix(s, "CREATE TABLE public.wide (") })
	if index < 0 {
		t.Fatalf("the schema has no table wide:\n%s", schema)
	}
	head, rest, found := strings.Cut(lines[index], " "+column+" ")
	if !found {
		t.Fatalf("no column %s in %s", column, lines[index])
	}
	end, depth := 0, 0
	for end < len(rest) && (depth > 0 || rest[end] != ',' && rest[end] != ')') {
		switch rest[end] {
		case '(':
			depth++
		case ')':
			depth--
		}
		end++
	}
	lines[index] = head + " " + column + " " + kind + rest[end:]
	return strings.Join(lines, "\n")
}
