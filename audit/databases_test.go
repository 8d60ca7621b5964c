package audit

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// What the head knows for another database's was one at the base too.
func TestMovedToAnotherDatabase(t *testing.T) {
	t.Parallel()
	const files = "20210101000000_a.sql --\nCREATE TABLE history (id text PRIMARY KEY, at integer);\n"
	r := changelog0(t, Config{Dir: repository(t,
		"-- Cargo.toml --\n[dependencies]\nsqlx = \"0.8\"\n-- client/Cargo.toml --\n[dependencies]\nsqlx = \"0.8\"\n-- client/migrations/"+files+
			"-- server/Cargo.toml --\n[dependencies]\nsqlx = { version = \"0.8\", features = [\"postgres\"] }\n-- server/migrations/20210101000000_b.sql --\n"+
			"CREATE TABLE users (id int);\n",
		"-- client/Cargo.toml --\n-- client/migrations/20210101000000_a.sql --\n-- crates/client/Cargo.toml --\n[dependencies]\n"+
			"sqlx = { version = \"0.8\", features = [\"sqlite\"] }\n-- crates/client/migrations/"+files), Base: "main"})
	if got := found(r); len(got) > 0 {
		t.Errorf("the findings are %v, want none", got)
	}
}

// A service that was given up has had a database of its own: a new one makes a table
// of the same name in another.
func TestEndedService(t *testing.T) {
	t.Parallel()
	const crate, files = "/Cargo.toml --\n[dependencies]\nsqlx = { version = \"0.8\", features = [\"postgres\"] }\n-- ", "CREATE TABLE files_processed (name text PRIMARY KEY);\n"
	for name, left := range map[string]string{"nothing left": "", "code left": "-- boost/src/main.rs --\nfn main() {}\n"} {
		r := changelog0(t, Config{Dir: repository(t,
			"-- boost"+crate+"boost/migrations/1_setup.sql --\nCREATE TABLE a (id int);\nCREATE TABLE b (id int);\nCREATE TABLE c (id int);\n"+
				"-- boost/migrations/2_files.sql --\n"+files+left+
				"-- reward"+crate+"reward/migrations/1_setup.sql --\nCREATE TABLE d (id int);\n",
			"-- boost/Cargo.toml --\n-- boost/migrations/1_setup.sql --\n-- boost/migrations/2_files.sql --\n-- price"+crate+"price/migrations/1_files.sql --\n"+
				files), Base: "main"})
		var got []string
		for _, f := range r.Findings {
			got = append(got, f.Severity.String()+" "+f.Rule)
		}
		want := []string{"info release-migration-deleted"}
		if left != "" {
			want = []string{"warning release-migration-deleted", "error release-statement-fails"}
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: findings (-want +got):\n%s", name, diff)
		}
	}
}

func TestTwoDatabases(t *testing.T) {
	t.Parallel()
	const base = `-- app/migrations/00001_init.sql --
-- +goose Up
CREATE TABLE runs (id int PRIMARY KEY);
CREATE TABLE users (id int PRIMARY KEY);
`
	// A second database gets some of the first one's tables; a third directory
	// alters what the first one makes.
	r := changelog0(t, Config{Dir: repository(t, base, `-- analytics/migrations/00001_init.sql --
-- +goose Up
CREATE TABLE runs (id int PRIMARY KEY, took int);
-- analytics/migrations/00002_more.sql --
-- +goose Up
CREATE INDEX ON runs (took);
-- billing/migrations/00001_more.sql --
-- +goose Up
CREATE INDEX ON users (id);
`), Base: "main"})
	var errors, order []string
	for _, f := range found(r) {
		if strings.HasPrefix(f, "error") {
			errors = append(errors, f)
		}
	}
	for _, m := range r.Migrations {
		order = append(order, m.Path)
	}
	if diff := cmp.Diff([]string{"error index-create-blocking 00001_more.sql:2"}, errors); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{
		"analytics/migrations/00001_init.sql", "analytics/migrations/00002_more.sql", "billing/migrations/00001_more.sql",
	}, order); diff != "" {
		t.Error(diff)
	}
	if r.Summary.Migrations != 3 || r.Summary.Errors != 1 || r.Summary.Statements != 3 {
		t.Errorf("summed up as %+v", r.Summary)
	}
}

