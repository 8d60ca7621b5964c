package live

import (
	"context"
	"maps"
	"sync"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgconn/ctxwatch"

	"github.com/onward-sql/onward/internal/address"
)

// Connect opens a session under a name that pg_stat_activity shows. A pooler may stand in between: nothing is
// prepared, and nothing but the name and the settings is asked for at the start. Where a context
// ends, the statement is cancelled, and the line is not cut: the server would go on. The error is a
// [*ServerError] or an *address.Error.
func Connect(ctx context.Context, url, name string, settings map[string]string) (*pgx.Conn, error) {
	return ConnectBound(ctx, url, name, settings, NewSilence(ctx, nil))
}

// ConnectBound is [Connect] for a session that has its own bound of silence.
func ConnectBound(ctx context.Context, url, name string, settings map[string]string, silence *Silence) (*pgx.Conn, error) {
	cfg, err := pgx.ParseConfig(url)
	if err != nil {
		return nil, &address.Error{}
	}
	bound(ctx, cfg, silence)
	maps.Copy(cfg.RuntimeParams, settings)
	cfg.RuntimeParams["application_name"] = name
	cfg.DefaultQueryExecMode = pgx.QueryExecModeExec
	cfg.BuildContextWatcherHandler = func(c *pgconn.PgConn) ctxwatch.Handler {
		return &pgconn.CancelRequestContextWatcherHandler{Conn: c, DeadlineDelay: min(connectTimeout, silence.limit)}
	}
	conn, err := pgx.ConnectConfig(ctx, cfg)
	if err != nil {
		return nil, &ServerError{What: "connect to the database", Err: address.Without(err, url, cfg.Password)}
	}
	return conn, nil
}

// Beside is a session next to those that work: it asks one thing at a time, none of which may take
// long, and is made anew where its line was cut.
type Beside struct {
	// URL is the address, Name what [Connect] is given, and Settings, too.
	URL, Name string
	Settings  map[string]string
	// Own has each thing run in a transaction under onward's own settings.
	Own bool
	// Silence is shared by all its connections; nil makes one.
	Silence *Silence

	mu   sync.Mutex
	conn *pgx.Conn
}

// Do has the session to itself for one thing. The error is that of [Connect], or what f says.
func (b *Beside) Do(ctx context.Context, f func(ctx context.Context, conn *pgx.Conn) error) error {
	ctx, stop := context.WithTimeout(ctx, min(connectTimeout, Patience(ctx)))
	defer stop()
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.conn == nil || b.conn.IsClosed() { // what it did is committed or not begun
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

// Close ends the session; nothing is lost with it. A [Beside.Do] after it has a new one.
func (b *Beside) Close(ctx context.Context) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.conn != nil {
		_ = b.conn.Close(ctx)
	}
}
