package wire

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/onward-sql/onward/internal/address"
)

// dialTimeout bounds one try to reach the server.
const dialTimeout = 30 * time.Second

// Server is the address of a server, and the ways to reach it, in their order: sslmode=prefer
// is two, with encryption and without.
type Server struct {
	tries  []*pgconn.FallbackConfig
	direct bool // sslnegotiation=direct
}

// ParseServer reads an address as libpq does: a URL or a connection string, with PGHOST,
// PGSSLMODE and the like for what it does not say. Its user and password have no meaning here:
// each client brings its own. The error shows no password.
func ParseServer(url string) (Server, error) {
	cfg, err := pgconn.ParseConfig(url)
	if err != nil {
		return Server{}, fmt.Errorf("the address of the server: %w", address.RedactError(err, url))
	}
	s := Server{direct: cfg.SSLNegotiation == "direct"}
	s.tries = append(s.tries, &pgconn.FallbackConfig{Host: cfg.Host, Port: cfg.Port, TLSConfig: cfg.TLSConfig})
	s.tries = append(s.tries, cfg.Fallbacks...)
	return s, nil
}

// errPlain: the server has no encryption.
var errPlain = errors.New("the server does not encrypt, and sslmode says that it must")

// dialServer connects by one of the ways, up to where a startup message is due.
func (s *Server) dialServer(ctx context.Context, way *pgconn.FallbackConfig) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, dialTimeout)
	defer cancel()
	network, addr := pgconn.NetworkAddress(way.Host, way.Port)
	var d net.Dialer
	conn, err := d.DialContext(ctx, network, addr)
	if err != nil || way.TLSConfig == nil {
		return conn, err
	}
	if network == "unix" { // libpq does not encrypt there
		return conn, nil
	}
	deadline, _ := ctx.Deadline()
	if err := conn.SetDeadline(deadline); err != nil {
		return nil, errors.Join(err, conn.Close())
	}
	secure, err := s.encryptConn(ctx, conn, way.TLSConfig)
	if err != nil {
		return nil, errors.Join(err, conn.Close())
	}
	return secure, conn.SetDeadline(time.Time{})
}

func (s *Server) encryptConn(ctx context.Context, conn net.Conn, cfg *tls.Config) (net.Conn, error) {
	if s.direct {
		cfg = cfg.Clone()
		cfg.NextProtos = []string{"postgresql"}
	} else {
		if _, err := conn.Write(sslRequest); err != nil {
			return nil, err
		}
		var answer [1]byte
		if _, err := io.ReadFull(conn, answer[:]); err != nil {
			return nil, err
		}
		if answer[0] != 'S' {
			return nil, errPlain
		}
	}
	secure := tls.Client(conn, cfg)
	return secure, secure.HandshakeContext(ctx)
}

// wayAddress names a way, for messages.
func wayAddress(way *pgconn.FallbackConfig) string {
	if network, addr := pgconn.NetworkAddress(way.Host, way.Port); network == "unix" {
		return addr
	}
	return net.JoinHostPort(way.Host, strconv.Itoa(int(way.Port)))
}

// openConn connects and sends a first message, by the first way that works. read says whether
// the server is to answer; its first message is given back.
func (s *Server) openConn(ctx context.Context, first []byte, read bool) (net.Conn, *messages, error) {
	var errs []error
	for i, way := range s.tries {
		conn, err := s.dialServer(ctx, way)
		if err == nil {
			if _, err = conn.Write(first); err == nil && !read {
				return conn, nil, nil
			}
			var from *messages
			if err == nil {
				from = &messages{conn: conn}
				err = from.waitForMessage()
			}
			if err == nil && (i == len(s.tries)-1 || !from.isRefusal()) {
				return conn, from, nil
			}
			conn.Close() //nolint:errcheck // another way is tried, or the first error counts
		}
		if err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", wayAddress(way), err))
		}
	}
	if len(errs) == 0 {
		return nil, nil, errors.New("no address of a server was given")
	}
	return nil, nil, errs[len(errs)-1]
}