// A directory that makes no table belongs to the database of its own service. Another service has a table of the same name.
func TestDatabaseOfTheNearestDirectory(t *testing.T) {
	t.Parallel()
	const (
		parts  = "CREATE TABLE parts (id bigint PRIMARY KEY, code text);\n"
		shop   = "-- svc/shop/db/migration/V1__init.sql --\nCREATE TABLE carts (id bigint PRIMARY KEY);\n"
		extras = "/db/extra/V2__index.sql --\nSELECT 1;\n"
	)
	for name, tc := range map[string]struct {
		base, head string
		want       []string
	}{
		"of the service that has the table": {
			shop + "-- svc/stock/db/migration/V1__init.sql --\n" + parts + "-- svc/stock" + extras + "-- svc/stock/db/extra/V3__b.sql --\nSELECT 2;\n",
			"-- svc/shop/db/migration/V2__parts.sql --\n" + parts + "-- svc/stock/db/extra/V4__index.sql --\nCREATE INDEX parts_code ON parts (code);\n",
			[]string{"error index-create-blocking V4__index.sql:1"},
		},
		"of the first service": {
			"-- svc/a/db/extra/V2__a.sql --\nSELECT 1;\n-- svc/a/db/extra/V3__b.sql --\nSELECT 2;\n-- svc/a/db/migration/V1__init.sql --\n" + parts +
				"-- svc/b/db/migration/V1__init.sql --\nCREATE TABLE carts (id bigint PRIMARY KEY);\n",
			"-- svc/b/db/migration/V2__parts.sql --\n" + parts + "-- svc/a/db/extra/V4__index.sql --\nCREATE INDEX parts_code ON parts (code);\n",
			[]string{"error index-create-blocking V4__index.sql:1"},
		},
		"of the service that makes the table now": {
			"-- svc/shop/db/more/V2__a.sql --\nSELECT 1;\n-- svc/shop/db/more/V3__b.sql --\nSELECT 2;\n" + shop +
				"-- svc/stock/db/migration/V1__init.sql --\n" + parts,
			"-- svc/shop/db/migration/V3__parts.sql --\n" + parts + "-- svc/shop/db/more/V4__index.sql --\nCREATE INDEX parts_code ON parts (code);\n", nil,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := changelog0(t, Config{Dir: repository(t, tc.base, tc.head), Base: "main"})
			var errors []string
			for _, f := range found(r) {
				if strings.HasPrefix(f, "error") {
					errors = append(errors, f)
				}
			}
			if diff := cmp.Diff(tc.want, errors); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// Two services have a name in common, or their projects name two databases: what one does says nothing of the other.
func TestDatabasesOfServices(t *testing.T) {
	t.Parallel()
	const (
		function = "CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1';"

		lock   = "/migrations/migration_lock.toml --\nprovider = \"postgresql\"\n"
		schema = "/schema.prisma --\ndatasource db {\n  provider = \"postgresql\"\n  url = env(\"%s\")\n}\n"
		start  = "-- a/migrations/1_a/migration.sql --\nCREATE TABLE first (id int PRIMARY KEY);\n-- b/migrations/1_b/migration.sql --\n" +
			"CREATE TABLE second (id int PRIMARY KEY);\n-- a" + lock + "-- b" + lock
		orders = "-- a/migrations/2_a/migration.sql --\nCREATE TABLE orders (id int PRIMARY KEY, code text);\n" +
			"-- b/migrations/3_b/migration.sql --\nCREATE INDEX orders_code ON orders (code);\n"
	)
	two := "-- a" + strings.ReplaceAll(schema, "%s", "A_URL") + "-- b" + strings.ReplaceAll(schema, "%s", "B_URL")
	oneVariable := strings.ReplaceAll(two, "B_URL", "A_URL")
	blocking := []string{"error index-create-blocking migration.sql:1"}
	flyway := func(name string) string {
		return "-- a/db/migration/V1__a.sql --\nCREATE TABLE first (id int);\n" + name + "\n-- b/db/migration/V1__b.sql --\nCREATE TABLE second (id int);\n"
	}
	for name, tc := range map[string]struct {
		base, head string
		want       []string
		shared     bool
	}{
		"two variables": {start + two, orders, blocking, false},
		"one variable":  {start + oneVariable, orders, nil, true},
		"one variable, two addresses": {
			start + oneVariable + "-- a/.env.example --\nA_URL=\"postgresql://u:p@localhost:5432/a?schema=public\"\n-- b/.env.example --\n" +
				"A_URL=postgresql://u:p@localhost:5432/b?schema=public\n", orders, blocking, false,
		},
		"two variables, one address": {
			start + two + "-- .env.example --\nA_URL=postgresql://u:p@localhost/shop\nB_URL=postgresql://u:p@localhost/shop\n", orders, nil, true,
		},
		"addresses of any tool": {
			"-- a/db/migration/V1__a.sql --\nCREATE TABLE first (id int);\n-- b/db/migration/V1__b.sql --\nCREATE TABLE second (id int);\n" +
				"-- a/.env --\nDB=postgres://u:p@localhost/a\n-- b/.env --\nDB=postgres://u:p@localhost/b\n",
			"-- a/db/migration/V2__a.sql --\nCREATE TABLE orders (id int PRIMARY KEY, code text);\n" +
				"-- b/db/migration/V2__b.sql --\nCREATE INDEX orders_code ON orders (code);\n",
			[]string{"error index-create-blocking V2__b.sql:1"}, false,
		},
		"a type":     {flyway("CREATE TYPE role AS ENUM ('x');"), "-- b/db/migration/V2__b.sql --\nCREATE TYPE role AS ENUM ('y');\n", nil, false},
		"a function": {flyway(function), "-- b/db/migration/V2__b.sql --\n" + function + "\n", nil, false},
		"a view":     {flyway("CREATE VIEW v AS SELECT 1 AS a;"), "-- b/db/migration/V2__b.sql --\nCREATE VIEW v AS SELECT 2 AS b;\n", nil, false},
		"a type that one source dropped": {
			flyway("CREATE TYPE role AS ENUM ('x');\nDROP TYPE role;"),
			"-- b/db/migration/V2__b.sql --\nCREATE TYPE role AS ENUM ('y');\nCREATE INDEX ON first (id);\n",
			[]string{"error index-create-blocking V2__b.sql:2"}, true,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := changelog0(t, Config{Dir: repository(t, tc.base, tc.head), Base: "main"})
			var errors []string
			for _, f := range found(r) {
				if strings.HasPrefix(f, "error") {
					errors = append(errors, f)
				}
			}
			if diff := cmp.Diff(tc.want, errors); diff != "" {
				t.Error(diff)
			}
			var numbers []int
			for _, runner := range r.Runners {
				numbers = append(numbers, runner.Database)
			}
			want := []int{1, 2}
			if tc.shared {
				want = []int{0, 0}
			}
			if diff := cmp.Diff(want, numbers); diff != "" {
				t.Errorf("the numbers of the databases: %s", diff)
			}
		})
	}
}
