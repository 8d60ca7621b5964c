package plan_test

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/onward-sql/onward/audit"
	"github.com/onward-sql/onward/config"
	"github.com/onward-sql/onward/internal/gitrange/gittest"
	"github.com/onward-sql/onward/internal/pgserver/pgservertest"
	"github.com/onward-sql/onward/internal/rotation"
	"github.com/onward-sql/onward/onward"
	"github.com/onward-sql/onward/plan"
	"github.com/onward-sql/onward/rehearse"
)

func TestMain(m *testing.M) {
	audit.RunChild()
	os.Exit(pgservertest.Main(m))
}

const base = `
CREATE TABLE customers (id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY, email text NOT NULL UNIQUE, age text, country text, quota integer NOT NULL DEFAULT 5, note text);
CREATE INDEX customers_country_idx ON customers (country);
CREATE TABLE orders (id bigint PRIMARY KEY, customer_id integer NOT NULL, total integer NOT NULL CHECK (total >= 0), status text NOT NULL DEFAULT 'open');
CREATE INDEX orders_customer_id_idx ON orders (customer_id);
CREATE TABLE keyless (a integer, b text);
CREATE TABLE wide (id integer PRIMARY KEY, a varchar(20), b varchar(9), c numeric(10, 2));
`

// repository has a base and a release, a migration each.
func repository(t testing.TB, base, release string) string {
	t.Helper()
	return gittest.Commits(t, map[string]string{"migrations/00001_step.sql": "-- +goose Up\n" + base + "\n"},
		map[string]string{"migrations/00002_step.sql": "-- +goose Up\n" + release + "\n"})
}

