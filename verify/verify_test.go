package verify_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/onward-sql/onward/config"
	"github.com/onward-sql/onward/internal/component"
	"github.com/onward-sql/onward/internal/pgserver"
	"github.com/onward-sql/onward/internal/pgserver/pgservertest"
	"github.com/onward-sql/onward/internal/workload"
	"github.com/onward-sql/onward/onward"
	"github.com/onward-sql/onward/verify"
)

const shop = `CREATE TABLE users (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, email text NOT NULL, name text);
CREATE TABLE orders (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, user_id bigint NOT NULL REFERENCES users, total int);
CREATE TABLE logs (id bigint, line text);`

func run(t *testing.T, cfg verify.Config) *onward.Report {
	t.Helper()
	r, err := verify.Run(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func query(sql string) workload.Query { return workload.Query{SQL: sql} }

// The two codes are compared at every point: new code may need what a later migration adds, and each migration
// gets its side of the deploy.
func TestPhases(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		release []string
		old     string
		fresh   string
		belongs string
		order   string
		works   bool
	}{
		"expand": {
			release: []string{"ALTER TABLE users ADD COLUMN full_name text;"},
			old:     "SELECT name FROM users", fresh: "SELECT full_name FROM users",
			belongs: "before", order: "Run the migrations, then deploy the code.", works: true,
		},
		"contract": {
			release: []string{"ALTER TABLE users DROP COLUMN name;"},
			old:     "SELECT name FROM users", fresh: "SELECT email FROM users",
			belongs: "after", order: "Deploy the code before 00002_step.sql runs.", works: true,
		},
		"expand and contract": {
			release: []string{"ALTER TABLE users ADD COLUMN full_name text;", "CREATE TABLE notes (id int);", "ALTER TABLE users DROP COLUMN name;"},
			old:     "SELECT name FROM users", fresh: "SELECT full_name FROM users",
			belongs: "before either after", order: "Run what comes before 00004_step.sql, deploy the code, then run the rest, " +
				"when no process of the deployed code is left.", works: true,
		},
		"the wrong way round": {
			release: []string{"ALTER TABLE users DROP COLUMN name;", "ALTER TABLE users ADD COLUMN full_name text;"},
			old:     "SELECT name FROM users", fresh: "SELECT full_name FROM users",
			belongs: "after before", order: "No order works yet: 00002_step.sql belongs after the code and runs before 00003_step.sql, which the new code needs. " +
				"Change their order.",
		},
		"a rename": {
			release: []string{"ALTER TABLE users RENAME COLUMN name TO full_name;"},
			old:     "SELECT name FROM users", fresh: "SELECT full_name FROM users",
			belongs: "nowhere", order: "No order works: with 00002_step.sql the deployed code fails, and without it the new code does.",
		},
		"a column that new code leaves out": {
			release: []string{"ALTER TABLE users ALTER COLUMN email DROP NOT NULL;"},
			old:     "INSERT INTO users (email) VALUES ($1)", fresh: "INSERT INTO users (name) VALUES ($1)",
			belongs: "before", order: "Run the migrations, then deploy the code.", works: true,
		},
		"a type that new code reads": {
			release: []string{"CREATE TABLE notes (id int);", "ALTER TABLE orders ALTER COLUMN total TYPE bigint;"},
			old:     "SELECT id FROM orders", fresh: "SELECT total FROM orders",
			belongs: "either before", order: "Run the migrations, then deploy the code.", works: true,
		},
		"a wider type that the same code reads": {
			release: []string{"ALTER TABLE orders ALTER COLUMN total TYPE bigint;"},
			old:     "SELECT total FROM orders", fresh: "SELECT total FROM orders",
			belongs: "after", order: "Deploy the code before 00002_step.sql runs.", works: true,
		},
		"a forgotten migration": {
			release: []string{"CREATE TABLE notes (id int);"},
			old:     "SELECT name FROM users", fresh: "SELECT full_name FROM users",
			belongs: "either", order: "No order works: 1 query of the new code fails after the whole release.",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cfg := on(repository(t, shop, c.release...), 17)
			cfg.Old, cfg.New = recording(query(c.old)), recording(query(c.fresh))
			r := run(t, cfg)
			var belongs []string
			for _, p := range r.Verification.Phases {
				belongs = append(belongs, string(p.Belongs))
			}
			if got := strings.Join(belongs, " "); got != c.belongs || r.Verification.Order != c.order || r.Verification.Works != c.works {
				t.Errorf("%s: %q, works %v\n%+v", got, r.Verification.Order, r.Verification.Works, r.Verdicts)
			}
			if red := verify.FirstBreaking(r); (red == nil) != (!strings.Contains(c.belongs, "after") && !strings.Contains(c.belongs, "nowhere") &&
				name != "a forgotten migration") {
				t.Errorf("red: %+v", red)
			}
		})
	}
}

