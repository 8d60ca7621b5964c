package live

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/onward-sql/onward/internal/address"
	"github.com/onward-sql/onward/internal/redact"
	"github.com/onward-sql/onward/onward"
)

// Limits for queries on a server that others use.
const (
	connectTimeout = 10 * time.Second
	lockTimeout    = "2s"
	// stmtTimeout is shorter than maxSilence, so that a working server reports the timeout
	// itself.
	stmtTimeout = "55s"
)

// ServerError says that a server could not be read. Its text has no password.
type ServerError struct {
	What string
	Err  error
	// hide lists what must not be printed.
	hide []string
}

// Error says what failed, with the error of the server or the driver.
func (e *ServerError) Error() string {
	text := e.What + ": " + e.Err.Error()
	if errors.Is(e.Err, io.ErrUnexpectedEOF) {
		text = strings.ReplaceAll(text, io.ErrUnexpectedEOF.Error(), "the server closed the connection")
	}
	return address.HidePasswords(text, e.hide...)
}

// FindRefusal returns the error that the server itself sent, also inside a [ServerError]; nil for none.
func FindRefusal(err error) *pgconn.PgError {
	refused, down := new(pgconn.PgError), new(ServerError)
	if errors.As(err, &refused) || errors.As(err, &down) && errors.As(down.Err, &refused) {
		return refused
	}
	return nil
}

// IsLoginRefused reports whether the server has refused a user or a password. Somebody may have changed it since the address was read.
func IsLoginRefused(err error) bool {
	refused := FindRefusal(err)
	return refused != nil && (refused.Code == "28P01" || refused.Code == "28000")
}

// session is a read-only transaction on a server.
type session struct {
	conn  *pgx.Conn
	tx    pgx.Tx
	major int
	hide  []string
	only  *selection // of schemas; nil for all
}

// openSession connects and begins the transaction.
func openSession(ctx context.Context, url string) (*session, error) {
	s, err := connectSession(ctx, url)
	if err != nil {
		return nil, err
	}
	if err := s.beginReadOnly(ctx); err != nil {
		s.closeSession(ctx)
		return nil, err
	}
	return s, nil
}

// connectSession connects. url is a URL or a list of keywords and values, in the form that libpq
// and pgx accept.
func connectSession(ctx context.Context, url string) (*session, error) {
	cfg, err := pgx.ParseConfig(url)
	if err != nil {
		// The driver's error may quote what it could not parse.
		return nil, &address.Error{}
	}
	limitSilence(ctx, cfg, NewSilence(ctx, nil))
	s := &session{hide: append(address.ListSecrets(url), cfg.Password)}
	// A pooler may accept neither other startup parameters nor prepared statements; the
	// transaction sets the rest.
	cfg.RuntimeParams["application_name"] = "onward"
	cfg.DefaultQueryExecMode = pgx.QueryExecModeExec
	if s.conn, err = pgx.ConnectConfig(ctx, cfg); err != nil {
		return nil, s.serverError("connect to the database", redact.ConnectError(err))
	}
	reportNewerServer(ctx, s.conn)
	return s, nil
}

// limitSilence limits how long a connection waits for its server, and the length of errors.
func limitSilence(ctx context.Context, cfg *pgx.ConnConfig, s *Silence) {
	redact.LimitErrors(&cfg.Config)
	if cfg.ConnectTimeout == 0 {
		cfg.ConnectTimeout = min(connectTimeout, Patience(ctx))
	}
	cfg.DialFunc = newBoundDialer(s)
	cfg.RuntimeParams["client_encoding"] = "UTF8" // onward sends only UTF-8; a pooler accepts this parameter
}

func (s *session) beginReadOnly(ctx context.Context) error {
	var err error
	s.tx, err = s.conn.BeginTx(ctx, pgx.TxOptions{BeginQuery: "BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY; " + OwnSettings(s.conn)})
	if err != nil {
		return s.serverError("begin a read-only transaction", err)
	}
	const set = "SET LOCAL lock_timeout = '" + lockTimeout + "'"
	if _, err := s.tx.Exec(ctx, set); err != nil {
		return s.serverError(set, err)
	}
	var number int
	if err := s.tx.QueryRow(ctx, "SELECT current_setting('server_version_num')::int").Scan(&number); err != nil {
		return s.serverError("ask the server for its version", err)
	}
	if s.major = number / 10000; s.major < onward.OldestMajor {
		return &ServerError{What: "the database", Err: fmt.Errorf("is Postgres %d; this release knows %d to %d", s.major, onward.OldestMajor, onward.PreviewMajor)}
	}
	return nil
}

// closeSession ends the transaction and the connection; there is nothing to lose.
func (s *session) closeSession(ctx context.Context) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), min(connectTimeout, Patience(ctx)))
	defer cancel()
	if s.tx != nil { // a server sees the end of a connection late, and the snapshot would stay until then
		_ = s.tx.Rollback(ctx)
	}
	_ = s.conn.Close(ctx)
}

func (s *session) serverError(action string, err error) error {
	return &ServerError{What: action, Err: err, hide: s.hide}
}

// queryLines runs a query with one text column.
func (s *session) queryLines(ctx context.Context, noun, sql string) ([]string, error) {
	rows, err := s.tx.Query(ctx, sql)
	if err != nil {
		return nil, s.serverError("read "+noun, err)
	}
	out, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		return nil, s.serverError("read "+noun, err)
	}
	return out, nil
}
