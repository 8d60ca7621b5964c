package plan_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/onward-sql/onward/audit"
	"github.com/onward-sql/onward/internal/gitrange/gittest"
	"github.com/onward-sql/onward/internal/rotation"
	"github.com/onward-sql/onward/onward"
	"github.com/onward-sql/onward/plan"
	"github.com/onward-sql/onward/rehearse"
)

// TestOneUnplannedChange: a change that cannot be planned does not keep the others from being proven.
func TestOneUnplannedChange(t *testing.T) {
	t.Parallel()
	const unplanned = "UPDATE keyless SET b = upper(b)"
	plannableChanges := []string{
		"CREATE INDEX orders_status_idx ON orders (status)",
		"ALTER TABLE orders RENAME COLUMN total TO amount",
		"ALTER TABLE customers ALTER COLUMN quota TYPE bigint",
		"ALTER TABLE customers ADD COLUMN plan text NOT NULL DEFAULT 'free'",
	}
	for position := range len(plannableChanges) + 1 {
		release := strings.Join(slices.Insert(slices.Clone(plannableChanges), position, unplanned), ";\n") + ";"
		p := planned(t, base, release, 17, nil, true)
		if len(p.Left) != 1 || p.Left[0].SQL != unplanned || p.Left[0].Chain != "keyless.b" || !strings.Contains(strings.Join(p.Left[0].Why, " "), "no primary key") {
			t.Fatalf("at %d, left: %+v\n%s", position, p.Left, told(p))
		}
		if proven := countProven(p); proven != len(plannableChanges) || p.Proof.Proven {
			t.Errorf("at %d, %d changes are proven, all: %t\n%s", position, proven, p.Proof.Proven, told(p))
		}
		if slices.ContainsFunc(p.Steps, func(s onward.PlanStep) bool { return strings.Contains(s.SQL, "keyless") }) {
			t.Errorf("a step has the change that is left:\n%s", told(p))
		}
	}
}

// TestChainIsCut: the changes of a chain before one that cannot be planned are proven, and so are later ones that do not depend on it. What the
// plan leaves runs after them.
func TestChainIsCut(t *testing.T) {
	t.Parallel()
	release := []string{
		"CREATE TABLE labels (id bigint PRIMARY KEY, name text)",
		"ALTER TABLE keyless ADD COLUMN label_id bigint",
		"UPDATE keyless SET label_id = 1, b = upper(b)", // the table has no key
		"ALTER TABLE keyless ALTER COLUMN label_id SET NOT NULL",
		"ALTER TABLE orders ADD COLUMN label_id bigint REFERENCES labels (id)",
		"CREATE INDEX orders_label_idx ON orders (label_id)",
		"CREATE INDEX keyless_label_idx ON keyless (label_id)",
	}
	p := planned(t, base, "INSERT INTO keyless (a) VALUES (1);\n"+strings.Join(release, ";\n")+";", 17, nil, true)
	var left []string
	for i := range p.Left {
		left = append(left, p.Left[i].SQL)
	}
	if diff := cmp.Diff([]string{release[2], release[3], release[6]}, left); diff != "" {
		t.Errorf("left (-want +got):\n%s\n%s", diff, told(p))
	}
	if proven := countProven(p); proven != 5 {
		t.Errorf("%d changes are proven\n%s", proven, told(p))
	}
	if reasons := strings.Join(p.Left[1].Why, " "); !strings.Contains(reasons, "no primary key") {
		t.Errorf("why: %s", reasons)
	}
}

func countProven(p *onward.Plan) (n int) {
	for _, g := range p.Proof.Groups {
		if g.Proven {
			n += g.Changes
		}
	}
	return n
}

