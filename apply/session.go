package apply

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgconn/ctxwatch"

	"github.com/onward-sql/onward/internal/address"
	"github.com/onward-sql/onward/internal/live"
	"github.com/onward-sql/onward/onward"
)

// connectTimeout bounds a connection that is made, and a word on one that watches.
const connectTimeout = 10 * time.Second

// connect opens a session. A pooler may stand in between: nothing is prepared, and nothing but
// the name is asked for at the start.
func connect(ctx context.Context, url, name string) (*pgx.Conn, error) {
	cfg, err := pgx.ParseConfig(url)
	if err != nil {
		return nil, &address.Error{}
	}
	if cfg.ConnectTimeout == 0 {
		cfg.ConnectTimeout = connectTimeout
	}
	cfg.RuntimeParams["application_name"] = name
	cfg.DefaultQueryExecMode = pgx.QueryExecModeExec
	// Who interrupts is to have the statement cancelled, not the line cut: the server would go on.
	cfg.BuildContextWatcherHandler = func(c *pgconn.PgConn) ctxwatch.Handler {
		return &pgconn.CancelRequestContextWatcherHandler{Conn: c, DeadlineDelay: connectTimeout}
	}
	conn, err := pgx.ConnectConfig(ctx, cfg)
	if err != nil {
		return nil, &live.ServerError{What: "connect to the database", Err: address.Without(err, url, cfg.Password)}
	}
	return conn, nil
}

// controlName is what pg_stat_activity calls the session that watches, workName the one that works.
const (
	controlName = "onward apply (control)"
	workName    = "onward apply"
)

// control is the session beside the one that works: it renews the lease, looks at the queue and
// writes to the ledger what is to stay when the work is rolled back.
type control struct {
	mu   sync.Mutex
	url  string
	conn *pgx.Conn
}

// do has the session to itself for one thing, which may not take long.
func (c *control) do(ctx context.Context, f func(ctx context.Context, conn *pgx.Conn) error) error {
	ctx, cancel := context.WithTimeout(ctx, connectTimeout)
	defer cancel()
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.conn != nil && c.conn.IsClosed() { // what it did is committed or not begun
		conn, err := connect(ctx, c.url, controlName)
		if err != nil {
			return err
		}
		c.conn = conn
	}
	return f(ctx, c.conn)
}

// isolate sees that what the user has set for the role or the database does not bend what onward
// itself asks.
func isolate(ctx context.Context, conn *pgx.Conn) (major int, err error) {
	var number int
	var standby bool
	if err := conn.QueryRow(ctx, "SELECT current_setting('server_version_num')::int, pg_is_in_recovery()").Scan(&number, &standby); err != nil {
		return 0, err
	}
	major = number / 10000
	switch {
	case major < onward.OldestMajor:
		return 0, fmt.Errorf("the database is Postgres %d; this release knows %d to %d", major, onward.OldestMajor, onward.NewestMajor)
	case standby:
		return 0, errors.New("the server is a standby, where nothing can be changed: name the primary")
	}
	return major, nil
}

// yields reports whether autovacuum can be made to give way to a step: it does that to who has waited for
// deadlock_timeout, which is a second, and a step never waits so long. A role that may set it does.
func yields(ctx context.Context, conn *pgx.Conn, major int) (may bool, err error) {
	sql := "SELECT rolsuper FROM pg_catalog.pg_roles WHERE rolname = current_user"
	if major >= 15 {
		sql = "SELECT pg_catalog.has_parameter_privilege('deadlock_timeout', 'SET')"
	}
	err = conn.QueryRow(ctx, sql).Scan(&may)
	return may, err
}

// kind is what an error of an attempt means.
type kind int

const (
	final kind = iota
	lost       // somebody was faster: again
	cut        // the line is gone: ask the ledger, then again
)

// sort tells what an error means. cancelled: this process has asked the server to end it.
func classify(err error, cancelled bool) kind {
	refused := new(pgconn.PgError)
	if !errors.As(err, &refused) {
		return cut
	}
	switch refused.Code {
	case "55P03", "40P01", "40001":
		return lost
	case "57014":
		if cancelled {
			return lost
		}
	case "57P01", "57P02", "57P03", "25P03", "25P04":
		return cut
	}
	if refused.Code[:2] == "08" {
		return cut
	}
	return final
}