// Queries that the release does not touch are not checked. Those that do not fit the base are reported and not
// judged. Those that are no code, or never worked, are skipped.
func TestCounts(t *testing.T) {
	t.Parallel()
	cfg := on(repository(t, shop, "ALTER TABLE users ADD COLUMN a text;", "ALTER TABLE users DROP COLUMN a;\nALTER TABLE users DROP COLUMN name;"), 17)
	old := []workload.Query{
		query("SELECT id FROM orders"), query("SELECT line FROM logs"), query("SELECT email FROM users"), query("SELECT gone FROM users"), query("SELECT name FROM users"),
		{SQL: "SELECT id FROM scratch"}, {SQL: "CREATE TEMP TABLE scratch (id int)", Kind: workload.DDL, Mark: workload.Fixture},
		{SQL: "SELECT nonsense FROM users", Errors: map[string]int64{"42703": 10}}, {SQL: "SET x.y = 1", Kind: workload.Other, Mark: workload.Session},
	}
	cfg.Old = append(recording(old...), recording(old[:3]...)...)
	r := run(t, cfg)
	n := r.Verification.Old
	if n.Queries != 5 || n.Unfit != 1 || n.Untouched != 2 || n.Checked != 2 || n.Broken != 1 || n.Passed != 4 || n.Calls != 80 {
		t.Errorf("the counts are %+v, want 5 queries of 80 calls: 1 broken, 1 unfit, 2 untouched", n)
	}
	for i, want := range []int{5, 3, 3} {
		if got := r.Verification.Points[i].Asked; got != want {
			t.Errorf("point %d: %d were asked about, want %d", i, got, want)
		}
	}
	if notes := strings.Join(r.Verification.Notes, "\n"); !strings.Contains(notes, `1 query of the deployed code does not fit`) ||
		!strings.Contains(notes, `column "gone" does not exist`) {
		t.Errorf("no note names the query of the missing column gone:\n%s", notes)
	}
	if len(r.Verdicts) != 1 || r.Verdicts[0].After.Line != 3 || r.Verdicts[0].Until != nil {
		t.Errorf("the verdicts are %+v, want one after line 3 that lasts to the end", r.Verdicts)
	}
}

// A statement lists the queries that its locks block.
func TestWaiting(t *testing.T) {
	t.Parallel()
	cfg := on(repository(t, shop, "ALTER TABLE users ADD COLUMN a text;", "CREATE INDEX ON orders (total);"), 17)
	cfg.Old = recording(
		workload.Query{
			SQL:   "SELECT u.email FROM users u JOIN orders o ON o.user_id = u.id",
			Calls: 60,
		}, workload.Query{SQL: "INSERT INTO orders (user_id, total) VALUES ($1, $2)", Calls: 20},
		workload.Query{SQL: "SELECT total FROM orders", Calls: 10}, workload.Query{SQL: "SELECT line FROM logs", Calls: 10})
	r := run(t, cfg)
	for i, want := range []string{"[users] 1 60 0.6", "[orders] 1 20 0.2"} {
		w := r.Migrations[i].Statements[0].Waiting
		if w == nil {
			t.Errorf("nobody waits for %s", r.Migrations[i].ID)
		} else if got := fmt.Sprint(w.Relations, w.Queries, w.Calls, w.Share); got != want {
			t.Errorf("%s, want %s", got, want)
		}
	}
}