// TestChains: changes form one chain if one of them needs what the other changes.
func TestChains(t *testing.T) {
	t.Parallel()
	const schema = base + `
CREATE TABLE parents (id integer PRIMARY KEY, name text);
CREATE TABLE children (id bigint PRIMARY KEY, parent_id integer REFERENCES parents (id), name text);
CREATE VIEW named AS SELECT name FROM parents;`
	cases := map[string]struct {
		release string
		// chains are the chains with the number of their changes.
		chains map[string]int
	}{
		"two columns": {
			release: "ALTER TABLE orders ADD COLUMN a int, ADD COLUMN b int;",
			chains:  map[string]int{"orders.a": 1, "orders.b": 1},
		},
		"an index on a new column": {
			release: "ALTER TABLE orders ADD COLUMN a int; CREATE INDEX ON customers (note); CREATE INDEX ON orders (a);",
			chains:  map[string]int{"orders.a": 2, "customers.customers_note_idx": 1},
		},
		"a key and its foreign key": {
			release: "ALTER TABLE parents ALTER COLUMN id TYPE bigint; ALTER TABLE orders ADD COLUMN b int; ALTER TABLE children ALTER COLUMN parent_id TYPE bigint;",
			chains:  map[string]int{"parents.id": 2, "orders.b": 1},
		},
		"a new table": {
			release: "CREATE TABLE fresh (id int); CREATE INDEX ON fresh (id); ALTER TABLE fresh ADD COLUMN note text; CREATE INDEX ON orders (status);",
			chains:  map[string]int{"fresh": 3, "orders.orders_status_idx": 1},
		},
		"a view in the way": {
			release: "DROP VIEW named; ALTER TABLE parents ALTER COLUMN name TYPE varchar(9); CREATE VIEW named AS SELECT name FROM parents; " +
				"ALTER TABLE children ALTER COLUMN name SET NOT NULL;",
			chains: map[string]int{"named": 3, "children.name": 1},
		},
		"a name that is freed": {
			release: "DROP INDEX orders_customer_id_idx; CREATE INDEX customers_email_idx ON customers (lower(email)); " +
				"CREATE INDEX orders_customer_id_idx ON orders (customer_id, id);",
			chains: map[string]int{"orders.orders_customer_id_idx": 2, "customers.customers_email_idx": 1},
		},
		"rows": {
			release: "UPDATE customers SET note = country; ALTER TABLE customers ALTER COLUMN note SET NOT NULL; ALTER TABLE customers ADD COLUMN x int; " +
				"DELETE FROM orders WHERE status = 'x'; ALTER TABLE orders ADD COLUMN note text;",
			chains: map[string]int{"customers.note": 2, "customers.x": 1, "orders": 2},
		},
		"an enum": {
			release: "CREATE TYPE mood AS ENUM ('ok'); ALTER TABLE customers ADD COLUMN m mood; CREATE TYPE other AS ENUM ('ok');",
			chains:  map[string]int{"mood": 2, "other": 1},
		},
		"a function and its trigger": {
			release: "-- +goose StatementBegin\n" +
				"CREATE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.note = 'x'; RETURN NEW; END $$;\n-- +goose StatementEnd\n" +
				"CREATE TRIGGER touched BEFORE UPDATE ON customers FOR EACH ROW EXECUTE FUNCTION touch(); ALTER TABLE customers ADD COLUMN y int;",
			chains: map[string]int{"touch": 2, "customers.y": 1},
		},
	}
	for _, name := range rotation.Pick(t, 3, sortedNames(cases)) {
		tc := cases[name]
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := sketch(t, schema, tc.release)
			got := map[string]int{}
			for _, g := range p.Proof.Groups {
				got[g.Name] = g.Changes
			}
			for name, n := range tc.chains {
				if got[name] != n {
					t.Errorf("the chain %s has %d changes, want %d: %v", name, got[name], n, got)
				}
			}
			if len(got) != len(tc.chains) {
				t.Errorf("the chains are %v", got)
			}
		})
	}
}

func sketch(t *testing.T, base, release string, chosenChains ...string) *onward.Plan {
	t.Helper()
	p := makePlan(t, plan.Config{Sketch: true, Only: chosenChains, Config: rehearse.Config{
		Config: audit.Config{Dir: repository(t, base, release), Base: "main", Head: "feature"},
	}})
	return p
}

// TestChosenChains: --only leaves the chains that it does not name, but not the extension that they may need.
func TestChosenChains(t *testing.T) {
	t.Parallel()
	p := sketch(t, base, "CREATE EXTENSION pg_trgm; CREATE INDEX ON orders (status); ALTER TABLE customers ADD COLUMN x int;", "customers.x")
	var left []string
	for _, l := range p.Left {
		left = append(left, l.Chain)
	}
	if !slices.Equal(left, []string{"orders.orders_status_idx"}) || len(p.Steps) != 2 {
		t.Errorf("left %v\n%s", left, told(p))
	}
	_, _, err := plan.Make(t.Context(), plan.Config{Sketch: true, Only: []string{"nothing"}, Config: rehearse.Config{
		Config: audit.Config{Dir: repository(t, base, "CREATE INDEX ON orders (status);"), Base: "main", Head: "feature"},
	}})
	if err == nil || !strings.Contains(err.Error(), "they are orders.orders_status_idx") {
		t.Errorf("a chain that does not exist: %v", err)
	}
}

