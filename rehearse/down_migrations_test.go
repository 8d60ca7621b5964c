package rehearse_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"golang.org/x/tools/txtar"

	"github.com/onward-sql/onward/audit"
	"github.com/onward-sql/onward/internal/pgserver/pgservertest"
	"github.com/onward-sql/onward/internal/rotation"
	"github.com/onward-sql/onward/internal/rules/release"
	"github.com/onward-sql/onward/rehearse"
)

const downBase = `-- +goose Up
CREATE TYPE mood AS ENUM ('glad', 'sad');
CREATE TABLE users (id bigserial PRIMARY KEY, email text NOT NULL, nick varchar(40) DEFAULT 'x', mood mood);
CREATE INDEX users_nick_idx ON users (nick);
CREATE VIEW names AS SELECT id, email FROM users;
CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1';
`

// ways are migrations, up and down, with the expected parts of a finding's fact
// and of a note, "" for none. old ones are rehearsed on Postgres 13 too.
var ways = map[string]struct {
	none, up, down, fact, note string
	old, superuser             bool
}{
	"exact": {
		old: true,
		up: "ALTER TABLE users ADD COLUMN age int NOT NULL DEFAULT 1 CHECK (age > 0);\nCREATE INDEX ON users (age);\n" +
			"CREATE TABLE t (id bigserial PRIMARY KEY, u bigint REFERENCES users);",
		down: "DROP TABLE t;\nALTER TABLE users DROP COLUMN age;",
	},
	"exact, in pieces": {
		old:  true,
		none: "-- +goose NO TRANSACTION\n",
		up:   "SET lock_timeout = '1s';\nCREATE INDEX CONCURRENTLY users_email_idx ON users (email);",
		down: "DROP INDEX CONCURRENTLY users_email_idx;",
	},
	"renamed and back": {
		up:   "ALTER TABLE users RENAME TO people;\nALTER TABLE people RENAME COLUMN email TO mail;",
		down: "ALTER TABLE people RENAME COLUMN mail TO email;\nALTER TABLE people RENAME TO users;",
	},
	"an index is forgotten": {
		old: true,
		up:  "DROP INDEX users_nick_idx;", down: "SELECT 1;",
		fact: "the down migration does not bring the schema back: index users_nick_idx on users is missing; " +
			"the migration does not run again: index \"users_nick_idx\" does not exist (SQLSTATE 42704)",
	},
	"a column stays": {
		up: "ALTER TABLE users ADD COLUMN IF NOT EXISTS age int;\nCREATE TABLE IF NOT EXISTS t (id int PRIMARY KEY);", down: "DROP TABLE t;",
		fact: "the down migration does not bring the schema back: column users.age stays",
	},
	"a table stays, with all that is on it": {
		up: "CREATE TABLE IF NOT EXISTS t (id serial PRIMARY KEY, at date CHECK (at > '2000-01-01'));\nCREATE INDEX IF NOT EXISTS i ON t (at);", down: "DROP TABLE IF EXISTS tt;",
		fact: "the down migration does not bring the schema back: table t stays",
	},
	"a column of another type": {
		old: true,
		up:  "DROP INDEX IF EXISTS users_nick_idx;\nALTER TABLE users DROP COLUMN nick;", down: "ALTER TABLE users ADD COLUMN nick text;\n" +
			"CREATE INDEX users_nick_idx ON users (nick);",
		fact: "the down migration does not bring the schema back: column users.nick is text, was character varying(40) DEFAULT 'x'::character varying",
		note: "after the down migration of 00002_it, column users.nick comes back as the last one",
	},
	"a column that comes back as the last one": {
		up: "ALTER TABLE users DROP COLUMN nick;", down: "ALTER TABLE users ADD COLUMN nick varchar(40) DEFAULT 'x';\nCREATE INDEX users_nick_idx ON users (nick);",
		note: "after the down migration of 00002_it, column users.nick comes back as the last one",
	},
	"an index of another name": {
		up: "DROP INDEX IF EXISTS users_nick_idx;", down: "CREATE INDEX nicks ON users (nick);",
		fact: "the down migration does not bring the schema back: index users_nick_idx on users comes back as index nicks on users",
	},
	"another function": {
		up: "CREATE OR REPLACE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 2';", down: "CREATE OR REPLACE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 3';",
		fact: "function f() has \"AS $$SELECT 3$$\" where there was \"AS $$SELECT 1$$\"",
	},
	"the same function, laid out in another way": {
		up:   "DROP FUNCTION f();",
		down: "CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT   1';",
	},
	"a view": {
		up: "CREATE OR REPLACE VIEW names AS SELECT id, email, nick FROM users;", down: "DROP VIEW names;\nCREATE VIEW names AS SELECT id, nick AS email FROM users;",
		fact: "the down migration does not bring the schema back: view names has ",
	},
	"a value of an enum, once": {
		up: "ALTER TYPE mood ADD VALUE IF NOT EXISTS 'mixed';", down: "SELECT 1;",
		note: "after the down migration of 00002_it, value 'mixed' of mood stays",
	},
	"a value of an enum": {
		old: true,
		up:  "ALTER TYPE mood ADD VALUE 'mixed' BEFORE 'sad';", down: "SELECT 1;",
		fact: "after its down migration the migration does not run again: enum label \"mixed\" already exists (SQLSTATE 42710)",
		note: "value 'mixed' of mood stays",
	},
	"refused": {
		old: true,
		up:  "ALTER TABLE users ADD COLUMN age int;", down: "ALTER TABLE users DROP COLUMN aeg;",
		fact: "the server refuses the down migration, at migrations/00002_it.sql:4: column \"aeg\" of relation \"users\" does not exist (SQLSTATE 42703)",
	},
	"refused half-way": {
		none: "-- +goose NO TRANSACTION\n",
		up:   "CREATE INDEX CONCURRENTLY i ON users (email);\nCREATE INDEX CONCURRENTLY j ON users (email);",
		down: "DROP INDEX i;\nDROP INDEX k;",
		fact: "the server refuses the down migration, at migrations/00002_it.sql:7: index \"k\" does not exist (SQLSTATE 42704)",
	},
	"never committed": {
		none: "-- +goose NO TRANSACTION\n",
		up:   "ALTER TABLE users ADD COLUMN age int;", down: "BEGIN;\nALTER TABLE users DROP COLUMN age;",
		fact: "the down migration never commits the transaction that it opens",
	},
	"ends its own connection": {
		up: "ALTER TABLE users ADD COLUMN age int;", down: "SELECT pg_terminate_backend(pg_backend_pid());",
		fact: "the server refuses the down migration, at migrations/00002_it.sql:4: terminating connection due to administrator command (SQLSTATE 57P01)",
	},
	"ends every connection": {
		up: "ALTER TABLE users ADD COLUMN age int;", superuser: true,
		down: "ALTER TABLE users DROP COLUMN age;\nSELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> " +
			"pg_backend_pid();",
	},
	"not for everybody": {
		up: "ALTER TABLE users ADD COLUMN age int;", down: "COPY users TO '/dev/null';",
		note: "the down migration of 00002_it was not rehearsed to its end: ",
	},
	"none": {up: "ALTER TABLE users ADD COLUMN age int;", note: "1 migration has no down migration in SQL: 00002_it"},
	"only a comment": {
		up: "ALTER TABLE users ADD COLUMN age int;", down: "-- there is no way back", note: "1 migration has no down migration in SQL: 00002_it",
	},
}

