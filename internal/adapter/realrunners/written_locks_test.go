package realrunners

import (
	"context"
	"testing"

	"github.com/jackc/pgx/v5"
)

// logDDL has the server log each statement that changes a table, with its transaction.
const logDDL = `CREATE SCHEMA logged; CREATE TABLE logged.sent (tx bigint, tag text, sql text);
CREATE FUNCTION logged.log() RETURNS event_trigger LANGUAGE plpgsql AS
$$ BEGIN INSERT INTO logged.sent VALUES (txid_current(), tg_tag, current_query()); END $$;
CREATE EVENT TRIGGER log ON ddl_command_end WHEN TAG IN ('ALTER TABLE', 'CREATE TRIGGER', 'CREATE INDEX') EXECUTE FUNCTION logged.log()`

// checkLocks checks that no constraint was validated in a transaction that locks a table, and no index was built under a lock.
func checkLocks(t *testing.T, conn *pgx.Conn) {
	t.Helper()
	const validated = `sql ~ 'VALIDATE CONSTRAINT "?[a-z]' AND sql !~ 'NOT VALID'`
	var all, locked int
	if err := conn.QueryRow(t.Context(), `SELECT count(*), count(*)
		FILTER (WHERE EXISTS (SELECT FROM logged.sent AS s WHERE s.tx = l.tx AND NOT (`+validated+`)))
		FROM logged.sent AS l WHERE `+validated).Scan(&all, &locked); err != nil || all == 0 || locked > 0 {
		t.Errorf("%d of %d constraints were validated in a transaction that locks a table (%v)", locked, all, err)
	}
	if err := conn.QueryRow(t.Context(), `SELECT count(*), count(*) FILTER (WHERE sql !~ 'CONCURRENTLY') FROM logged.sent WHERE tag = 'CREATE INDEX'`).
		Scan(&all, &locked); err != nil || all == 0 || locked > 0 {
		t.Errorf("%d of %d indexes were built under a lock (%v)", locked, all, err)
	}
	execute(t, conn, "DROP EVENT TRIGGER log; DROP SCHEMA logged CASCADE")
}

// untilDone runs a backfill until it passes no row.
func untilDone(t *testing.T, conn *pgx.Conn, sql string) {
	t.Helper()
	for n := 1; n > 0; {
		if err := conn.QueryRow(context.Background(), sql).Scan(&n); err != nil {
			t.Fatal(err)
		}
	}
}
