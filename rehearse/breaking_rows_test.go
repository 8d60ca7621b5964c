package rehearse_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"golang.org/x/tools/txtar"

	"github.com/onward-sql/onward/config"
	"github.com/onward-sql/onward/internal/fill"
	"github.com/onward-sql/onward/internal/pgserver/pgservertest"
	"github.com/onward-sql/onward/internal/rules/release"
	"github.com/onward-sql/onward/onward"
	"github.com/onward-sql/onward/rehearse"
)

const keptBase = `-- +goose Up
CREATE TABLE users (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, email text, code text, name text, score bigint);
CREATE TABLE orders (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, user_id bigint, total integer, state text, "Room" integer);
`

// keptSteps are the migrations of a release that demands much of the rows before it.
var keptSteps = []txtar.File{
	{Name: "00002_keys.sql", Data: []byte("-- +goose Up\nALTER TABLE orders ADD CONSTRAINT orders_user FOREIGN KEY (user_id) REFERENCES users;\n" +
		"ALTER TABLE orders ADD CONSTRAINT orders_total CHECK (total >= 0) NOT VALID;\nALTER TABLE orders VALIDATE CONSTRAINT orders_total;\n" +
		"ALTER TABLE orders ADD UNIQUE (user_id, \"Room\");\n")},
	{
		Name: "00003_index.sql",
		Data: []byte("-- +goose NO TRANSACTION\n-- +goose Up\nCREATE UNIQUE INDEX CONCURRENTLY IF NOT EXISTS users_email ON users (lower(email));\n"),
	},
	{Name: "00004_types.sql", Data: []byte("-- +goose Up\nALTER TABLE users ALTER COLUMN code TYPE uuid USING code::uuid;\n" +
		"ALTER TABLE users ALTER COLUMN name TYPE varchar(20);\n" +
		"ALTER TABLE users ALTER COLUMN score TYPE integer;\nALTER TABLE orders RENAME COLUMN state TO status;\n" +
		"ALTER TABLE orders ALTER COLUMN status SET NOT NULL;\nUPDATE orders SET total = total + 1;\n")},
}

// TestDemandsOfRelease: a release that demands much of existing rows runs to its last
// statement with all of them. Rows of production that may break a demand are reported, each
// time with a query that finds them.
func TestDemandsOfRelease(t *testing.T) {
	t.Parallel()
	for _, major := range []int{13, 18} {
		cfg := on(branch(t, keptBase, keptSteps))
		cfg.Majors, cfg.Traffic = []int{major}, true
		cfg.Rows = fill.Plan{All: 3000, Seed: 1}
		r, h := rehearsed(t, cfg)
		for i, st := range h.Statements {
			if st.Failed != nil {
				t.Errorf("Postgres %d: %s: %+v", major, text(r, st), st.Failed)
			}
			if want := int64(3000); i == len(h.Statements)-1 && st.Rows != want {
				t.Errorf("Postgres %d: %s changed %d rows, want %d", major, text(r, st), st.Rows, want)
			}
		}
		if len(h.Statements) != 11 || len(h.Differences) > 0 || h.Traffic == nil {
			t.Errorf("Postgres %d: %d statements, traffic %t, %+v", major, len(h.Statements), h.Traffic != nil, h.Differences)
		}
		found := named(r, release.RehearsalFailsWithRows)
		var lines []int
		for _, f := range found {
			lines = append(lines, f.Line)
		}
		if len(found) != 8 {
			t.Errorf("Postgres %d: findings at lines %v, notes %q", major, lines, h.Notes)
		}
		if major == 18 { // pg_input_is_valid
			findOffenders(t, found)
		}
	}
}

// findOffenders runs the queries of findings on rows that break everything.
func findOffenders(t *testing.T, found []onward.Finding) {
	t.Helper()
	ctx := context.Background()
	c := pgservertest.Connect(t, pgservertest.Database(t, 18))
	good := `INSERT INTO users (email, code, name, score) VALUES ('x@b', '00000000-0000-4000-8000-000000000000', 'short', 1); INSERT INTO orders (user_id, total, state, "Room") VALUES (1, 5, 'new', NULL), (1, 5, 'new', NULL)`
	bad := `INSERT INTO users (email, code, name, score) VALUES ('a@b', 'none', repeat('long', 10), 1e10), ('A@b', 'none', 'x', 1); INSERT INTO orders (user_id, total, state, "Room") VALUES (700, -1, NULL, 1), (700, 2, 'x', 1)`
	queries := map[string]string{}
	for _, f := range found {
		_, query, _ := strings.Cut(f.Instead, "\n")
		queries[query] = f.Fact
	}
	if _, err := c.Exec(ctx, keptBase+good, pgx.QueryExecModeSimpleProtocol); err != nil {
		t.Fatal(err)
	}
	for _, want := range []bool{false, true} {
		for query, fact := range queries {
			tag, err := c.Exec(ctx, query)
			if err != nil || tag.RowsAffected() > 0 != want {
				t.Errorf("%d rows for %q (%s): %v", tag.RowsAffected(), query, fact, err)
			}
		}
		if _, err := c.Exec(ctx, bad, pgx.QueryExecModeSimpleProtocol); err != nil {
			t.Fatal(err)
		}
	}
}

