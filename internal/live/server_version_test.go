package live_test

import (
	"context"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/onward-sql/onward/internal/live"
	"github.com/onward-sql/onward/internal/pgserver/pgservertest"
)

// A server of a version that this release does not know is read without settings that it may not have, and is reported once.
func TestNewerServer(t *testing.T) {
	t.Parallel()
	pgservertest.EachEnd(t, func(t *testing.T, major int) {
		known := pgservertest.Database(t, major)
		newer := pgservertest.NewerServer(t, known).URL
		var reported []int
		ctx := live.WithNewerServer(t.Context(), major, func(newer int) { reported = append(reported, newer) })
		for _, url := range []string{known, newer, newer} {
			schema, err := live.ReadSchema(ctx, url)
			if err != nil || schema.Major != major {
				t.Fatalf("ReadSchema(%s) = %+v, %v, want a schema of Postgres %d", url, schema, err, major)
			}
			conn, err := live.Connect(ctx, url, "test", nil)
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = conn.Close(context.Background()) }()
			want := map[string]int{known: major, newer: 99}[url]
			if got := live.ServerMajor(conn); got != want {
				t.Errorf("the server is Postgres %d, want %d", got, want)
			}
			if warns := readWarning(t, conn); major < 19 && warns != map[string]string{known: "off", newer: "on"}[url] {
				t.Errorf("escape_string_warning is %s on Postgres %d", warns, want)
			}
		}
		if len(reported) != 1 || reported[0] != 99 {
			t.Errorf("reported %d", reported)
		}
	})
}

// The snapshot of a reading session has ended when its reader returns: a step that looks for old snapshots next does not find it.
func TestReadingEnds(t *testing.T) {
	t.Parallel()
	pgservertest.EachEnd(t, func(t *testing.T, major int) {
		url, conn := pgservertest.ConnectNew(t, major, "CREATE TABLE t (id int)")
		for range 20 {
			if _, err := live.ReadSchema(t.Context(), url); err != nil {
				t.Fatal(err)
			}
			if left := pgservertest.ReadTexts(t, conn, "SELECT state || ' ' || query FROM pg_stat_activity WHERE datname = current_database() "+
				"AND pid <> pg_backend_pid() AND backend_type = 'client backend' AND backend_xmin IS NOT NULL"); len(left) > 0 {
				t.Fatalf("sessions with a snapshot after ReadSchema: %q, want none", left)
			}
		}
	})
}

// readWarning reads a setting that Postgres has below 19 under onward's own settings. The text of the query does not have its name.
func readWarning(t *testing.T, conn *pgx.Conn) (value string) {
	t.Helper()
	err := live.AsOwn(t.Context(), conn, func() error {
		return conn.QueryRow(t.Context(), "SELECT coalesce((SELECT setting FROM pg_settings WHERE name LIKE 'escape%warning'), '')").Scan(&value)
	})
	if err != nil {
		t.Fatal(err)
	}
	return value
}
