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
	"os"
	"strings"
	"time"
)

// Numbers in the place of a protocol version.
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

// firstMessage is a client's first message that is no question about encryption.
type firstMessage struct {
	conn    net.Conn // encrypted, where the client wanted that
	message []byte   // whole
	code    uint32
}

// errUntrusted: the client began to encrypt, and left when it saw the proxy's certificate.
var errUntrusted = errors.New("the client does not trust the proxy's certificate")

var errStartup = errors.New("the client's first message is none of Postgres'")

// readHello answers questions about encryption, and reads the first message after them.
func readHello(ctx context.Context, conn net.Conn, cfg *tls.Config) (firstMessage, error) {
	if err := conn.SetDeadline(time.Now().Add(startupTimeout)); err != nil {
		return firstMessage{}, err
	}
	secure := false
	for range 4 {
		message, direct, err := readFirstMessage(conn, cfg != nil && !secure)
		if err != nil && secure && !errors.Is(err, errStartup) && !errors.Is(err, os.ErrDeadlineExceeded) && !errors.Is(err, net.ErrClosed) {
			err = errUntrusted // it left: libpq compares the host's name after the handshake
		}
		if err != nil {
			return firstMessage{}, err
		}
		code := uint32(codeSSL)
		if !direct {
			code = binary.BigEndian.Uint32(message[4:])
		}
		switch {
		case direct, code == codeSSL && cfg != nil && !secure:
			if !direct {
				if _, err := conn.Write([]byte{'S'}); err != nil {
					return firstMessage{}, err
				}
			} else {
				conn = &replayConn{Conn: conn, head: message}
			}
			t := tls.Server(conn, cfg)
			if err := t.HandshakeContext(ctx); err != nil {
				if isCertificateAlert(err) || errors.Is(err, io.EOF) { // libpq leaves here if it has no root certificates
					err = fmt.Errorf("%w: %w", errUntrusted, err)
				}
				return firstMessage{}, err
			}
			conn, secure = t, true
		case code == codeSSL, code == codeGSS:
			if _, err := conn.Write([]byte{'N'}); err != nil {
				return firstMessage{}, err
			}
		default:
			return firstMessage{conn, message, code}, conn.SetDeadline(time.Time{})
		}
	}
	return firstMessage{}, errStartup
}

// isCertificateAlert reports whether the client ended a handshake by an alert. OpenSSL sends it with other keys than Go reads
// it with.
func isCertificateAlert(err error) bool {
	op := new(net.OpError)
	return errors.As(err, &op) && (op.Op == "remote error" || op.Op == "local error" && strings.HasSuffix(err.Error(), "bad record MAC"))
}

// readFirstMessage reads a message without a kind. direct: it is TLS that begins without a question,
// and message is the byte that was read of it.
func readFirstMessage(conn net.Conn, mayEncrypt bool) (message []byte, direct bool, err error) {
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

// replayConn is a connection of which a byte was read already.
type replayConn struct {
	net.Conn
	head []byte
}

// Read gives what was read already, then the rest.
func (r *replayConn) Read(p []byte) (int, error) {
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
