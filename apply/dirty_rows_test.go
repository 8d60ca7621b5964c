package apply_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/onward-sql/onward/apply"
	"github.com/onward-sql/onward/internal/live"
	"github.com/onward-sql/onward/internal/pgserver/pgservertest"
	"github.com/onward-sql/onward/onward"
)

// handmade is a plan of steps that no recipe made, for the schema that a database has.
func handmade(t testing.TB, db string, steps ...onward.PlanStep) *onward.Plan {
	t.Helper()
	s, err := live.ReadSchema(t.Context(), db)
	if err != nil {
		t.Fatal(err)
	}
	p := &onward.Plan{Schema: onward.PlanSchema, Base: "v1", Head: "v2", Catalog: s.Catalog.HashRelations(nil), Steps: steps}
	for i := range p.Steps {
		o := &p.Steps[i]
		if o.Phase == "" {
			o.Phase = onward.Expand
		}
		o.ID = fmt.Sprintf("%02d-%s", i+1, o.Phase)
		if o.Transaction == "" {
			o.Transaction = onward.TransactionFile
			o.SQL = "BEGIN;\n" + o.SQL + ";\nCOMMIT;\n"
		}
	}
	return markProven(t, p)
}

// constrained returns the steps that add a constraint to a table and validate it, after a step that adds a column.
func constrained(table, name, definition string) []onward.PlanStep {
	alter := "ALTER TABLE " + table + " "
	return []onward.PlanStep{
		{Class: onward.StepDDL, SQL: "CREATE TABLE made (id int)", Undo: "DROP TABLE IF EXISTS made"},
		{Class: onward.StepDDL, SQL: alter + "ADD CONSTRAINT " + name + " " + definition + " NOT VALID", Undo: alter + "DROP CONSTRAINT IF EXISTS " + name},
		{Class: onward.StepValidate, SQL: alter + "VALIDATE CONSTRAINT " + name},
	}
}

// indexed returns the steps that build a unique index, after a step that adds a table.
func indexed(table, name, body string) []onward.PlanStep {
	return []onward.PlanStep{
		{Class: onward.StepDDL, SQL: "CREATE TABLE made (id int)", Undo: "DROP TABLE IF EXISTS made"},
		{
			Class:       onward.StepConcurrent,
			SQL:         "CREATE UNIQUE INDEX CONCURRENTLY " + name + " ON " + table + " " + body + ";\n",
			Transaction: onward.TransactionNone,
			Undo:        "DROP INDEX CONCURRENTLY IF EXISTS " + name,
		},
	}
}

