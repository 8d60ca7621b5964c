package record_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/onward-sql/onward/audit"
	"github.com/onward-sql/onward/internal/gitrange/gittest"
	"github.com/onward-sql/onward/internal/pgserver/pgservertest"
	"github.com/onward-sql/onward/internal/workload"
	"github.com/onward-sql/onward/record"
	"github.com/onward-sql/onward/rehearse"
)

// deprecating works on a database with a deprecated column, or makes one.
func deprecating(t *testing.T, createsDatabase bool) {
	t.Helper()
	c := pgservertest.Connect(t, os.Getenv("DATABASE_URL"))
	if createsDatabase {
		pgservertest.Exec(t, c, "CREATE DATABASE test_own")
		c = pgservertest.Connect(t, strings.Replace(os.Getenv("DATABASE_URL"), "/"+os.Getenv("PGDATABASE")+"?", "/test_own?", 1))
		pgservertest.Exec(t, c, schemaOfUsers)
	}
	for _, sql := range []string{
		"INSERT INTO users (id, email) VALUES (1, 'a')", "SELECT email FROM users WHERE id = 1", "SELECT count(*) FROM users", "UPDATE users SET email = 'b' WHERE id = 1",
		"INSERT INTO orders VALUES (1, 1)", "SELECT email FROM users FOR UPDATE", "DELETE FROM orders",
		"SELECT * FROM users", "SELECT nick FROM users WHERE id = 1", "UPDATE users SET nick = 'x'", "INSERT INTO users (id, nick) VALUES (2, 'n')", "SELECT n FROM shown", "SELECT old FROM users",
	} {
		_, err := c.Exec(t.Context(), sql)
		fmt.Println(sql, err)
	}
}

const schemaOfUsers = `CREATE TABLE users (id bigint PRIMARY KEY, email text, nick text, old text);
CREATE TABLE orders (id bigint, user_id bigint REFERENCES users);
CREATE VIEW shown AS SELECT nick AS n FROM users;
COMMENT ON COLUMN users.nick IS 'onward: deprecated 2026-11-01, remove after 2027-02-01';
`

// A query that touches a deprecated column is refused and told of, in whatever way it
// does: by name, by a star, through a view; and nothing else is.
func TestDenyDeprecated(t *testing.T) {
	t.Parallel()
	repository := gittest.Commits(t, map[string]string{"00001_users.sql": "-- +goose Up\n" + schemaOfUsers})
	dump := filepath.Join(t.TempDir(), "schema.sql")
	if err := os.WriteFile(dump, []byte(schemaOfUsers+"ALTER TABLE users OWNER TO shop;\nALTER TABLE orders OWNER TO postgres;\n"+
		"GRANT SELECT ON users TO reporter;\nGRANT SELECT (nick) ON users TO reporter;\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]record.Config{
		"a dump with owners":       {Env: []string{program + "=uses deprecated"}, Major: 16, Schema: dump},
		"the suite's own database": {Env: []string{program + "=makes deprecated"}, Major: 14},
		"the deployed schema": {Env: []string{program + "=uses deprecated"}, Major: 17,
			Base: &rehearse.Config{Config: audit.Config{Dir: repository, Base: "HEAD"}}},
		"a database of its own beside it": {Env: []string{program + "=makes deprecated"}, Major: 18,
			Base: &rehearse.Config{Config: audit.Config{Dir: repository, Base: "HEAD"}}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c.Command, c.DenyDeprecated, c.Deprecated = self(), true, []string{"users.old"}
			r := recordCommand(t, c)
			var got []string
			for _, d := range r.Denied {
				got = append(got, strings.ReplaceAll(strings.Join(d.Columns, " "), "public.users.", "")+": "+d.SQL)
			}
			want := []string{
				"nick: INSERT INTO users (id, nick) VALUES ($1, $2)", "nick old: SELECT * FROM users", "nick: SELECT n FROM shown",
				"nick: SELECT nick FROM users WHERE id = $1", "nick: UPDATE users SET nick = $1", "old: SELECT old FROM users",
			}
			if strings.Join(got, "\n") != strings.Join(want, "\n") {
				t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
			}
			for _, q := range r.Workload.Queries {
				if q.Mark == workload.Code && q.Errors["42501"] > 0 != strings.Contains(strings.Join(want, "\n"), q.SQL) {
					t.Errorf("%s was refused %v", q.SQL, q.Errors)
				}
			}
		})
	}
}