// A release that ends before its end is not safe, and says what was not looked at.
func TestStopped(t *testing.T) {
	t.Parallel()
	cfg := on(repository(t, shop, "CREATE TABLE notes (id int);", "CREATE TABLE notes (id int);"), 17)
	cfg.Old = recording(query("SELECT name FROM users"))
	r := run(t, cfg)
	s := r.Verification.Stopped
	if s == nil || s.After.Line != 2 || !strings.Contains(s.Message, `relation "notes" already exists (42P07)`) || r.Summary.State != onward.StateNotSafe {
		t.Errorf("the release stopped at %+v, want line 2 (42P07); the summary is %+v", s, r.Summary)
	}
	if v := r.Verification; v.Works || v.Order != "No order works: the release ends at migrations/00003_step.sql:2." {
		t.Errorf("an order works: %t, want false; the order is %q", v.Works, v.Order)
	}
	// A later statement may add a missing column of the new code. It cannot repair the deployed code.
	cfg = on(repository(t, shop, "ALTER TABLE users DROP COLUMN name;", "CREATE TABLE logs (id int);", "CREATE TABLE tags (id int);"), 17)
	cfg.Old = recording(query("SELECT name FROM users"))
	cfg.New = recording(query("SELECT id FROM tags"), query("SELECT id FROM users"))
	r = run(t, cfg)
	if n := r.Verification.NotJudged; len(n) != 1 || n[0].Query != "SELECT id FROM tags" || !strings.Contains(n[0].Reason, "ended at an error") ||
		r.Verification.New.Broken != 0 || r.Verification.New.Unjudged != 1 || r.Verification.Old.Broken != 1 {
		t.Errorf("not judged are %+v, want the query of tags alone; the new code has %+v", r.Verification.NotJudged, r.Verification.New)
	}
	if len(r.Verdicts) != 1 || !strings.Contains(r.Summary.Verdict, "1 recorded query of the deployed code breaks") {
		t.Errorf("the verdict is %q, want one broken query of the deployed code: %+v", r.Summary.Verdict, r.Verdicts)
	}
	cfg.Old, cfg.New = nil, nil
	_, err := verify.Run(t.Context(), cfg)
	if input := new(config.InputError); !errors.As(err, &input) {
		t.Errorf("without queries: %v", err)
	}
}

