package live

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// askLimit bounds each question of a [Session].
const askLimit = "SET LOCAL statement_timeout = '10s'"

// Session is one read-only transaction on a server that answers questions. A question that
// the server refuses leaves the session as it was. It may be behind a pooler.
type Session struct{ s *session }

// Dial connects and begins the transaction. The error is a [*ServerError] or an
// [*address.Error].
func Dial(ctx context.Context, url string) (*Session, error) {
	s, err := open(ctx, url)
	if err != nil {
		return nil, err
	}
	for _, begin := range []string{askLimit, "SAVEPOINT onward"} {
		if _, err := s.tx.Exec(ctx, begin); err != nil {
			s.close(ctx)
			return nil, s.fail(begin, err)
		}
	}
	return &Session{s}, nil
}

// Close ends the transaction and the connection.
func (a *Session) Close(ctx context.Context) { a.s.close(ctx) }

// Major is the server's major version.
func (a *Session) Major() int { return a.s.major }

// PID is the number that the other end of the connection gave for the server's process:
// a pooler makes up one of its own.
func (a *Session) PID() uint32 { return a.s.conn.PgConn().PID() }

// Host is the host that the address names, Where with its port; that of a socket is its
// directory.
func (a *Session) Host() string { return a.s.conn.Config().Host }

// Where is the host with its port.
func (a *Session) Where() string { return hostPort(a.s.conn.Config()) }

// Here reports whether the server is on this machine: it is reached over a socket of its
// file system.
func (a *Session) Here() bool { return a.s.conn.PgConn().Conn().RemoteAddr().Network() == "unix" }

// Presented are the certificates that the server showed, its own first; nil without TLS.
func (a *Session) Presented() []*x509.Certificate {
	if c, ok := a.s.conn.PgConn().Conn().(*tls.Conn); ok {
		return c.ConnectionState().PeerCertificates
	}
	return nil
}

// Verified reports whether the connection was made only because the certificate is good
// (sslmode verify-ca or verify-full).
func (a *Session) Verified() bool {
	t := a.s.conn.Config().TLSConfig
	return t != nil && a.Presented() != nil && (!t.InsecureSkipVerify || t.VerifyPeerCertificate != nil)
}

// Own are the certificates that the connection's files hold for the client, its own first.
func (a *Session) Own() []*x509.Certificate {
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

// Refused is what the server says no with.
type Refused struct {
	// SQLSTATE is the server's code, Message its words without a password.
	SQLSTATE, Message string
}

// Refusal is the code: whoever asked may ask on.
func (r *Refused) Refusal() string { return r.SQLSTATE }

// Error is the server's words and its code.
func (r *Refused) Error() string { return r.Message + " (SQLSTATE " + r.SQLSTATE + ")" }

// Each asks a question and calls f for each row, scanned into the targets. Where the server
// refuses, the error is a [*Refused]; any other one means that the session is gone. What the
// question locked is free when it has been answered.
// "@user" in the text stands for a condition on the schema n: it is no schema of the server's.
func (a *Session) Each(ctx context.Context, sql string, args, targets []any, f func()) error {
	rows, err := a.s.tx.Query(ctx, strings.ReplaceAll(sql, "@user", userSchemas), args...)
	if err == nil {
		_, err = pgx.ForEachRow(rows, targets, func() error { f(); return nil })
	}
	if gone := a.answered(ctx); gone != nil {
		return gone
	}
	if err == nil {
		return nil
	}
	var pg *pgconn.PgError
	if errors.As(err, &pg) {
		if strings.HasPrefix(pg.Code, "22") || strings.HasPrefix(pg.Code, "23") {
			return &Refused{SQLSTATE: pg.Code, Message: "the server says: a value does not fit"} // its words quote the value
		}
		return &Refused{SQLSTATE: pg.Code, Message: (&ServerError{What: "the server says", Err: errors.New(pg.Message), hide: a.s.hide}).Error()}
	}
	return &Refused{SQLSTATE: "XX000", Message: a.s.fail("ask the server", err).Error()}
}

// answered gives back what a question locked, and what it spoiled.
func (a *Session) answered(ctx context.Context) error {
	if _, err := a.s.tx.Exec(ctx, "ROLLBACK TO SAVEPOINT onward"); err != nil {
		return a.s.fail("ask the server", err)
	}
	return nil
}

// Schema reads the schema of the database in the same transaction.
func (a *Session) Schema(ctx context.Context) (*Schema, error) {
	if _, err := a.s.tx.Exec(ctx, "SET LOCAL statement_timeout = '"+stmtTimeout+"'"); err != nil {
		return nil, a.s.fail("ask the server", err)
	}
	schema, err := a.s.schema(ctx)
	if err != nil {
		return nil, err
	}
	return schema, a.answered(ctx)
}