// Rows that violate a condition are found before the plan adds anything: with their number, and a query that finds them. The server
// agrees: it refuses the condition as long as they are there.
func TestDirtyRows(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		setup, repair, direct string
		steps                 []onward.PlanStep
		want                  string
		found                 int
		from                  int
	}{
		"not null": {
			setup:  "CREATE TABLE a (id int PRIMARY KEY, v int); INSERT INTO a SELECT n, nullif(n % 1000, 0) FROM generate_series(1, 3000) AS n",
			steps:  constrained("a", "a_v", "CHECK (v IS NOT NULL)"),
			direct: "ALTER TABLE a ALTER COLUMN v SET NOT NULL", repair: "UPDATE a SET v = 0 WHERE v IS NULL", want: "3 rows of a violate check constraint a_v", found: 3,
		},
		"a check that names its table, with a comma and brackets in strings": {
			setup:  `CREATE TABLE "B b" ("the key" text PRIMARY KEY, v int); INSERT INTO "B b" VALUES ('x,1', 1), ('x)2', -1), ('x3', NULL)`,
			steps:  constrained(`"B b"`, `"b(v)"`, `CHECK ("B b".v > 0 AND "the key" <> ')')`),
			direct: `ALTER TABLE "B b" ADD CHECK (v > 0)`, repair: `DELETE FROM "B b" WHERE v < 0`, want: `1 row of "B b" violates check constraint b(v)`, found: 1,
		},
		"a check of the parent alone": {
			setup:  "CREATE TABLE c (id int PRIMARY KEY, v int); CREATE TABLE c_child () INHERITS (c); INSERT INTO c VALUES (1, -1); INSERT INTO c_child VALUES (2, -1)",
			steps:  constrained("c", "c_v", "CHECK (v > 0) NO INHERIT"),
			direct: "ALTER TABLE c ADD CHECK (v > 0) NO INHERIT", repair: "UPDATE ONLY c SET v = 1", want: "1 row of c violates", found: 1,
		},
		"a foreign key": {
			setup: `CREATE TABLE parents (id bigint PRIMARY KEY, parent int); CREATE TABLE d (id int PRIMARY KEY, parent int);
				INSERT INTO parents SELECT n FROM generate_series(1, 1500) AS n; INSERT INTO d SELECT n, n FROM generate_series(1, 1502) AS n; INSERT INTO d VALUES (1503)`,
			steps:  constrained("d", "d_parent", "FOREIGN KEY (parent) REFERENCES parents ON DELETE CASCADE"),
			direct: "ALTER TABLE d ADD FOREIGN KEY (parent) REFERENCES parents", repair: "DELETE FROM d WHERE parent > 1500", want: "2 rows of d violate foreign key d_parent", found: 2,
		},
		"a foreign key to its own table": {
			setup:  "CREATE TABLE e (id int PRIMARY KEY, parent int); INSERT INTO e VALUES (1, NULL), (2, 1), (3, 7)",
			steps:  constrained("e", "e_parent", "FOREIGN KEY (parent) REFERENCES e (id)"),
			direct: "ALTER TABLE e ADD FOREIGN KEY (parent) REFERENCES e", repair: "DELETE FROM e WHERE id = 3", want: "1 row of e violates foreign key", found: 1,
		},
		"MATCH FULL": {
			setup: "CREATE TABLE pairs (a int, b int, PRIMARY KEY (a, b)); CREATE TABLE f (id int, a int, b int); INSERT INTO pairs VALUES (1, 1); " +
				"INSERT INTO f VALUES (1, 1, 1), (2, 1, NULL), (3, NULL, NULL), (4, 2, 2)",
			steps:  constrained("f", "f_pair", "FOREIGN KEY (a, b) REFERENCES pairs MATCH FULL"),
			direct: "ALTER TABLE f ADD FOREIGN KEY (a, b) REFERENCES pairs MATCH FULL", repair: "DELETE FROM f WHERE id IN (2, 4)", want: "2 rows of f violate foreign key", found: 2,
		},
		"a unique index of an expression and some rows": {
			setup: "CREATE TABLE g (id int PRIMARY KEY, v text, gone bool); INSERT INTO g VALUES (1, 'a', false), (2, 'A', false), (3, 'A', true), (4, NULL, " +
				"false), (5, NULL, false), (6, 'b', false)",
			steps:  indexed("g", "g_v", "USING btree (lower(v) COLLATE \"C\" text_pattern_ops DESC NULLS LAST) INCLUDE (id) WHERE NOT gone"),
			direct: "CREATE UNIQUE INDEX ON g (lower(v)) WHERE NOT gone", repair: "DELETE FROM g WHERE id = 2", want: "1 key occurs more than once in g, which violates unique index g_v", found: 1,
		},
		"a unique index of a table without a key": {
			setup:  "CREATE TABLE i (v text); INSERT INTO i SELECT 'v' || n FROM generate_series(1, 3000) AS n; INSERT INTO i VALUES ('v7'), ('v8'), ('v8')",
			steps:  indexed("i", "i_v", "(v)"),
			direct: "CREATE UNIQUE INDEX ON i (v)", repair: "DELETE FROM i WHERE v IN ('v7', 'v8')", want: "2 keys occur more than once in i", found: 2,
		},
		"NULLS NOT DISTINCT": {
			setup:  "CREATE TABLE h (id int PRIMARY KEY, v text); INSERT INTO h VALUES (1, NULL), (2, NULL), (3, 'a')",
			steps:  indexed("h", "h_v", "(v) NULLS NOT DISTINCT"),
			direct: "CREATE UNIQUE INDEX ON h (v) NULLS NOT DISTINCT", repair: "DELETE FROM h WHERE id = 2", want: "1 key occurs more than once in h", found: 1, from: 15,
		},
	}
	for _, major := range pgservertest.EndsAndPreview() {
		for name, c := range cases {
			if major < c.from {
				continue
			}
			t.Run(fmt.Sprintf("%s on %d", name, major), func(t *testing.T) {
				t.Parallel()
				db := pgservertest.Database(t, major)
				run(t, db, c.setup)
				p, before := handmade(t, db, slices.Clone(c.steps)...), schema(t, db)
				_, err := apply.Run(t.Context(), apply.Config{DB: db, Plan: p})
				refused := new(apply.RefusedError)
				if !errors.As(err, &refused) || !strings.Contains(refused.Text, c.want) {
					t.Fatal(err)
				}
				if diff := cmp.Diff(before, schema(t, db)); diff != "" {
					t.Errorf("it has changed the schema (-before +after):\n%s", diff)
				}
				if list, err := apply.Status(t.Context(), db); err != nil || len(list) > 0 {
					t.Errorf("the plan is in the way of another one: %+v %v", list, err)
				}
				query := refused.Text[strings.LastIndex(refused.Text, ": SELECT ")+2:]
				if got := content(t, db, "SELECT found::text FROM ("+strings.TrimSuffix(query, ";")+") AS found"); len(got) != c.found {
					t.Errorf("%s finds %v", query, got)
				}
				conn := pgservertest.Connect(t, db)
				if _, err := conn.Exec(t.Context(), c.direct); err == nil {
					t.Errorf("the server takes %s", c.direct)
				}
				run(t, db, c.repair)
				var events teller
				if r, err := apply.Run(t.Context(), apply.Config{
					DB:   db,
					Plan: p,
					Tell: events.tell,
				}); err != nil || r.State != onward.ApplyDone || events.has(apply.Unchecked, "") {
					t.Fatalf("apply after the repair = %+v, %v, want it done with its rows checked; events: %+v", r, err, events.list)
				}
			})
		}
	}
}

