package ordered_test

import (
	"context"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"

	"github.com/onward-sql/onward/internal/pgserver/pgservertest"
	"github.com/onward-sql/onward/internal/wire"
	"github.com/onward-sql/onward/internal/wire/ordered"
	"github.com/onward-sql/onward/onward"
)

func TestMain(m *testing.M) { os.Exit(pgservertest.Main(m)) }

// follow runs code with a session through the proxy, and returns what was sent.
func follow(t *testing.T, mode string, run func(ctx context.Context, conn *pgx.Conn)) []*ordered.Statement {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	url := pgservertest.Database(t, onward.NewestMajor)
	server, err := wire.ParseServer(url)
	if err != nil {
		t.Fatal(err)
	}
	log := ordered.NewLog()
	proxy, err := wire.Listen(ctx, wire.Config{Server: server, Sink: log})
	if err != nil {
		t.Fatal(err)
	}
	direct, err := pgx.ParseConfig(url)
	if err != nil {
		t.Fatal(err)
	}
	conn, err := pgx.Connect(ctx, fmt.Sprintf("postgres://%s@%s/%s?sslmode=disable&default_query_exec_mode=%s", direct.User, proxy.Addr(), direct.Database, mode))
	if err != nil {
		t.Fatal(err)
	}
	run(ctx, conn)
	if err := conn.Close(ctx); err != nil {
		t.Error(err)
	}
	if err := proxy.Close(); err != nil {
		t.Error(err)
	}
	if err := log.Err(); err != nil {
		t.Error(err)
	}
	return log.Statements()
}

// describe returns statements with their transactions.
func describe(list []*ordered.Statement) string {
	var b strings.Builder
	for _, s := range list {
		state := ""
		switch {
		case s.Failed != "":
			state = " failed"
		case s.Undone:
			state = " undone"
		case s.Unread != "":
			state = " unread: " + s.Unread
		}
		fmt.Fprintf(&b, "%d%s %s\n", s.Transaction, state, s.SQL)
	}
	return b.String()
}

func exec(t *testing.T, ctx context.Context, conn *pgx.Conn, list ...string) {
	t.Helper()
	for _, sql := range list {
		if _, err := conn.Exec(ctx, sql); err != nil && !strings.HasPrefix(sql, "SELECT 1/") {
			t.Errorf("exec %q: %v", sql, err)
		}
	}
}

