package wire

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/binary"
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

// maxEarly bounds a message that comes before a session has begun.
const maxEarly = 64 << 10

// messages reads a server's messages one by one until the server has authenticated the client.
type messages struct {
	conn net.Conn
	buf  []byte
}

var errNoServer = errors.New("what answers there is no Postgres server")

// waitForMessage waits for the next whole message to be in buf.
func (m *messages) waitForMessage() error {
	for {
		if len(m.buf) >= 5 {
			length := int(binary.BigEndian.Uint32(m.buf[1:]))
			if length < 4 || length > maxEarly {
				return errNoServer
			}
			if len(m.buf) > length {
				return nil
			}
		}
		if len(m.buf) == cap(m.buf) {
			m.buf = append(m.buf, make([]byte, 1024)...)[:len(m.buf)]
		}
		n, err := m.conn.Read(m.buf[len(m.buf):cap(m.buf)])
		if m.buf = m.buf[:len(m.buf)+n]; n == 0 && err != nil {
			return err
		}
	}
}

// nextMessage takes the next message off, with its head.
func (m *messages) nextMessage() ([]byte, error) {
	if err := m.waitForMessage(); err != nil {
		return nil, err
	}
	length := 1 + int(binary.BigEndian.Uint32(m.buf[1:]))
	message := m.buf[:length:length]
	m.buf = m.buf[length:]
	return message, nil
}

// isRefusal reports whether the first message is that the server's rules let nobody in by
// this way; sslmode=allow and prefer try the other one then.
func (m *messages) isRefusal() bool {
	return m.buf[0] == 'E' && bytes.Contains(m.buf, []byte("C28000\x00"))
}

// Codes of authentication messages.
const (
	authOK   = 0
	authSASL = 10
)

// removeChannelBinding returns a server's list of SASL mechanisms without SCRAM-SHA-256-PLUS, which detects a
// proxy. hadPlus says that it was in the list, alone that there is no other.
func removeChannelBinding(message []byte) (out []byte, hadPlus, alone bool) {
	body := message[9:]
	out = append([]byte{}, message[:9]...)
	keptCount := 0
	for name := range bytes.SplitSeq(bytes.TrimRight(body, "\x00"), []byte{0}) {
		if bytes.HasSuffix(name, []byte("-PLUS")) {
			hadPlus = true
			continue
		}
		keptCount++
		out = append(append(out, name...), 0)
	}
	out = append(out, 0)
	binary.BigEndian.PutUint32(out[1:], uint32(len(out)-1))
	return out, hadPlus, keptCount == 0
}

// fatalMessage is an error message of the proxy's own.
func fatalMessage(sqlstate, format string, args ...any) []byte {
	out := []byte{'E', 0, 0, 0, 0}
	for _, field := range []string{"SFATAL", "VFATAL", "C" + sqlstate, "Monward: " + fmt.Sprintf(format, args...)} {
		out = append(append(out, field...), 0)
	}
	out = append(out, 0)
	binary.BigEndian.PutUint32(out[1:], uint32(len(out)-1))
	return out
}