// TestNoOffenders: rows cannot break what the base asks for already, or what the release
// sees to itself.
func TestNoOffenders(t *testing.T) {
	t.Parallel()
	for name, file := range map[string]txtar.File{
		"filled first": step("UPDATE users SET email = '' WHERE email IS NULL;\nALTER TABLE users ALTER COLUMN email SET NOT NULL;"),
		"cleaned first": step("DELETE FROM orders o WHERE NOT EXISTS (SELECT FROM users u WHERE u.id = o.user_id);\n" +
			"ALTER TABLE orders ADD FOREIGN KEY (user_id) REFERENCES users;"),
		"implied":         step("ALTER TABLE users ADD UNIQUE (id, email);\nALTER TABLE orders ADD CHECK (id IS NOT NULL);"),
		"never validated": step("ALTER TABLE orders ADD CHECK (total > 0) NOT VALID;"),
		"makes a role":    step("CREATE ROLE keeper_of_rows;\nALTER TABLE orders ADD CHECK (id > 0 OR id <= 0);"),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cfg := on(branch(t, keptBase, []txtar.File{file}))
			cfg.Rows = fill.Plan{All: 300, Seed: 1}
			r, h := rehearsed(t, cfg)
			requireSilence(t, r)
			for _, st := range h.Statements {
				if st.Failed != nil {
					t.Errorf("%s failed with rows: %+v", text(r, st), st.Failed)
				}
			}
		})
	}
}

// TestRowsOfTouched: a bare number applies to the tables that the release touches, also in
// a block. Tables that they refer to get some rows. The version does not depend on the
// installed ones, and the reason for it is reported.
func TestRowsOfTouched(t *testing.T) {
	t.Parallel()
	base := "-- +goose Up\nCREATE TABLE regions (id int PRIMARY KEY);\nCREATE TABLE users (id int PRIMARY KEY, region_id int REFERENCES regions);\n" +
		"CREATE TABLE notes (id int PRIMARY KEY, v text);\nCREATE TABLE logs (id int PRIMARY KEY, v text);\n"
	cfg := on(branch(t, base, []txtar.File{step("ALTER TABLE users ADD COLUMN age int;\n-- +goose StatementBegin\n" +
		"DO $$ BEGIN EXECUTE format('UPDATE %I SET v = 1', 'notes'); END $$;\n-- +goose StatementEnd")}))
	cfg.Rows = fill.Plan{Touched: 800, Seed: 1}
	r, h := rehearsed(t, cfg)
	rows := map[string]int64{}
	for _, x := range h.Tables {
		rows[x.Relation] = x.Rows
	}
	if rows["public.users"] != 800 || rows["public.notes"] != 800 || rows["public.logs"] != 0 || rows["public.regions"] < 10 || rows["public.regions"] > 100 {
		t.Errorf("rows %v, notes %q", rows, r.Rehearsals[0].Notes)
	}
	if h.Postgres != onward.NewestMajor || !strings.Contains(h.Chosen, "nothing says which production has") {
		t.Errorf("Postgres %d: %q", h.Postgres, h.Chosen)
	}
	cfg.Settings = &config.Config{Postgres: []int{14, 15}}
	cfg.Rows = fill.Plan{}
	if _, h := rehearsed(t, cfg); h.Postgres != 15 || !strings.Contains(h.Chosen, "onward.yaml") {
		t.Errorf("Postgres %d: %q", h.Postgres, h.Chosen)
	}
}

// TestTooManyRows: what there is no room for is refused before a row is sent.
func TestTooManyRows(t *testing.T) {
	t.Parallel()
	cfg := on(branch(t, keptBase, []txtar.File{step("ALTER TABLE users ADD COLUMN age int;")}))
	cfg.Rows, cfg.MaxBytes = fill.Plan{Touched: 10_000_000, Seed: 1}, 100<<20
	var phases []string
	cfg.Progress = func(p rehearse.Progress) { phases = append(phases, p.Phase) }
	_, err := rehearse.Run(t.Context(), cfg)
	var input *config.InputError
	if !errors.As(err, &input) || !strings.Contains(err.Error(), "it in public.users: more than --max-size allows") {
		t.Error(err)
	}
	if len(phases) == 0 || phases[len(phases)-1] != "fills the tables" {
		t.Errorf("the progress has the phases %q, want \"fills the tables\" last", phases)
	}
}
