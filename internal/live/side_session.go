package live

import (
	"context"
	"maps"
	"sync"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgconn/ctxwatch"

	"github.com/onward-sql/onward/internal/address"
	"github.com/onward-sql/onward/internal/redact"
)

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