// Transactions, savepoints, errors and messages with several statements, as a server runs them.
func TestTransactions(t *testing.T) {
	t.Parallel()
	got := describe(follow(t, "simple_protocol", func(ctx context.Context, conn *pgx.Conn) {
		exec(t, ctx, conn,
			"CREATE TABLE t (a int)",
			"BEGIN", "INSERT INTO t VALUES (1)", "SAVEPOINT s", "INSERT INTO t VALUES (2)", "ROLLBACK TO SAVEPOINT s", "INSERT INTO t VALUES (3)", "COMMIT",
			"/* a */ start transaction", "INSERT INTO t VALUES (4)", "rollback",
			"BEGIN", "INSERT INTO t VALUES (5)", "SELECT 1/0", "END",
			"INSERT INTO t VALUES (6); INSERT INTO t VALUES (7)",
			"BEGIN; INSERT INTO t VALUES (8)", "INSERT INTO t VALUES (9)", "COMMIT",
			"INSERT INTO t VALUES (10)",
		)
	}))
	want := `0 CREATE TABLE t (a int)
1 BEGIN
1 INSERT INTO t VALUES (1)
1 SAVEPOINT s
1 undone INSERT INTO t VALUES (2)
1 ROLLBACK TO SAVEPOINT s
1 INSERT INTO t VALUES (3)
1 COMMIT
2 /* a */ start transaction
2 undone INSERT INTO t VALUES (4)
2 rollback
3 BEGIN
3 undone INSERT INTO t VALUES (5)
0 failed SELECT 1/0
3 END
0 INSERT INTO t VALUES (6); INSERT INTO t VALUES (7)
0 BEGIN; INSERT INTO t VALUES (8)
4 INSERT INTO t VALUES (9)
4 COMMIT
0 INSERT INTO t VALUES (10)
`
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// Values of each type become constants that mean the same: the server is asked to compare them.
func TestValues(t *testing.T) {
	t.Parallel()
	const query = "SELECT $1::text, $2::int8, $3::bool, $4::numeric, $5::timestamptz, $6::jsonb, $7::text[], $8::bytea, $9::uuid, $10::text, 1 -$2::int8"
	day := time.Date(2026, 2, 3, 4, 5, 6, 7000, time.UTC)
	values := []any{
		`it's a \ $1`, int64(-5), true, "1.50", day, map[string]any{"a": "b'c"}, []string{"x", "y,'z"}, []byte{0, 1, 255},
		"7f3a0a70-6a5b-4c2b-9d3b-0a6b2f6f2a11", nil,
	}
	for _, mode := range []string{"cache_statement", "describe_exec", "exec"} {
		var before, after []any
		list := follow(t, mode, func(ctx context.Context, conn *pgx.Conn) {
			args := values
			if mode == "exec" { // it sends texts without types, and knows no maps
				args = append([]any{}, values...)
				args[5] = `{"a": "b'c"}`
			}
			rows, err := conn.Query(ctx, query, args...)
			if err != nil {
				t.Fatalf("%s: query: %v", mode, err)
			}
			for rows.Next() {
				if before, err = rows.Values(); err != nil {
					t.Fatalf("%s: read a row: %v", mode, err)
				}
			}
			if err = rows.Err(); err != nil {
				t.Fatalf("%s: read the rows: %v", mode, err)
			}
		})
		if len(list) != 1 || list[0].Unread != "" || list[0].Sent != query || strings.Contains(list[0].SQL, "$2") {
			t.Fatalf("%s: want the query with constants for parameters, got: %s", mode, describe(list))
		}
		follow(t, "simple_protocol", func(ctx context.Context, conn *pgx.Conn) {
			rows, err := conn.Query(ctx, list[0].SQL)
			if err != nil {
				t.Fatalf("query %s: %v", list[0].SQL, err)
			}
			for rows.Next() {
				if after, err = rows.Values(); err != nil {
					t.Fatalf("%s: read a row of the query with constants: %v", mode, err)
				}
			}
			if err = rows.Err(); err != nil {
				t.Fatalf("read the rows of %s: %v", list[0].SQL, err)
			}
		})
		if fmt.Sprint(before) != fmt.Sprint(after) || len(after) != 11 {
			t.Errorf("%s: %s\nparameters give %v\nconstants give %v", mode, list[0].SQL, before, after)
		}
	}
}

// A type of the database: an enum's value is read in both formats.
func TestEnumValue(t *testing.T) {
	t.Parallel()
	got := describe(follow(t, "describe_exec", func(ctx context.Context, conn *pgx.Conn) {
		exec(t, ctx, conn, "CREATE TYPE mood AS ENUM ('sad', 'ok')", "CREATE TABLE t (m mood)")
		if _, err := conn.Exec(ctx, "INSERT INTO t VALUES ($1)", "ok"); err != nil {
			t.Error(err)
		}
	}))
	if !strings.HasSuffix(got, "0 INSERT INTO t VALUES ('ok')\n") {
		t.Errorf("the statements do not end with an INSERT of 'ok':\n%s", got)
	}
}

// A pipeline without BEGIN is one transaction, and all of it is undone if a part fails.
func TestPipeline(t *testing.T) {
	t.Parallel()
	got := describe(follow(t, "exec", func(ctx context.Context, conn *pgx.Conn) {
		exec(t, ctx, conn, "CREATE TABLE t (a int)")
		for _, last := range []string{"INSERT INTO t VALUES (2)", "SELECT 1/0"} {
			batch := &pgx.Batch{}
			batch.Queue("INSERT INTO t VALUES (1)")
			batch.Queue(last)
			_ = conn.SendBatch(ctx, batch).Close()
		}
	}))
	want := "0 CREATE TABLE t (a int)\n1 INSERT INTO t VALUES (1)\n1 INSERT INTO t VALUES (2)\n0 undone INSERT INTO t VALUES (1)\n0 failed SELECT 1/0\n"
	if got != want {
		t.Errorf("the statements are\n%swant\n%s", got, want)
	}
}

// Rows of COPY are not kept, which the statement says. A long text is cut, and so is a long value.
func TestLimits(t *testing.T) {
	t.Parallel()
	list := follow(t, "exec", func(ctx context.Context, conn *pgx.Conn) {
		exec(t, ctx, conn, "CREATE TABLE t (a text)", "INSERT INTO t VALUES ('"+strings.Repeat("x", wire.MaxText)+"')")
		if _, err := conn.PgConn().CopyFrom(ctx, strings.NewReader("1\n2\n"), "COPY t FROM STDIN"); err != nil {
			t.Error(err)
		}
		if _, err := conn.Exec(ctx, "INSERT INTO t VALUES ($1)", strings.Repeat("y", wire.MaxBind)); err != nil {
			t.Error(err)
		}
	})
	if len(list) != 4 || list[1].Unread == "" || !list[2].Rows || list[2].Unread != "" || list[3].Unread == "" {
		for _, s := range list {
			t.Errorf("%.60s rows %v unread %q", s.SQL, s.Rows, s.Unread)
		}
	}
}

// Nonsense from either side neither panics nor makes memory grow.
func FuzzSession(f *testing.F) {
	f.Add([]byte("QSELECT 1\x00"), []byte("CSELECT 1\x00"))
	f.Add([]byte("P\x00SELECT $1\x00\x00\x01\x00\x00\x00\x17"), []byte("t\x00\x01\x00\x00\x00\x19"))
	f.Add([]byte("B\x00\x00\x00\x01\x00\x01\x00\x01\x00\x00\x00\x04\x00\x00\x00\x05\x00\x00"), []byte("ZI"))
	f.Fuzz(func(t *testing.T, client, server []byte) {
		log := ordered.NewLog()
		tap := log.Session(wire.Startup{})
		for range 3 {
			for _, m := range [][]byte{client, []byte("E\x00\x00\x00\x00\x00"), []byte("S")} {
				if len(m) > 0 {
					tap.Client(m[0], m[1:], len(m)-1)
				}
			}
			for _, m := range [][]byte{[]byte("ZI"), server, []byte("CINSERT 0 1\x00"), []byte("ZT")} {
				if len(m) > 0 {
					tap.Server(m[0], m[1:], len(m)-1)
				}
			}
		}
		tap.Close()
		log.Statements()
	})
}