// makePlan plans a release.
func makePlan(t testing.TB, c plan.Config) *onward.Plan {
	t.Helper()
	p, _, err := plan.Make(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// sketchRelease plans the release on the branch feature of a repository, without a proof.
func sketchRelease(t testing.TB, dir string) *onward.Plan {
	t.Helper()
	return makePlan(t, plan.Config{Sketch: true, Config: rehearse.Config{Config: audit.Config{Dir: dir, Base: "main", Head: "feature"}}})
}

func make_(t *testing.T, release string, major int) *onward.Plan {
	t.Helper()
	return planOn(t, base, release, major, nil)
}

func planOn(t *testing.T, base, release string, major int, settings *config.Config) *onward.Plan {
	t.Helper()
	return planned(t, base, release, major, settings, false)
}

// planned is the plan of a release, proven; quiet leaves the traffic out.
func planned(t *testing.T, base, release string, major int, settings *config.Config, quiet bool) *onward.Plan {
	t.Helper()
	c := plan.Config{Config: rehearse.Config{
		Config: audit.Config{Dir: repository(t, base, release), Base: "main", Head: "feature", Settings: settings},
		Majors: []int{major},
	}}
	if quiet {
		c.Quiet()
	}
	return makePlan(t, c)
}

// The classic changes, each proven on a server: the plan has the same result as the migration,
// and can be aborted until the first contract.
var classics = []struct {
	name, sql string
	phases    string // of its steps: e, b, c
}{
	{"volatile default", "ALTER TABLE customers ADD COLUMN token uuid DEFAULT gen_random_uuid() NOT NULL;", "eebbbbcc"},
	{"constant default", "ALTER TABLE customers ADD COLUMN plan text NOT NULL DEFAULT 'free';", "e"},
	{
		"set not null",
		"ALTER TABLE orders ALTER COLUMN status SET DEFAULT 'new'; UPDATE customers SET country = 'SE' WHERE country IS NULL; " +
			"ALTER TABLE customers ALTER COLUMN country SET NOT NULL;",
		"",
	},
	{"check", "ALTER TABLE orders ADD CONSTRAINT orders_total_small CHECK (total < 2147483000);", ""},
	{"unnamed check", "ALTER TABLE orders ADD CHECK (total < 2147483001);", ""},
	{"foreign key", "ALTER TABLE orders ADD CONSTRAINT orders_customer_fkey FOREIGN KEY (customer_id) REFERENCES customers (id) ON DELETE CASCADE;", ""},
	{"unique", "ALTER TABLE customers ADD CONSTRAINT customers_note_key UNIQUE (note);", ""},
	{"unique index", "CREATE UNIQUE INDEX customers_note_idx ON customers (note);", ""},
	{"primary key", "ALTER TABLE keyless ADD PRIMARY KEY (a);", ""},
	{
		"another primary key",
		"ALTER TABLE orders ADD CONSTRAINT orders_id_key UNIQUE (id); ALTER TABLE orders DROP CONSTRAINT orders_pkey, ADD CONSTRAINT orders_pkey PRIMARY KEY (id, " +
			"customer_id);",
		"eeec",
	},
	{
		"another unique constraint",
		"ALTER TABLE customers DROP CONSTRAINT customers_email_key; ALTER TABLE customers ADD CONSTRAINT customers_email_key UNIQUE (email, id);",
		"ec",
	},
	{"index", "CREATE INDEX ON orders (status);", "e"},
	{"type", "ALTER TABLE customers ALTER COLUMN quota TYPE bigint;", ""},
	{"type using", "ALTER TABLE orders ALTER COLUMN status TYPE varchar(5) USING left(status, 5);", ""},
	{"rename", "ALTER TABLE customers RENAME COLUMN country TO nation;", ""},
	{"rename not null", "ALTER TABLE orders RENAME COLUMN total TO amount;", ""},
	{"rename without a key", "ALTER TABLE keyless RENAME COLUMN b TO c;", "eeebccc"},
	{"rename unique", "ALTER TABLE customers RENAME COLUMN email TO mail;", ""},
	{"rename table", "ALTER TABLE orders RENAME TO purchases;", "ec"},
	{"drop column", "ALTER TABLE orders DROP COLUMN customer_id;", "ec"},
	{"drop table", "DROP TABLE orders;", "c"},
	{"drop index", "DROP INDEX orders_customer_id_idx;", "c"},
	{"required column", "ALTER TABLE orders ADD COLUMN channel text NOT NULL DEFAULT 'web'; ALTER TABLE orders ALTER COLUMN channel DROP DEFAULT;", "ec"},
	{
		"added, filled and required",
		"ALTER TABLE orders ADD COLUMN channel text; UPDATE orders SET channel = status; ALTER TABLE orders ALTER COLUMN channel SET NOT NULL;", "eeebcccccc",
	},
	{"a wider type", "ALTER TABLE wide ALTER COLUMN a TYPE varchar(40), ALTER COLUMN b TYPE text, ALTER COLUMN c TYPE numeric(12, 2);", "eee"},
	{"another collation", "ALTER TABLE wide ALTER COLUMN a TYPE varchar(20) COLLATE \"C\";", "e"},
	{"a new column with the time of the release", "ALTER TABLE customers ADD COLUMN until timestamptz NOT NULL DEFAULT now() + interval '90 days';", "e"},
	{"update", "UPDATE customers SET note = upper(note) WHERE note IS NOT NULL;", ""},
}

func TestClassics(t *testing.T) {
	t.Parallel()
	for _, c := range rotation.Pick(t, 3, classics) {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			p := make_(t, c.sql, 17)
			phases := ""
			for _, s := range p.Steps {
				phases += string(s.Phase[0])
			}
			if !p.Proof.Proven || c.phases != "" && phases != c.phases {
				t.Errorf("the phases are %q, want %q and a proof:\n%s", phases, c.phases, told(p))
			}
		})
	}
}

func told(p *onward.Plan) string {
	var b strings.Builder
	for _, s := range p.Steps {
		fmt.Fprintf(&b, "-- %s %s: %s\n%s", s.ID, s.Class, s.Why, s.SQL)
	}
	for _, c := range p.Proof.Checks {
		fmt.Fprintf(&b, "check %s: %t %s\n", c.Name, c.OK, c.Detail)
	}
	for _, m := range p.Proof.Missing {
		fmt.Fprintf(&b, "missing: %s\n", m)
	}
	for _, n := range p.Notes {
		fmt.Fprintf(&b, "note: %s\n", n)
	}
	return b.String()
}

// A change that a plan cannot keep is reported, and the plan is not proven.
func TestSketches(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ sql, missing string }{
		"name":       {"DROP TABLE keyless; CREATE TABLE keyless (a integer PRIMARY KEY, c text); CREATE INDEX ON keyless (c);", "another keyless"},
		"no key":     {"UPDATE keyless SET b = upper(b);", "no primary key"},
		"block":      {"DO $$ BEGIN IF now() > '2020-01-01' THEN UPDATE orders SET total = 1; END IF; DELETE FROM keyless; END $$;", "DO block"},
		"refused":    {"ALTER TABLE orders ALTER COLUMN total TYPE text;", "operator does not exist"},
		"using more": {"ALTER TABLE orders ALTER COLUMN status TYPE varchar(9) USING status || total;", "more than status"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c, missing := plan.Config{
				Sketch: true,
				Config: rehearse.Config{Config: audit.Config{Dir: repository(t, base, c.sql), Base: "main", Head: "feature"}},
			}, c.missing
			p := makePlan(t, c)
			if p.Proof.Proven || !strings.Contains(strings.Join(p.Proof.Missing, "\n"), missing) {
				t.Errorf("the plan is proven, or does not miss %q:\n%s", missing, told(p))
			}
		})
	}
}

