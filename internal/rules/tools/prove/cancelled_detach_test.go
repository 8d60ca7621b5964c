package prove

import (
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/onward-sql/onward/internal/pgserver/pgservertest"
)

// TestCancelledDetach holds what the finding says of DETACH CONCURRENTLY that lock_timeout cancels: queries no longer see the partition, a second
// try fails, and FINALIZE ends it.
func TestCancelledDetach(t *testing.T) {
	t.Parallel()
	pgservertest.EachProofMajor(t, func(t *testing.T, major int) {
		if major < 14 {
			return
		}
		address := pgservertest.Database(t, major)
		connect := func() *pgx.Conn {
			c, err := pgx.Connect(t.Context(), address)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = c.Close(t.Context()) })
			return c
		}
		run := func(c *pgx.Conn, sql string) {
			t.Helper()
			if _, err := c.Exec(t.Context(), sql); err != nil {
				t.Fatalf("Postgres %d: %s: %v", major, sql, err)
			}
		}
		reader, c := connect(), connect()
		run(c, "CREATE TABLE events (id integer) PARTITION BY RANGE (id)")
		run(c, "CREATE TABLE events_1 PARTITION OF events FOR VALUES FROM (0) TO (10); INSERT INTO events VALUES (1)")
		run(reader, "BEGIN; SELECT * FROM events")
		run(c, "SET lock_timeout = '200ms'")
		const detach = "ALTER TABLE events DETACH PARTITION events_1 CONCURRENTLY"
		for range 2 {
			if _, err := c.Exec(t.Context(), detach); err == nil {
				t.Errorf("Postgres %d: %s works beside a reader", major, detach)
			}
		}
		var rows int
		if err := c.QueryRow(t.Context(), "SELECT count(*) FROM events").Scan(&rows); err != nil || rows != 0 {
			t.Errorf("Postgres %d: queries see %d rows of the partition (%v)", major, rows, err)
		}
		run(reader, "COMMIT")
		run(c, "ALTER TABLE events DETACH PARTITION events_1 FINALIZE")
	})
}
