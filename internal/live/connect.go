package live

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"strings"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgconn/ctxwatch"

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
	rows, _ := s.tx.Query(ctx, sql)
	out, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		return nil, s.serverError("read "+noun, err)
	}
	return out, nil
}

// Connect opens a session with an application_name. A pooler may be in between, so nothing is prepared, and
// only the name and the settings are sent at startup. When a context ends, the statement is cancelled but the
// connection stays open, because the server would otherwise go on. The error is a [*ServerError] or an
// *address.Error.
func Connect(ctx context.Context, url, name string, settings map[string]string) (*pgx.Conn, error) {
	return ConnectBound(ctx, url, name, settings, NewSilence(ctx, nil))
}

// ConnectBound is [Connect] for a session with its own [Silence].
func ConnectBound(ctx context.Context, url, name string, settings map[string]string, silence *Silence) (*pgx.Conn, error) {
	cfg, err := pgx.ParseConfig(url)
	if err != nil {
		return nil, &address.Error{}
	}
	limitSilence(ctx, cfg, silence)
	maps.Copy(cfg.RuntimeParams, settings)
	cfg.RuntimeParams["application_name"] = name
	cfg.DefaultQueryExecMode = pgx.QueryExecModeExec
	cfg.BuildContextWatcherHandler = func(c *pgconn.PgConn) ctxwatch.Handler {
		return &pgconn.CancelRequestContextWatcherHandler{Conn: c, DeadlineDelay: min(connectTimeout, silence.limit)}
	}
	conn, err := pgx.ConnectConfig(ctx, cfg)
	if err != nil {
		return nil, &ServerError{What: "connect to the database", Err: address.RedactError(redact.ConnectError(err), url, cfg.Password)}
	}
	reportNewerServer(ctx, conn)
	return conn, nil
}

// SideSession is a separate session next to those that work. It runs one short request at a time, and reconnects
// after a lost connection.
type SideSession struct {
	// URL is the address. Name and Settings are passed to [Connect].
	URL, Name string
	Settings  map[string]string
	// Own runs each request in a transaction under onward's own settings.
	Own bool
	// Silence is shared by all its connections; nil creates one.
	Silence *Silence

	mu   sync.Mutex
	conn *pgx.Conn
}

// Do runs f with exclusive use of the session. The errors are the same as for [Connect], or come from f.
func (b *SideSession) Do(ctx context.Context, f func(ctx context.Context, conn *pgx.Conn) error) error {
	ctx, stop := context.WithTimeout(ctx, min(connectTimeout, Patience(ctx)))
	defer stop()
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.conn == nil || b.conn.IsClosed() { // its work is committed or has not begun
		if b.Silence == nil {
			b.Silence = NewSilence(ctx, nil)
		}
		conn, err := ConnectBound(ctx, b.URL, b.Name, b.Settings, b.Silence)
		if err != nil {
			return err
		}
		b.conn = conn
	}
	if b.Own {
		return AsOwn(ctx, b.conn, func() error { return f(ctx, b.conn) })
	}
	return f(ctx, b.conn)
}

// SetURL changes the address. An open connection stays.
func (b *SideSession) SetURL(url string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.URL = url
}

// Close ends the session; nothing is lost. A later [SideSession.Do] opens a new one.
func (b *SideSession) Close(ctx context.Context) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.conn != nil {
		_ = b.conn.Close(ctx)
	}
}

// Standby is a hot standby of a primary, with one session like [SideSession].
type Standby struct {
	session SideSession
	name    string
	primary identity
}

// NotStandbyError says that an address does not belong to a standby of the primary. Its text has no password.
type NotStandbyError struct {
	Name string // of the standby, as host:port
	Why  string
}

// Error names the standby and the reason.
func (e *NotStandbyError) Error() string { return "the standby " + e.Name + " " + e.Why }

// identity is what a primary and its standbys have in common.
type identity struct {
	system   string // the system identifier that initdb generated
	database uint32
	name     string // of the database
}

// ConnectStandby connects to an address, with an application_name, and compares the server with a session on the primary. The error is a
// [*ServerError] or an *address.Error if the server cannot be reached. It is a [*NotStandbyError] if the server is not a standby of that
// primary, or the address names another database.
func ConnectStandby(ctx context.Context, primary *pgx.Conn, url, name string) (*Standby, error) {
	cfg, err := pgx.ParseConfig(url)
	if err != nil {
		return nil, &address.Error{}
	}
	s := &Standby{session: SideSession{URL: url, Name: name, Own: true}, name: hostPort(cfg)}
	if s.primary, _, err = identifyServer(ctx, primary); err != nil {
		return nil, &ServerError{What: "ask the primary which system it is", Err: err}
	}
	err = s.Do(ctx, func(context.Context, *pgx.Conn) error { return nil })
	if wrong := new(NotStandbyError); err != nil && !errors.As(err, &wrong) {
		err = &ServerError{What: "the standby " + s.name, Err: err}
	}
	if err != nil {
		s.Close(ctx)
		return nil, err
	}
	return s, nil
}

// Name returns host:port, for messages.
func (s *Standby) Name() string { return s.name }

// Do runs a short f with exclusive use of the session, after checking that the server is still the same standby: its address may lead to
// another server by now, or it may have been promoted. The errors are the same as for [ConnectStandby], or come from f.
func (s *Standby) Do(ctx context.Context, f func(ctx context.Context, conn *pgx.Conn) error) error {
	return s.session.Do(ctx, func(ctx context.Context, conn *pgx.Conn) error {
		server, recovers, err := identifyServer(ctx, conn)
		switch {
		case err != nil:
			return err
		case !recovers:
			return &NotStandbyError{s.name, "is not in recovery: it replays nothing"}
		case server.system != s.primary.system:
			return &NotStandbyError{s.name, "is of another system than the database: it replays another primary's WAL"}
		case server.database != s.primary.database:
			return &NotStandbyError{s.name, fmt.Sprintf("was asked for the database %q, and the primary for %q", server.name, s.primary.name)}
		}
		return f(ctx, conn)
	})
}

func identifyServer(ctx context.Context, conn *pgx.Conn) (server identity, recovers bool, err error) {
	err = conn.QueryRow(ctx, `SELECT pg_catalog.pg_is_in_recovery(), (SELECT system_identifier::text FROM pg_catalog.pg_control_system()), oid, datname
		FROM pg_catalog.pg_database WHERE datname = current_database()`).Scan(&recovers, &server.system, &server.database, &server.name)
	return server, recovers, err
}

// ReplayedBytes returns how far the standby has replayed the primary's WAL, in bytes from its beginning. The errors are the same as for
// [Standby.Do].
func (s *Standby) ReplayedBytes(ctx context.Context) (bytes int64, err error) {
	err = s.Do(ctx, func(ctx context.Context, conn *pgx.Conn) error {
		return conn.QueryRow(ctx, "SELECT pg_wal_lsn_diff(pg_last_wal_replay_lsn(), '0/0')::bigint").Scan(&bytes)
	})
	return bytes, err
}

// Close ends the session; nothing is lost.
func (s *Standby) Close(ctx context.Context) { s.session.Close(ctx) }
