package preflight_test

import (
	"context"
	"testing"
	"time"

	"github.com/onward-sql/onward/internal/pgserver/pgservertest"
)

// TestInvalidIndex: a concurrent build of a unique index fails at duplicates, on the oldest
// and the newest server.
func TestInvalidIndex(t *testing.T) {
	t.Parallel()
	pgservertest.EachEnd(t, func(t *testing.T, major int) {
		url := pgservertest.Database(t, major)
		c := pgservertest.Connect(t, url)
		run(t, c, "CREATE TABLE users (email text)", "INSERT INTO users VALUES ('a'), ('a')")
		if _, err := c.Exec(context.Background(), "CREATE UNIQUE INDEX CONCURRENTLY users_email ON users (email)"); err == nil {
			t.Fatal("the build did not fail")
		}
		want(t, flight(t, url), "index-invalid", "warning", "public.users_email", "its build failed")
		run(t, c, "DROP INDEX CONCURRENTLY users_email")
		wantNone(t, flight(t, url), "index-invalid")
	})
}

// TestIndexInTheMaking: the index of a build that is still waiting is not reported.
func TestIndexInTheMaking(t *testing.T) {
	t.Parallel()
	url := pgservertest.Database(t, 17)
	holder, builder := pgservertest.Connect(t, url), pgservertest.Connect(t, url)
	run(t, holder, "CREATE TABLE users (email text)", "BEGIN", "INSERT INTO users VALUES ('a')")
	done := make(chan error, 1)
	go func() {
		_, err := builder.Exec(context.Background(), "CREATE INDEX CONCURRENTLY users_email ON users (email)")
		done <- err
	}()
	watch := pgservertest.Connect(t, url)
	for invalid := false; !invalid; {
		if err := watch.QueryRow(context.Background(), "SELECT count(*) > 0 FROM pg_index WHERE NOT indisvalid").Scan(&invalid); err != nil {
			t.Fatal(err)
		}
		time.Sleep(10 * time.Millisecond)
	}
	wantNone(t, flight(t, url), "index-invalid")
	run(t, holder, "COMMIT")
	if err := <-done; err != nil {
		t.Fatal(err)
	}
}

// TestArchiver: no archive, one that works, and one that was stopped.
func TestArchiver(t *testing.T) {
	t.Parallel()
	url := specialDatabase(t, 17)
	c := pgservertest.Connect(t, url)
	run(t, c, "SELECT pg_stat_reset_shared('archiver')")
	waitFor := func(condition string) {
		t.Helper()
		for ok := false; !ok; time.Sleep(20 * time.Millisecond) {
			if err := c.QueryRow(context.Background(), "SELECT "+condition+" FROM pg_stat_archiver").Scan(&ok); err != nil {
				t.Fatal(err)
			}
		}
	}
	run(t, c, "CREATE TABLE t AS SELECT 1", "SELECT pg_switch_wal()")
	waitFor("archived_count > 0")
	r := flight(t, url)
	wantNone(t, r, "archiver-failing")
	wantNone(t, r, "archiver-off")

	run(t, c, "ALTER SYSTEM SET archive_command = '/bin/false'", "SELECT pg_reload_conf()", "SELECT pg_sleep(0.2)", "CREATE TABLE u AS SELECT 1",
		"SELECT pg_switch_wal()")
	waitFor("failed_count > 0")
	want(t, flight(t, url), "archiver-failing", "error", "the archiver fails", "the last success was")
	run(t, c, "ALTER SYSTEM RESET archive_command", "SELECT pg_reload_conf()")

	want(t, flight(t, pgservertest.Database(t, 17)), "archiver-off", "warning", "archives no WAL")
}
