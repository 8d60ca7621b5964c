package live

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/onward-sql/onward/internal/address"
	"github.com/onward-sql/onward/onward"
)

// The bounds of what is asked of a server that others use.
const (
	connectTimeout = 10 * time.Second
	lockTimeout    = "2s"
	// stmtTimeout is shorter than maxSilence, so that a server that works reports it itself.
	stmtTimeout = "55s"
)

// ServerError says that a server could not be read. Its text has no password.
type ServerError struct {
	What string
	Err  error
	// hide is what must not be printed.
	hide []string
}

// Error is what happened, and what the server or the driver says of it.
func (e *ServerError) Error() string {
	text := e.What + ": " + e.Err.Error()
	if errors.Is(e.Err, io.ErrUnexpectedEOF) {
		text = strings.ReplaceAll(text, io.ErrUnexpectedEOF.Error(), "the server closed the connection")
	}
	return address.Hide(text, e.hide...)
}

// session is a read-only transaction on a server.
type session struct {
	conn  *pgx.Conn
	tx    pgx.Tx
	major int
	hide  []string
}

// open connects and begins the transaction.
func open(ctx context.Context, url string) (*session, error) {
	s, err := connect(ctx, url)
	if err != nil {
		return nil, err
	}
	if err := s.begin(ctx); err != nil {
		s.close(ctx)
		return nil, err
	}
	return s, nil
}

// connect connects. url is a URL or a list of keywords and values, as libpq and
// pgx take them.
func connect(ctx context.Context, url string) (*session, error) {
	cfg, err := pgx.ParseConfig(url)
	if err != nil {
		// The driver's error may quote what it could not read.
		return nil, &address.Error{}
	}
	bound(ctx, cfg, NewSilence(ctx, nil))
	s := &session{hide: append(address.Secrets(url), cfg.Password)}
	// A pooler in front of the server may know neither other parameters at the
	// start nor prepared statements; the transaction sets the rest.
	cfg.RuntimeParams["application_name"] = "onward"
	cfg.DefaultQueryExecMode = pgx.QueryExecModeExec
	if s.conn, err = pgx.ConnectConfig(ctx, cfg); err != nil {
		return nil, s.fail("connect to the database", err)
	}
	return s, nil
}

// bound limits how long a connection waits for its server.
func bound(ctx context.Context, cfg *pgx.ConnConfig, s *Silence) {
	if cfg.ConnectTimeout == 0 {
		cfg.ConnectTimeout = min(connectTimeout, Patience(ctx))
	}
	cfg.DialFunc = boundDial(s)
	cfg.RuntimeParams["client_encoding"] = "UTF8" // that of all that onward sends; a pooler takes it
}

func (s *session) begin(ctx context.Context) error {
	var err error
	s.tx, err = s.conn.BeginTx(ctx, pgx.TxOptions{BeginQuery: "BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY; " + OwnSettings()})
	if err != nil {
		return s.fail("begin a read-only transaction", err)
	}
	for _, set := range []string{"SET LOCAL lock_timeout = '" + lockTimeout + "'", "SET LOCAL search_path = ''"} {
		if _, err := s.tx.Exec(ctx, set); err != nil {
			return s.fail(set, err)
		}
	}
	var number int
	if err := s.tx.QueryRow(ctx, "SELECT current_setting('server_version_num')::int").Scan(&number); err != nil {
		return s.fail("ask the server for its version", err)
	}
	if s.major = number / 10000; s.major < onward.OldestMajor {
		return &ServerError{What: "the database", Err: fmt.Errorf("is Postgres %d; this release knows %d to %d", s.major, onward.OldestMajor, onward.NewestMajor)}
	}
	return nil
}

// close ends the transaction and the connection; there is nothing to lose.
func (s *session) close(ctx context.Context) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), min(connectTimeout, Patience(ctx)))
	defer cancel()
	_ = s.conn.Close(ctx)
}

func (s *session) fail(what string, err error) error {
	return &ServerError{What: what, Err: err, hide: s.hide}
}

// lines runs a query with one column of text.
func (s *session) lines(ctx context.Context, what, sql string) ([]string, error) {
	rows, err := s.tx.Query(ctx, sql)
	if err != nil {
		return nil, s.fail("read "+what, err)
	}
	out, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		return nil, s.fail("read "+what, err)
	}
	return out, nil
}
