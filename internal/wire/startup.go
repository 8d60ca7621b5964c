package wire

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"time"
)

// Numbers that stand in place of a protocol version.
const (
	codeCancel = 80877102
	codeSSL    = 80877103
	codeGSS    = 80877104
)

// maxStartup is the longest startup message that Postgres takes.
const maxStartup = 10000

// startupTimeout is Postgres' own for a client that says nothing.
const startupTimeout = time.Minute

var sslRequest = binary.BigEndian.AppendUint32([]byte{0, 0, 0, 8}, codeSSL)

// hello is a client's first message that is no question about encryption.
type hello struct {
	conn    net.Conn // encrypted, where the client wanted that
	message []byte   // whole
	code    uint32
}

var errStartup = errors.New("the client's first message is none of Postgres'")

// greet answers questions about encryption, and reads the first message behind them.
func greet(ctx context.Context, conn net.Conn, cfg *tls.Config) (hello, error) {
	if err := conn.SetDeadline(time.Now().Add(startupTimeout)); err != nil {
		return hello{}, err
	}
	secure := false
	for range 4 {
		message, direct, err := first(conn, cfg != nil && !secure)
		if err != nil {
			return hello{}, err
		}
		code := uint32(codeSSL)
		if !direct {
			code = binary.BigEndian.Uint32(message[4:])
		}
		switch {
		case direct, code == codeSSL && cfg != nil && !secure:
			if !direct {
				if _, err := conn.Write([]byte{'S'}); err != nil {
					return hello{}, err
				}
			} else {
				conn = &replay{Conn: conn, head: message}
			}
			t := tls.Server(conn, cfg)
			if err := t.HandshakeContext(ctx); err != nil {
				return hello{}, err
			}
			conn, secure = t, true
		case code == codeSSL, code == codeGSS:
			if _, err := conn.Write([]byte{'N'}); err != nil {
				return hello{}, err
			}
		default:
			return hello{conn, message, code}, conn.SetDeadline(time.Time{})
		}
	}
	return hello{}, errStartup
}

// first reads a message without a kind. direct: it is TLS that begins without a question,
// and message is the byte that was read of it.
func first(conn net.Conn, mayEncrypt bool) (message []byte, direct bool, err error) {
	head := make([]byte, 4, 128)
	if _, err := io.ReadFull(conn, head[:1]); err != nil {
		return nil, false, err
	}
	if head[0] == 0x16 && mayEncrypt {
		return head[:1], true, nil
	}
	if _, err := io.ReadFull(conn, head[1:]); err != nil {
		return nil, false, err
	}
	length := int(binary.BigEndian.Uint32(head))
	if length < 8 || length > maxStartup {
		return nil, false, errStartup
	}
	message = append(head, make([]byte, length-4)...)
	_, err = io.ReadFull(conn, message[4:])
	return message, false, err
}

// replay is a connection of which a byte was read already.
type replay struct {
	net.Conn
	head []byte
}

// Read gives what was read already, then the rest.
func (r *replay) Read(p []byte) (int, error) {
	if len(r.head) > 0 {
		n := copy(p, r.head)
		r.head = r.head[n:]
		return n, nil
	}
	return r.Conn.Read(p)
}

// parseStartup reads a startup message's parameters. replication says that what follows is
// none of SQL's.
func parseStartup(message []byte) (s Startup, replication bool) {
	s.Parameters = map[string]string{}
	rest := message[8:]
	for {
		name, after, ok := bytes.Cut(rest, []byte{0})
		if !ok || len(name) == 0 {
			break
		}
		value, after, ok := bytes.Cut(after, []byte{0})
		if !ok {
			break
		}
		rest = after
		switch string(name) {
		case "user":
			s.User = string(value)
		case "database":
			s.Database = string(value)
		case "replication":
			v := string(bytes.ToLower(value))
			replication = v != "" && v != "false" && v != "off" && v != "no" && v != "0"
		default:
			s.Parameters[string(name)] = string(value)
		}
	}
	if s.Database == "" {
		s.Database = s.User
	}
	return s, replication
}