// A trigger may fill what a query leaves out; a query that sets what a label was may be
// refused; a view that keeps the old names keeps the old code.
func TestPrecision(t *testing.T) {
	t.Parallel()
	cfg := on(repository(t, shop+`
CREATE FUNCTION fill() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN NEW.region := $$eu$$; RETURN NEW; END';
CREATE TRIGGER fill BEFORE INSERT ON orders FOR EACH ROW EXECUTE FUNCTION fill();
CREATE TYPE mood AS ENUM ('fine', 'sad'); CREATE TABLE moods (id int, feels mood);
CREATE VIEW emails AS SELECT id, email FROM users;`,
		"ALTER TABLE orders ADD COLUMN region text NOT NULL;", "ALTER TYPE mood RENAME VALUE 'sad' TO 'blue';",
		"ALTER TABLE users ADD COLUMN country text NOT NULL;", "CREATE SCHEMA app;\nCREATE TABLE app.logs (id bigint);"), 17)
	cfg.Old = recording(
		query("INSERT INTO orders (user_id) VALUES ($1)"), query("UPDATE moods SET feels = $1"), query("INSERT INTO emails (email) VALUES ($1)"),
		workload.Query{
			SQL:        "SELECT line FROM logs",
			SearchPath: "app, public",
		}, workload.Query{SQL: "SELECT varchar 'x' FROM users WHERE email = $1", Params: []string{"text"}, Named: true})
	var got []string
	for _, v := range run(t, cfg).Verdicts {
		got = append(got, fmt.Sprintf("%d %s %s %s %s", v.Point, v.Kind, v.Severity, v.SQLState, v.Message))
	}
	want := []string{
		`1 required-column warning 23502 null value in column "region" of relation "orders" violates not-null constraint, unless a trigger of the table fills it`,
		`2 may-be-rejected warning 22P02 invalid input value for enum mood: "sad"`,
		`3 required-column error 23502 null value in column "country" of relation "users" violates not-null constraint`,
		`4 fails error 42703 column "line" does not exist`,
	}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// If a result has a column name twice, a column is known by its place. Columns that a star adds between others
// take nothing away from them.
func TestTwice(t *testing.T) {
	t.Parallel()
	cfg := on(repository(t, shop, "ALTER TABLE users ADD COLUMN nick text;",
		"ALTER TABLE orders DROP CONSTRAINT orders_user_id_fkey;\nALTER TABLE orders ALTER COLUMN user_id TYPE text;"), 17)
	cfg.Old = recording(
		query("SELECT u.id, u.email, o.id, o.total FROM users u JOIN orders o ON true"), query("SELECT u.*, o.id FROM users u JOIN orders o ON true"),
		query("SELECT o.user_id, u.id AS user_id FROM users u JOIN orders o ON true"), query("SELECT u.id AS user_id, o.user_id FROM users u JOIN orders o ON true"))
	var got []string
	for _, v := range run(t, cfg).Verdicts {
		got = append(got, fmt.Sprintf("%d %s %s %s", v.Point, v.ID, v.Severity, v.Message))
	}
	want := []string{
		`1 0000000000000002 warning the result has another shape: it gives more columns: "nick"`,
		`2 0000000000000003 error the result has another shape: column "user_id" is text, and was bigint`,
		`2 0000000000000004 error the result has another shape: column 2 was "user_id"`,
	}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// The deployed schema may come from a running database.
func TestFrom(t *testing.T) {
	t.Parallel()
	_, err := pgserver.Program("pg_dump", onward.OldestMajor)
	component.Need(t, component.Psql, err)
	url := pgservertest.Database(t, onward.OldestMajor)
	script(t, pgservertest.Connect(t, url), shop+"; ALTER TABLE users ADD COLUMN by_hand text; CREATE INDEX ON users (by_hand)")
	cfg := on(repository(t, "SELECT 1;", "ALTER TABLE users DROP COLUMN by_hand;"), 13)
	cfg.From, cfg.Old = url, recording(query("SELECT by_hand FROM users"), query("SELECT name FROM users"))
	r := run(t, cfg)
	if len(r.Verdicts) != 1 || r.Verdicts[0].SQLState != "42703" || r.Verification.Old.Unfit != 0 {
		t.Errorf("the verdicts are %+v, want one with 42703; the verification is %+v", r.Verdicts, r.Verification)
	}
	cfg.From = "postgres://u:secret@127.0.0.1:1/x"
	if _, err := verify.Run(t.Context(), cfg); err == nil || strings.Contains(err.Error(), "secret") {
		t.Errorf("got %v", err)
	}
}

// All columns of a result that can be NULL from the same point share one verdict.
func TestNullable(t *testing.T) {
	t.Parallel()
	cfg := on(repository(t, "CREATE TABLE users (id bigint PRIMARY KEY, email text NOT NULL, name text NOT NULL, age int NOT NULL);",
		"ALTER TABLE users ALTER COLUMN email DROP NOT NULL, ALTER COLUMN name DROP NOT NULL;", "ALTER TABLE users ALTER COLUMN age DROP NOT NULL;"), 17)
	cfg.Old = recording(query("SELECT id, email, name, age FROM users"))
	var got []string
	for _, v := range run(t, cfg).Verdicts {
		got = append(got, fmt.Sprint(v.Point, " ", v.Message))
	}
	want := `1 columns "email", "name" of the result could not be NULL, and can be now; 2 column "age" of the result could not be NULL, and can be now`
	if text := strings.Join(got, "; "); text != want {
		t.Errorf("%s, want %s", text, want)
	}
}