const (
	usersBase = `
CREATE TABLE users (id bigint PRIMARY KEY, status text, kind int, email text);
`
	usersRelease = `
UPDATE users SET status = 'open' WHERE status IS NULL AND kind = 1;
UPDATE users SET email = 'user' || id WHERE email IS NULL;
ALTER TABLE users ADD COLUMN score int;
ALTER TABLE users ALTER COLUMN status SET NOT NULL;
ALTER TABLE users ADD CONSTRAINT users_status CHECK (status <> 'gone');
CREATE UNIQUE INDEX users_email ON users (email);
`
)

// What the plan's own backfills fill is not found, and what they do not fill is: before any of them begins.
func TestDirtyRowsBehindBackfills(t *testing.T) {
	t.Parallel()
	p := planned(t, usersBase, usersRelease)
	for i := range p.Steps { // nothing is known of the deployed code: they might be the contract's
		if s := &p.Steps[i]; s.Phase == onward.Contract && !strings.Contains(s.SQL, "DROP SCHEMA") {
			s.Phase = onward.Backfill
		}
	}
	markProven(t, p)
	db := pgservertest.Database(t, onward.NewestMajor)
	run(t, db, usersBase, `INSERT INTO users SELECT n, CASE WHEN n % 2 = 0 THEN 'paid' END, 1, CASE WHEN n % 3 > 0 THEN 'mail' || n END FROM generate_series(1, 2500) AS n;
		UPDATE users SET kind = 2 WHERE id IN (7, 1007); UPDATE users SET status = 'gone' WHERE id = 8; UPDATE users SET email = 'user9' WHERE id = 10`)
	_, err := apply.Run(t.Context(), apply.Config{DB: db, Plan: p, Through: onward.Contract})
	refused := new(apply.RefusedError)
	if !errors.As(err, &refused) || !strings.Contains(refused.Text, "2 rows of users violate check constraint") ||
		!strings.Contains(refused.Text, "1 row of users violates check constraint users_status") ||
		!strings.Contains(refused.Text, "1 key occurs more than once in users") || refused.Step != p.Steps[0].ID {
		t.Fatal(err)
	}
	if list, err := apply.Status(t.Context(), db); err != nil || len(list) > 0 {
		t.Errorf("something was begun: %+v %v", list, err)
	}
	for _, line := range strings.Split(refused.Text, "\n")[1:] {
		query := strings.TrimSuffix(line[strings.Index(line, ": SELECT ")+2:], ";")
		if got := content(t, db, "SELECT found::text FROM ("+query+") AS found"); len(got) == 0 {
			t.Errorf("%s finds nothing", query)
		}
	}
	run(t, db, "UPDATE users SET status = 'open' WHERE id IN (7, 8, 1007)", "UPDATE users SET email = 'other' WHERE id = 10")
	var events teller
	if r, err := apply.Run(t.Context(), apply.Config{
		DB:      db,
		Plan:    p,
		Through: onward.Contract,
		Tell:    events.tell,
	}); err != nil || r.State != onward.ApplyDone || events.has(apply.Unchecked, "") {
		t.Fatalf("the contract after the repair = %+v, %v, want it done with its rows checked", r, err)
	}
}

// A row that comes between the check and the build of a unique index leaves no invalid index, which would go on refusing rows.
func TestRowsThatComeBetween(t *testing.T) {
	t.Parallel()
	db := pgservertest.Database(t, onward.NewestMajor)
	run(t, db, "CREATE TABLE a (id int PRIMARY KEY, v int); INSERT INTO a SELECT n, n FROM generate_series(1, 100) AS n")
	p := handmade(t, db, indexed("a", "a_v", "(v)")...)
	tell := func(e apply.Event) {
		if e.Kind == apply.Begun && e.Step.Class == onward.StepConcurrent {
			run(t, db, "INSERT INTO a VALUES (101, 1)")
		}
	}
	_, err := apply.Run(t.Context(), apply.Config{DB: db, Plan: p, Tell: tell})
	refused := new(apply.RefusedError)
	if !errors.As(err, &refused) || !strings.Contains(refused.Text, "SQLSTATE 23505") || !strings.Contains(refused.Text, "HAVING count(*) > 1") {
		t.Fatal(err)
	}
	if left := content(t, db, "SELECT indexrelid::regclass::text FROM pg_index WHERE NOT indisvalid"); len(left) > 0 {
		t.Errorf("left: %v", left)
	}
	run(t, db, "DELETE FROM a WHERE id = 101")
	finishPlan(t, apply.Config{DB: db, Plan: p})
}
