package record

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/onward-sql/onward/internal/pgserver/pgservertest"
	"github.com/onward-sql/onward/internal/workload"
)

func TestMain(m *testing.M) { os.Exit(pgservertest.Main(m)) }

const shop = `CREATE TYPE mood AS ENUM ('fine', 'sad');
CREATE TABLE users (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, email text NOT NULL UNIQUE, nick text, mood mood);
CREATE TABLE orders (id bigint PRIMARY KEY, user_id bigint REFERENCES users, total integer);
CREATE VIEW shoppers AS SELECT u.id, u.email FROM users u JOIN orders o ON o.user_id = u.id;
CREATE FUNCTION double(integer) RETURNS integer LANGUAGE sql AS 'SELECT $1 * 2';
CREATE SCHEMA other; CREATE TABLE other.users (id integer, secret text);`

// The server reports what a query uses, as far as it can, on the oldest version and on a newer one.
func TestResolve(t *testing.T) {
	t.Parallel()
	pgservertest.EachEnd(t, func(t *testing.T, major int) {
		c := pgservertest.Connect(t, pgservertest.Database(t, major))
		pgservertest.Exec(t, c, shop)
		r := &resolver{conn: c, major: major}
		for _, x := range resolved {
			q := &workload.Query{SQL: x.sql, Params: x.params, SearchPath: x.path, Kind: workload.Select}
			if err := r.resolveQuery(t.Context(), q); err != nil {
				t.Fatal(err)
			}
			want := x.want
			if major == 13 && x.old != "" {
				want = x.old
			}
			if got := told(q); got != want {
				t.Errorf("%s\n got %s\nwant %s", x.sql, got, want)
			}
		}
		var left int
		if err := c.QueryRow(t.Context(), "SELECT count(*) FROM pg_class WHERE relname LIKE 'onward%'").Scan(&left); err != nil || left != 0 {
			t.Errorf("%d things are left, %v", left, err)
		}
	})
}

var resolved = []struct {
	sql, path, want string
	params          []string
	old             string // on 13, whose rules return nothing; "" for the same
}{
	{sql: "SELECT id, email FROM users WHERE nick = $1",
		want: "server (text) id bigint=public.users.id, email text=public.users.email | public.users r:email,id,nick AccessShareLock"},
	{
		sql: "SELECT * FROM users u",
		want: "server () id bigint=public.users.id, email text=public.users.email, nick text=public.users.nick, " +
			"mood mood=public.users.mood | public.users r:email,id,mood,nick * AccessShareLock",
	},
	{sql: "SELECT count(*) FROM orders", want: "server () count bigint | public.orders AccessShareLock"},
	{
		sql:  "SELECT total FROM orders JOIN users ON users.id = user_id WHERE email = $1 FOR UPDATE",
		want: "server (text) total integer=public.orders.total | public.orders r:total,user_id RowShareLock; public.users r:email,id RowShareLock",
	},
	{sql: "UPDATE users SET nick = lower(nick), email = $1 WHERE id = $2", want: "server (text, bigint) | public.users r:id,nick w:email,nick RowExclusiveLock"},
	{sql: "INSERT INTO users (email, mood) VALUES ($1, $2) RETURNING id", want: "server (text, mood) id bigint=public.users.id | public.users r:id " +
		"w:email,mood RowExclusiveLock | types public.mood",
		old: "text (text, mood) id bigint=public.users.id | public.users r:id w:email,mood RowExclusiveLock"},
	{sql: "INSERT INTO orders VALUES ($1, $2)", want: "server (bigint, bigint) | public.orders w:id,user_id RowExclusiveLock"},
	{
		sql:  "INSERT INTO users (email) VALUES ($1) ON CONFLICT (email) DO UPDATE SET nick = excluded.email",
		want: "server (text) | public.users r:email w:email,nick RowExclusiveLock",
	},
	{sql: "DELETE FROM orders WHERE user_id = $1", want: "server (bigint) | public.orders r:user_id RowExclusiveLock"},
	{
		sql:    "SELECT double(total) FROM orders LIMIT $1",
		params: []string{"integer"},
		want:   "server (integer) double integer | public.orders r:total AccessShareLock | functions public.double",
	},
	{sql: "SELECT secret FROM users", path: "other, public", want: "server () secret text=other.users.secret | other.users r:secret AccessShareLock"},
	{
		sql: "SELECT email FROM shoppers",
		want: "server () email text=public.shoppers.email | public.orders r:user_id AccessShareLock; public.shoppers r:email AccessShareLock; " +
			"public.users r:email,id AccessShareLock",
	},
	{sql: "COPY users (email, nick) FROM STDIN", want: "text () | public.users w:email,nick RowExclusiveLock"},
	{sql: "SELECT gone FROM users", want: `unread column "gone" does not exist (SQLSTATE 42703)`},
	{sql: "SELECT relname FROM pg_class", want: "introspection server () relname name=pg_catalog.pg_class.relname"},
	{sql: "WITH x AS (SELECT id FROM users) SELECT * FROM x", want: "server () id bigint=public.users.id | public.users r:id AccessShareLock"},
}

// told describes the resolved query in a line.
func told(q *workload.Query) string {
	if q.Unread != "" {
		return "unread " + q.Unread
	}
	var b strings.Builder
	if q.Mark != "" {
		b.WriteString(string(q.Mark) + " ")
	}
	fmt.Fprintf(&b, "%s (%s)", q.Resolved, strings.Join(q.Params, ", "))
	for i, c := range q.Columns {
		b.WriteString([]string{", ", " "}[btoi(i == 0)] + c.Name + " " + c.Type)
		if c.Of != "" {
			b.WriteString("=" + c.Of)
		}
	}
	for i, u := range q.Uses {
		b.WriteString([]string{"; ", " | "}[btoi(i == 0)] + u.Relation)
		if len(u.Reads) > 0 {
			b.WriteString(" r:" + strings.Join(u.Reads, ","))
		}
		if len(u.Writes) > 0 {
			b.WriteString(" w:" + strings.Join(u.Writes, ","))
		}
		if u.Star {
			b.WriteString(" *")
		}
		b.WriteString(" " + u.Lock)
	}
	if len(q.Functions) > 0 {
		b.WriteString(" | functions " + strings.Join(q.Functions, ","))
	}
	if len(q.Types) > 0 {
		b.WriteString(" | types " + strings.Join(q.Types, ","))
	}
	return b.String()
}

func btoi(b bool) int {
	if b {
		return 1
	}
	return 0
}
