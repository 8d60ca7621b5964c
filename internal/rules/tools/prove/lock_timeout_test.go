package prove

import (
	"errors"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/onward-sql/onward/internal/pgserver/pgservertest"
)

// TestLockTimeoutLeavesInvalidIndex runs concurrent statements under a lock_timeout while a
// transaction is open: each fails and leaves an INVALID index.
func TestLockTimeoutLeavesInvalidIndex(t *testing.T) {
	t.Parallel()
	pgservertest.EachProofMajor(t, func(t *testing.T, major int) {
		ctx, url := t.Context(), pgservertest.Database(t, major)
		conn, writer := pgservertest.Connect(t, url), pgservertest.Connect(t, url)
		pgservertest.Exec(t, conn, "CREATE TABLE t (id int, a int)", "CREATE INDEX dropped ON t (a)", "CREATE INDEX rebuilt ON t (a)", "SET lock_timeout = '100ms'")
		pgservertest.Exec(t, writer, "BEGIN", "INSERT INTO t VALUES (1, 1)")
		for sql, left := range map[string]string{
			"CREATE INDEX CONCURRENTLY made ON t (id)": "made",
			"DROP INDEX CONCURRENTLY dropped":          "dropped",
			"REINDEX INDEX CONCURRENTLY rebuilt":       "rebuilt_ccnew",
		} {
			_, err := conn.Exec(ctx, sql)
			var pg *pgconn.PgError
			if !errors.As(err, &pg) || pg.Code != "55P03" {
				t.Errorf("%s: error %v, want 55P03 (lock_timeout)", sql, err)
			}
			var valid bool
			if err := conn.QueryRow(ctx, "SELECT indisvalid FROM pg_index WHERE indexrelid = $1::regclass", left).Scan(&valid); err != nil || valid {
				t.Errorf("%s leaves %s: valid %v, %v", sql, left, valid, err)
			}
		}
	})
}
