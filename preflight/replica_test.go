package preflight_test

import (
	"context"
	"encoding/binary"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgproto3"
)

// streamAndStall makes a connection a receiver of WAL that has replayed what there is now,
// and never more.
func streamAndStall(t *testing.T, c, receiver *pgx.Conn) {
	t.Helper()
	var lsn string
	var position int64
	if err := c.QueryRow(context.Background(), "SELECT pg_current_wal_lsn()::text, pg_wal_lsn_diff(pg_current_wal_lsn(), '0/0')::bigint").Scan(&lsn,
		&position); err != nil {
		t.Fatal(err)
	}
	front := receiver.PgConn().Frontend()
	front.SendQuery(&pgproto3.Query{String: "START_REPLICATION " + lsn})
	if err := front.Flush(); err != nil {
		t.Fatal(err)
	}
	if message, err := front.Receive(); err != nil {
		t.Fatal(err)
	} else if _, ok := message.(*pgproto3.CopyBothResponse); !ok {
		t.Fatalf("START_REPLICATION is answered with %T, want CopyBothResponse", message)
	}
	status := make([]byte, 34)
	status[0] = 'r'
	for _, field := range []int{1, 9, 17} { // written, flushed, replayed
		binary.BigEndian.PutUint64(status[field:], uint64(position))
	}
	front.Send(&pgproto3.CopyData{Data: status})
	if err := front.Flush(); err != nil {
		t.Fatal(err)
	}
	for hasReported := false; !hasReported; time.Sleep(10 * time.Millisecond) {
		if err := c.QueryRow(context.Background(), "SELECT count(*) > 0 FROM pg_stat_replication WHERE replay_lsn IS NOT NULL").Scan(&hasReported); err != nil {
			t.Fatal(err)
		}
	}
}