// Everything that uses a renamed column, and that the plan cannot change, is named.
func TestInTheWay(t *testing.T) {
	t.Parallel()
	const base = `CREATE TABLE seen (id bigint PRIMARY KEY, a text, b text, c text GENERATED ALWAYS AS (upper(a)) STORED);
CREATE TABLE log (what text);
CREATE VIEW look AS SELECT a FROM seen;
CREATE POLICY mine ON seen USING (a = 'x');
CREATE STATISTICS together ON a, b FROM seen;
CREATE PUBLICATION out FOR TABLE seen (id, a);
CREATE RULE noted AS ON UPDATE TO seen DO ALSO INSERT INTO log VALUES (NEW.a);
-- +goose StatementBegin
CREATE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NEW; END $$;
-- +goose StatementEnd
CREATE TRIGGER touched BEFORE UPDATE OF a ON seen FOR EACH ROW EXECUTE FUNCTION touch();`
	p := makePlan(t, plan.Config{
		Sketch: true,
		Config: rehearse.Config{Config: audit.Config{Dir: repository(t, base, "ALTER TABLE seen RENAME COLUMN a TO d;"), Base: "main", Head: "feature"}},
	})
	missing := strings.Join(p.Proof.Missing, "\n")
	for _, want := range []string{
		"look reads a", "policy mine of seen", "together is of a", "publication out names a", "rule noted",
		"trigger touched", "column c is generated from a",
	} {
		if !strings.Contains(missing, want) {
			t.Errorf("nothing says %q:\n%s", want, missing)
		}
	}
}

// A wrong plan is detected: each check fails if the steps have another result.
func TestProofFails(t *testing.T) {
	t.Parallel()
	for name, spoil := range map[string]struct {
		change func(p *onward.Plan)
		check  string // that fails
	}{
		"a step is missing": {func(p *onward.Plan) { p.Steps = p.Steps[:len(p.Steps)-2] }, "the steps produce"},
		"rows differ":       {func(p *onward.Plan) { p.Steps[0].SQL += "UPDATE customers SET note = 'x';" }, "the steps produce"},
		"no way back":       {func(p *onward.Plan) { p.Steps[0].Undo = "" }, "abort"},
		"somebody waits": {func(p *onward.Plan) {
			p.Steps[0].SQL += "BEGIN; LOCK TABLE customers; SELECT pg_sleep(3.5); COMMIT;"
		}, "under traffic"},
		"somebody is refused": {func(p *onward.Plan) {
			p.Steps[0].SQL += "BEGIN; ALTER TABLE customers DROP COLUMN note; COMMIT; SELECT pg_sleep(0.5); ALTER TABLE customers ADD COLUMN note text;"
		}, "under traffic"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := plan.Config{Config: rehearse.Config{
				Config: audit.Config{Dir: repository(t, base, "ALTER TABLE customers RENAME COLUMN country TO nation;"), Base: "main", Head: "feature"},
				Majors: []int{17},
			}}
			c.Spoil(spoil.change)
			p := makePlan(t, c)
			if p.Proof.Proven || !slices.ContainsFunc(p.Proof.Checks, func(c onward.PlanCheck) bool { return !c.OK && strings.HasPrefix(c.Name, spoil.check) }) {
				t.Errorf("the plan is proven, or its check %q passes:\n%s", spoil.check, told(p))
			}
		})
	}
}

// A function that a migration calls is called by the plan; what sets the session is not.
func TestCalls(t *testing.T) {
	t.Parallel()
	p := make_(t, "SELECT set_config('lock_timeout', '3s', true); CREATE FUNCTION fill() RETURNS void LANGUAGE sql AS 'INSERT INTO keyless VALUES (1)'; "+
		"SELECT fill();", 17)
	if len(p.Steps) != 2 || !strings.Contains(p.Steps[1].SQL, "SELECT fill()") || !p.Proof.Checks[1].OK {
		t.Errorf("the plan does not call fill() in its second of two steps, or its second check fails:\n%s", told(p))
	}
}
