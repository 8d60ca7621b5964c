package redact_test

import (
	"errors"
	"os"
	"runtime"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/onward-sql/onward/internal/pgserver/pgservertest"
	"github.com/onward-sql/onward/internal/redact"
)

func TestMain(m *testing.M) { os.Exit(pgservertest.Main(m)) }

// A long error and a long notice are cut as they arrive. Rows, short errors and what comes after them are as they are.
func TestLimitErrors(t *testing.T) {
	config, err := pgx.ParseConfig(pgservertest.Database(t, 17))
	if err != nil {
		t.Fatal(err)
	}
	notice := ""
	config.OnNotice = func(_ *pgconn.PgConn, n *pgconn.Notice) { notice = n.Message }
	redact.LimitErrors(&config.Config)
	conn, err := pgx.ConnectConfig(t.Context(), config)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(t.Context())
	const size = 24 << 20
	raise := func(level, text string) *pgconn.PgError {
		_, err := conn.Exec(t.Context(), "DO $$ BEGIN RAISE "+level+" '%', "+text+"; END $$")
		var pg *pgconn.PgError
		errors.As(err, &pg)
		return pg
	}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	pg := raise("EXCEPTION", "repeat('é', 12 << 20)")
	runtime.ReadMemStats(&after)
	if pg == nil || pg.Code != "P0001" || !strings.HasPrefix(pg.Message, "éé") || !strings.HasSuffix(pg.Message, "é… (25165824 bytes)") ||
		len(pg.Message) > 9<<10 || pg.Routine != "exec_stmt_raise" {
		t.Fatalf("a message of 24 MB arrives as %.60v, want it cut, with its size and its routine", pg)
	}
	if got := after.TotalAlloc - before.TotalAlloc; got > size/4 {
		t.Errorf("%d bytes were allocated for an error of %d", got, size)
	}
	if pg := raise("EXCEPTION", "repeat('x', 60000)"); pg == nil || len(pg.Message) != 60000 {
		t.Error("a short error was cut")
	}
	if raise("NOTICE", "repeat('y', 200000)"); len(notice) > 9<<10 || !strings.HasSuffix(notice, "y… (200000 bytes)") {
		t.Errorf("a notice of %d bytes", len(notice))
	}
	var row string
	if err := conn.QueryRow(t.Context(), "SELECT repeat('z', 3000000)").Scan(&row); err != nil || len(row) != 3000000 {
		t.Errorf("a row of %d bytes: %v", len(row), err)
	}
}

// A stranger's statement may return rows of any size: long ones are dropped as they arrive, and what comes after them is as it is.
func TestLimitAnswers(t *testing.T) {
	config, err := pgx.ParseConfig(pgservertest.Database(t, 17))
	if err != nil {
		t.Fatal(err)
	}
	redact.LimitAnswers(&config.Config)
	config.DefaultQueryExecMode = pgx.QueryExecModeSimpleProtocol
	conn, err := pgx.ConnectConfig(t.Context(), config)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(t.Context())
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	tag, err := conn.Exec(t.Context(), "SELECT repeat('x', 40 << 20) FROM generate_series(1, 3)")
	runtime.ReadMemStats(&after)
	if err != nil || tag.String() != "SELECT 3" {
		t.Errorf("%v, %v", tag, err)
	}
	if got := after.TotalAlloc - before.TotalAlloc; got > 10<<20 {
		t.Errorf("%d bytes were allocated for rows of 120 MB", got)
	}
	var row string
	if err := conn.QueryRow(t.Context(), "SELECT repeat('z', 3000000)").Scan(&row); err != nil || len(row) != 3000000 {
		t.Errorf("a row of %d bytes: %v", len(row), err)
	}
}