// TestFailingChain: if the proof fails, the chain that fails is found and left, and the others are proven without it.
func TestFailingChain(t *testing.T) {
	t.Parallel()
	release := "CREATE INDEX orders_status_idx ON orders (status); ALTER TABLE customers ADD COLUMN x int; CREATE INDEX customers_note_idx ON customers (note); " +
		"ALTER TABLE orders ADD COLUMN y int; ALTER TABLE orders ADD COLUMN w int; ALTER TABLE orders ADD COLUMN v int; ALTER TABLE orders ADD COLUMN u int; " +
		"ALTER TABLE customers ADD COLUMN z int;"
	c := plan.Config{Config: rehearse.Config{
		Config: audit.Config{Dir: repository(t, base, release), Base: "main", Head: "feature"}, Majors: []int{17},
	}}
	c.Quiet()
	tried := 0
	c.SpoilEach(func(p *onward.Plan) {
		tried++
		for i := range p.Steps {
			p.Steps[i].SQL = strings.ReplaceAll(p.Steps[i].SQL, "customers (note)", "customers (country)")
		}
	})
	p := makePlan(t, c)
	if len(p.Left) != 1 || p.Left[0].Chain != "customers.customers_note_idx" ||
		!strings.Contains(strings.Join(p.Left[0].Why, "\n"), "is missing: CREATE INDEX customers_note_idx") {
		t.Errorf("left: %+v", p.Left)
	}
	if n := countProven(p); n != 7 {
		t.Errorf("%d changes are proven\n%s", n, told(p))
	}
	// The failed check names the index: all, the others, and the one chain.
	if tried != 3 {
		t.Errorf("%d proofs were made", tried)
	}
}

// TestCodeBetweenStatements: code that is no SQL keeps only those changes from being planned whose outcome depends on its rows.
func TestCodeBetweenStatements(t *testing.T) {
	t.Parallel()
	p := sketch(t, base, "ALTER TABLE customers ADD COLUMN x int; CREATE INDEX ON orders (status);\n"+
		"-- +goose StatementBegin\nDO $$ DECLARE q text := (SELECT min(status) FROM orders); BEGIN EXECUTE q; END $$;\n-- +goose StatementEnd\n"+
		"ALTER TABLE customers ADD COLUMN y int;")
	if len(p.Left) != 1 || !strings.HasPrefix(p.Left[0].SQL, "DO $$") {
		t.Errorf("left: %+v\n%s", p.Left, told(p))
	}
}

// TestBrokenNewCode: a query of the new code that fails on the release's own schema is noted, and does not keep the plan from being
// proven.
func TestBrokenNewCode(t *testing.T) {
	t.Parallel()
	const code = "package main\n\nfunc list(db DB) error {\n\treturn db.QueryRow(\"SELECT country FROM customers WHERE id = $1\", 1).Err()\n}\n"
	dir := gittest.Commits(t, map[string]string{"migrations/00001_a.sql": "-- +goose Up\n" + base + "\n", "main.go": code},
		map[string]string{"migrations/00002_b.sql": "-- +goose Up\nALTER TABLE customers DROP COLUMN country;\nCREATE INDEX ON orders (status);\n"})
	c := plan.Config{Config: rehearse.Config{Config: audit.Config{Dir: dir, Base: "main", Head: "feature"}, Majors: []int{17}}}
	c.Quiet()
	p := makePlan(t, c)
	noted := slices.ContainsFunc(p.Notes, func(n string) bool {
		return strings.HasPrefix(n, "a query of the new code fails on the release's own schema") && strings.Contains(n, "SELECT country FROM customers")
	})
	if !p.Proof.Proven || !noted {
		t.Errorf("the plan is not proven, or has no note on the failing query of the new code:\n%s", told(p))
	}
}

// TestChangesAfterCode: a change whose outcome depends on rows is planned after the code that may write them, and that the plan leaves.
func TestChangesAfterCode(t *testing.T) {
	t.Parallel()
	dir := gittest.Commits(t, map[string]string{"prisma/schema.prisma": prismaSchema, "prisma/migrations/1_a/migration.sql": base},
		map[string]string{
			"prisma/migrations/2_b/migration.sql": "ALTER TABLE customers ADD COLUMN x int;\n",
			"prisma/migrations/3_c/migration.ts":  "export const migration = { run: async () => {} };\n",
			"prisma/migrations/4_d/migration.sql": "ALTER TABLE customers ALTER COLUMN note SET NOT NULL;\nCREATE INDEX orders_status_idx ON orders (status);\n",
		})
	p := sketchRelease(t, dir)
	if len(p.Left) != 1 || p.Left[0].SQL != "" || !strings.Contains(strings.Join(p.Left[0].Why, " "), "TypeScript") {
		t.Fatalf("left: %+v\n%s", p.Left, told(p))
	}
	for i := range p.Steps {
		s := &p.Steps[i]
		if after := strings.Contains(s.SQL, "note"); after != (s.Phase == onward.Contract) {
			t.Errorf("%s is in %s\n%s", s.ID, s.Phase, told(p))
		}
	}
}

const prismaSchema = "datasource db {\n  provider = \"postgresql\"\n  url = env(\"DATABASE_URL\")\n}\n"
