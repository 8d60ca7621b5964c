package live

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/onward-sql/onward/internal/address"
	"github.com/onward-sql/onward/onward"
)

// The bounds of what is asked of a server that others use.
const (
	connectTimeout = 10 * time.Second
	lockTimeout    = "2s"
	stmtTimeout    = "60s"
	// maxSilence ends a connection whose server says nothing for longer than a
	// statement may take: it froze, or the network drops what it sends.
	maxSilence = 75 * time.Second
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
	if cfg.ConnectTimeout == 0 {
		cfg.ConnectTimeout = connectTimeout
	}
	dial := cfg.DialFunc
	cfg.DialFunc = func(ctx context.Context, network, addr string) (net.Conn, error) {
		c, err := dial(ctx, network, addr)
		if err != nil {
			return nil, err
		}
		return &impatient{Conn: c, most: maxSilence}, nil
	}
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

// impatient is a connection that is closed when a read of it takes too long.
// Deadlines are the driver's own way to end a read, and are left to it.
type impatient struct {
	net.Conn
	most time.Duration
}

// Read reads, for so long at most.
func (c *impatient) Read(b []byte) (int, error) {
	var late atomic.Bool
	end := time.AfterFunc(c.most, func() {
		late.Store(true)
		_ = c.Conn.Close() // what it says, the Read says
	})
	n, err := c.Conn.Read(b)
	if !end.Stop() && late.Load() && n == 0 {
		err = fmt.Errorf("the server has said nothing for %v: %w", c.most, err)
	}
	return n, err
}

func (s *session) begin(ctx context.Context) error {
	var err error
	s.tx, err = s.conn.BeginTx(ctx, pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly})
	if err != nil {
		return s.fail("begin a read-only transaction", err)
	}
	for _, set := range []string{
		"SET LOCAL lock_timeout = '" + lockTimeout + "'", "SET LOCAL statement_timeout = '" + stmtTimeout + "'",
		"SET LOCAL search_path = ''", "SET LOCAL quote_all_identifiers = off", "SET LOCAL standard_conforming_strings = on",
	} {
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
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), connectTimeout)
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
