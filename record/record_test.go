package record_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/onward-sql/onward/internal/live"
	"github.com/onward-sql/onward/internal/pgserver/pgservertest"
	"github.com/onward-sql/onward/internal/workload"
	"github.com/onward-sql/onward/onward"
	"github.com/onward-sql/onward/record"
)

// program is an environment variable that makes this test the recorded program.
const program = "ONWARD_RECORDED_PROGRAM"

// TestProgram is no test: it is what the tests record. It works on DATABASE_URL, and
// on a database of its own that it drops in the end, as a suite does.
func TestProgram(t *testing.T) {
	if os.Getenv(program) == "" {
		return
	}
	ctx := t.Context()
	check := func(_ any, err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	if mode, ok := strings.CutSuffix(os.Getenv(program), " deprecated"); ok {
		deprecating(t, mode == "makes")
		return
	}
	switch os.Getenv(program) {
	case "verifies":
		clients(t)
		return
	case "settings":
		readShops(t)
		return
	}
	main := pgservertest.Connect(t, os.Getenv("DATABASE_URL"))
	if os.Getenv(program) == "fails" {
		check(main.Exec(ctx, "SELECT 1 FROM users"))
		check(main.Exec(ctx, `SELECT rolname FROM pg_roles WHERE rolcanlogin AND (rolname = 'nobody_here' AND pg_get_userbyid((SELECT relowner FROM pg_class WHERE relname = 'users')) = rolname
			OR rolname = 'reporter' AND has_table_privilege(oid, 'users', 'SELECT') OR rolname = 'auditor')`))
		os.Exit(7)
	}
	check(main.Exec(ctx, "CREATE DATABASE test_shop_gw1"))
	suite := pgservertest.Connect(t, strings.Replace(os.Getenv("DATABASE_URL"), "/"+os.Getenv("PGDATABASE")+"?", "/test_shop_gw1?", 1))
	check(suite.Exec(ctx, "CREATE TYPE mood AS ENUM ('fine', 'sad'); CREATE TABLE users (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, email text, "+
		"mood mood)"))
	for i := range 12 {
		check(suite.Exec(ctx, "INSERT INTO users (email, mood) VALUES ($1, $2) /*route='/join'*/", fmt.Sprintf("hidden-%d@example.com", i), "fine"))
	}
	var n int
	check(nil, suite.QueryRow(ctx, "SELECT count(*) FROM users WHERE email = 'hidden-3@example.com'").Scan(&n))
	_, err := suite.Exec(ctx, "SELECT gone FROM users WHERE email = 'hidden-4@example.com'")
	if err == nil {
		t.Error("a column that is not there is read")
	}
	check(nil, suite.Close(ctx))
	check(main.Exec(ctx, "DROP DATABASE test_shop_gw1"))
}

// recordCommand records a command that works. What it prints is shown if the test fails.
func recordCommand(t *testing.T, c record.Config) *record.Result {
	t.Helper()
	var out strings.Builder
	c.Out, c.Err = &out, &out
	t.Cleanup(func() {
		if t.Failed() {
			t.Log(out.String())
		}
	})
	r, err := record.Run(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	if r.Failed != nil {
		t.Fatalf("the recorded command failed: %v", r.Failed)
	}
	return r
}

func self() []string { return []string{os.Args[0], "-test.run=^TestProgram$", "-test.v"} }

// query is the one whose text has a word.
func query(t *testing.T, w *record.Workload, word string) *workload.Query {
	t.Helper()
	for i := range w.Queries {
		if strings.Contains(w.Queries[i].SQL, word) {
			return &w.Queries[i]
		}
	}
	t.Fatalf("no query has %q", word)
	return nil
}

// What a program sends to a database that it makes and drops itself is recorded with
// what the server says of it, and without a value of it.
func TestRecord(t *testing.T) {
	t.Parallel()
	for _, database := range []string{"throwaway", "named"} {
		t.Run(database, func(t *testing.T) {
			t.Parallel()
			c := record.Config{Command: self(), Env: []string{program + "=works"}, Major: 17}
			if database == "named" {
				c.Server, c.Major = pgservertest.Database(t, 16), 0
			}
			r := recordCommand(t, c)
			insert := query(t, r.Workload, "INSERT INTO users")
			if insert.Calls != 12 || !insert.Named || !slices.Equal(insert.Params, []string{"text", "mood"}) || insert.Resolved != "server" ||
				len(insert.Uses) != 1 || !slices.Equal(insert.Uses[0].Writes, []string{"email", "mood"}) || insert.Senders[0].Place == "" {
				t.Errorf("the INSERT is %+v", insert)
			}
			if failingQuery := query(t, r.Workload, "gone"); failingQuery.Errors["42703"] != 1 || failingQuery.Unread == "" {
				t.Errorf("the query that fails is %+v", failingQuery)
			}
			if ddl := query(t, r.Workload, "CREATE TABLE"); ddl.Mark != workload.Migration {
				t.Errorf("the migration is %+v", ddl)
			}
			var text strings.Builder
			if err := workload.Write(&text, r.Workload, false); err != nil {
				t.Fatal(err)
			}
			if strings.Contains(text.String(), "hidden") {
				t.Errorf("a value is stored:\n%s", text.String())
			}
		})
	}
}

// A command that fails, or does not exist, is not the same as a failed recording. A schema from a file exists
// when the command starts.
func TestRecordFails(t *testing.T) {
	t.Parallel()
	dump := filepath.Join(t.TempDir(), "schema.sql")
	if err := os.WriteFile(dump, []byte("CREATE TABLE users (id bigint);\nALTER TABLE users OWNER TO nobody_here;\nGRANT SELECT ON users TO reporter;\n"+
		"CREATE POLICY seen ON users TO auditor USING (true);\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	r, err := record.Run(t.Context(), record.Config{Command: self(), Env: []string{program + "=fails"}, Major: 17, Schema: dump})
	if err != nil {
		t.Fatal(err)
	}
	if exit := new(exec.ExitError); !errors.As(r.Failed, &exit) || exit.ExitCode() != 7 {
		t.Errorf("the command ended with %v", r.Failed)
	}
	if roles := query(t, r.Workload, "pg_roles"); roles.Rows != 3 {
		t.Errorf("of the roles that the dump names %d may log in, and own or may read the table", roles.Rows)
	}
	if q := query(t, r.Workload, "FROM users"); q.Resolved != "server" {
		t.Errorf("what it sent before is %+v", q)
	}
	if r, err = record.Run(t.Context(), record.Config{
		Command: []string{"/nowhere/at-all"},
		Major:   17,
	}); err != nil || r.Failed == nil || !strings.Contains(r.Failed.Error(), "/nowhere/at-all") {
		t.Errorf("record.Run of a missing program = %+v, %v, want Failed to name it", r, err)
	}
	if _, err := record.Run(t.Context(), record.Config{Command: self(), Major: 17, Schema: dump + ".gone"}); err == nil {
		t.Error("a file that is not there fills a database")
	}
}

// Without a command, what connects is recorded until the context ends.
func TestListen(t *testing.T) {
	t.Parallel()
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	r, err := record.Run(ctx, record.Config{Listen: "127.0.0.1:0", Major: 17, Ready: func(address string) {
		defer stop()
		c, err := pgx.Connect(t.Context(), "postgres://postgres@"+address+"/postgres?sslmode=require")
		if err != nil {
			t.Error(err)
			return
		}
		defer c.Close(t.Context())
		if _, err := c.Exec(t.Context(), "SELECT 1 AS listened"); err != nil {
			t.Error(err)
		}
	}})
	if err != nil {
		t.Fatal(err)
	}
	query(t, r.Workload, "listened")
}

// A server that completes the handshake and then sends nothing does not keep a recording waiting.
func TestMuteServer(t *testing.T) {
	t.Parallel()
	l := pgservertest.NewLine(t, pgservertest.Database(t, onward.NewestMajor))
	l.Mute.Store(true)
	done := make(chan error, 1)
	go func() {
		_, err := record.Run(live.WithPatience(t.Context(), time.Second), record.Config{Server: l.URL, Command: []string{"true"}})
		done <- err
	}()
	select {
	case err := <-done:
		if err == nil || !strings.Contains(err.Error(), "the server sent nothing for 1 s") {
			t.Errorf("record.Run on a mute server: %v, want an error after 1 s", err)
		}
	case <-time.After(time.Minute):
		t.Fatal("it still waits after a minute")
	}
}
