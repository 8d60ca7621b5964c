package live

import (
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// askLimit is the statement that limits the time of each query of a [Session].
const askLimit = "SET LOCAL statement_timeout = '10s'"

// Session is one read-only transaction on a server, for queries. A query that the server
// refuses does not end the transaction. A pooler may be in between.
type Session struct{ s *session }

// Dial connects and begins the transaction. The error is a [*ServerError] or an
// [*address.Error].
func Dial(ctx context.Context, url string) (*Session, error) {
	s, err := openSession(ctx, url)
	if err != nil {
		return nil, err
	}
	for _, begin := range []string{askLimit, "SAVEPOINT onward"} {
		if _, err := s.tx.Exec(ctx, begin); err != nil {
			s.closeSession(ctx)
			return nil, s.serverError(begin, err)
		}
	}
	return &Session{s}, nil
}

// Close ends the transaction and the connection.
func (a *Session) Close(ctx context.Context) { a.s.closeSession(ctx) }

// Major returns the server's major version.
func (a *Session) Major() int { return a.s.major }

// PID returns the process ID that the other end of the connection reports: a pooler invents
// one.
func (a *Session) PID() uint32 { return a.s.conn.PgConn().PID() }

// Host returns the host of the address; for a socket, its directory.
func (a *Session) Host() string { return a.s.conn.Config().Host }

// HostPort returns the host with its port.
func (a *Session) HostPort() string { return hostPort(a.s.conn.Config()) }

// IsLocal reports whether the server is on this machine: the connection uses a Unix socket.
func (a *Session) IsLocal() bool { return a.s.conn.PgConn().Conn().RemoteAddr().Network() == "unix" }

// ServerCertificates returns the certificates that the server showed, its own first; nil without TLS.
func (a *Session) ServerCertificates() []*x509.Certificate {
	if c, ok := a.s.conn.PgConn().Conn().(*tls.Conn); ok {
		return c.ConnectionState().PeerCertificates
	}
	return nil
}

// IsVerified reports whether the connection required a valid certificate (sslmode verify-ca or
// verify-full).
func (a *Session) IsVerified() bool {
	t := a.s.conn.Config().TLSConfig
	return t != nil && a.ServerCertificates() != nil && (!t.InsecureSkipVerify || t.VerifyPeerCertificate != nil)
}

// ClientCertificates returns the client certificates from the connection's files, the client's own first.
func (a *Session) ClientCertificates() []*x509.Certificate {
	cfg := a.s.conn.Config()
	settings := []*tls.Config{cfg.TLSConfig}
	for _, f := range cfg.Fallbacks {
		settings = append(settings, f.TLSConfig)
	}
	for _, t := range settings {
		if t == nil || len(t.Certificates) == 0 {
			continue
		}
		var out []*x509.Certificate
		for _, der := range t.Certificates[0].Certificate {
			if c, err := x509.ParseCertificate(der); err == nil {
				out = append(out, c)
			}
		}
		return out
	}
	return nil
}

// RefusedError is an error of the server.
type RefusedError struct {
	// SQLSTATE is the server's code, Message its text without a password.
	SQLSTATE, Message string
}

// Refusal returns the code. The session can still be used.
func (r *RefusedError) Refusal() string { return r.SQLSTATE }

// Error returns the server's message and its code.
func (r *RefusedError) Error() string { return r.Message + " (SQLSTATE " + r.SQLSTATE + ")" }

// Each runs a query and calls f for each row, scanned into the targets. If the server
// refuses, the error is a [*RefusedError]; after any other error the session is unusable. The
// query's locks are released afterwards. "@user" in the text is replaced by a condition on
// the schema n: it is not a schema of the server itself.
func (a *Session) Each(ctx context.Context, sql string, args, targets []any, f func()) error {
	rows, err := a.s.tx.Query(ctx, strings.ReplaceAll(sql, "@user", userSchemas), args...)
	if err == nil {
		_, err = pgx.ForEachRow(rows, targets, func() error { f(); return nil })
	}
	if rollbackErr := a.rollbackToSavepoint(ctx); rollbackErr != nil {
		return rollbackErr
	}
	if err == nil {
		return nil
	}
	var pg *pgconn.PgError
	if errors.As(err, &pg) {
		if strings.HasPrefix(pg.Code, "22") || strings.HasPrefix(pg.Code, "23") {
			return &RefusedError{SQLSTATE: pg.Code, Message: "the server says: a value does not fit"} // the server's message quotes the value
		}
		return &RefusedError{SQLSTATE: pg.Code, Message: (&ServerError{What: "the server says", Err: errors.New(pg.Message), hide: a.s.hide}).Error()}
	}
	return &RefusedError{SQLSTATE: "XX000", Message: a.s.serverError("ask the server", err).Error()}
}

// rollbackToSavepoint releases the locks of a query, and recovers from its error.
func (a *Session) rollbackToSavepoint(ctx context.Context) error {
	if _, err := a.s.tx.Exec(ctx, "ROLLBACK TO SAVEPOINT onward"); err != nil {
		return a.s.serverError("ask the server", err)
	}
	return nil
}

// Schema reads the schema of the database in the same transaction.
func (a *Session) Schema(ctx context.Context) (*Schema, error) {
	if _, err := a.s.tx.Exec(ctx, "SET LOCAL statement_timeout = '"+stmtTimeout+"'"); err != nil {
		return nil, a.s.serverError("ask the server", err)
	}
	schema, err := a.s.readSchema(ctx)
	if err != nil {
		return nil, err
	}
	return schema, a.rollbackToSavepoint(ctx)
}

// FormatHostPortDatabase returns the server and the database of an address as HOST:PORT/NAME, without the user and the password. It
// returns "" for an invalid address.
func FormatHostPortDatabase(url string) string {
	cfg, err := pgx.ParseConfig(url)
	if err != nil {
		return ""
	}
	return hostPort(cfg) + "/" + cmp.Or(cfg.Database, cfg.User)
}

func hostPort(cfg *pgx.ConnConfig) string {
	return net.JoinHostPort(cmp.Or(cfg.Host, "localhost"), strconv.Itoa(int(cfg.Port)))
}

// sharedPatience limits how long a pooler may take to provide a session.
const sharedPatience = 4 * time.Second

// SharesSession reports whether two concurrent clients share one session of the server, which only
// happens with a transaction pooler. Outside of transactions, it asks each of them in turn
// for its server process. The error is a [*ServerError], also if the pool has no second
// session available.
func SharesSession(ctx context.Context, url string) (bool, error) {
	ctx, cancel := context.WithTimeout(ctx, sharedPatience)
	defer cancel()
	var clients [2]*session
	for i := range clients {
		s, err := connectSession(ctx, url)
		if err != nil {
			return false, err
		}
		defer s.closeSession(ctx)
		clients[i] = s
	}
	seen := [2]map[int]bool{{}, {}}
	for range 3 {
		for i, s := range clients {
			var pid int
			if err := s.conn.QueryRow(ctx, "SELECT pg_catalog.pg_backend_pid()").Scan(&pid); err != nil {
				return false, s.serverError("ask which process serves a second client", err)
			}
			seen[i][pid] = true
			if seen[1-i][pid] || len(seen[i]) > 1 {
				return true, nil
			}
		}
	}
	return false, nil
}