func TestWayDown(t *testing.T) {
	t.Parallel()
	for _, name := range rotation.Pick(t, 3, slices.Sorted(maps.Keys(ways))) {
		way := ways[name]
		for _, major := range []int{13, 18} {
			if major == 13 && !way.old {
				continue
			}
			t.Run(fmt.Sprintf("%s, %d", name, major), func(t *testing.T) {
				t.Parallel()
				text := way.none + "-- +goose Up\n" + way.up + "\n"
				if way.down != "" {
					text += "-- +goose Down\n" + way.down + "\n"
				}
				// What comes next finds the schema that the release makes.
				next := "-- +goose Up\nCREATE TABLE next (LIKE users);\n-- +goose Down\nDROP TABLE next;\n"
				files := []txtar.File{{Name: "00002_it.sql", Data: []byte(text)}, {Name: "00003_next.sql", Data: []byte(strings.ReplaceAll(next, "users", table(way.up)))}}
				r, out := rehearsed(t, rehearse.Config{
					Config: audit.Config{Dir: branch(t, downBase, files)}, Majors: []int{major}, Down: true, Superuser: way.superuser,
				})
				var facts []string
				for _, f := range named(r, release.RehearsalDownDiffers) {
					facts = append(facts, f.Fact)
					if !strings.HasSuffix(f.Path, "00002_it.sql") || f.Harm == "" || f.Instead == "" || f.Line != strings.Count(way.none, "\n")+2 {
						t.Errorf("the finding names another place, or has no harm or advice: %+v", f)
					}
				}
				if got := strings.Join(facts, "\n"); len(facts) > 1 || (way.fact == "") != (got == "") || !strings.Contains(got, way.fact) {
					t.Errorf("finding %q, want %q", got, way.fact)
				}
				gaps := pgservertest.Server(t, major).Gaps() // of this machine
				notes := slices.DeleteFunc(out.Notes, func(note string) bool { return slices.Contains(gaps, note) })
				if got := strings.Join(notes, "\n"); (way.note == "") != (got == "") || !strings.Contains(got, way.note) {
					t.Errorf("notes %q, want %q", got, way.note)
				}
			})
		}
	}
}

// table is what the table is called when an up migration has run.
func table(up string) string {
	if strings.Contains(up, "RENAME TO people") {
		return "people"
	}
	return "users"
}

// A second file, and many differences.
func TestWayDownOfAnotherFile(t *testing.T) {
	t.Parallel()
	files := []txtar.File{
		{Name: "00002_it.up.sql", Data: []byte("ALTER TABLE users ADD a int, ADD b int, ADD c int, ADD d int, ADD e int, ADD f int;")},
		{Name: "00002_it.down.sql", Data: []byte("ALTER TABLE users ADD z int;")},
		{Name: "00003_bad.up.sql", Data: []byte("SELECT 1;")},
		{Name: "00003_bad.down.sql", Data: []byte("SELECT 1;\n\nSELECT 1/0;")},
		{Name: "00001_base.up.sql", Data: []byte("CREATE TABLE users (id int);")},
	}
	r, _ := rehearsed(t, rehearse.Config{Config: audit.Config{Dir: branch(t, "-- none", files)}, Majors: []int{18}, Down: true})
	var facts []string
	for _, f := range named(r, release.RehearsalDownDiffers) {
		facts = append(facts, f.Path+" "+f.Fact)
	}
	want := `migrations/00002_it.up.sql the down migration does not bring the schema back: column users.a stays; column users.b stays; column users.c stays; column users.d stays; column users.e stays; and 2 more; the migration does not run again: column "a" of relation "users" already exists (SQLSTATE 42701)
migrations/00003_bad.up.sql the server refuses the down migration, at migrations/00003_bad.down.sql:3: division by zero (SQLSTATE 22012)`
	if got := strings.Join(facts, "\n"); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}
