package wire

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/subtle"
	"crypto/tls"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/onward-sql/onward/internal/sockets"
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

// Clients decides who gets to a server that asks its clients for no password: by the address, the account or the process that connects.
// The server cannot decide that: it sees only the proxy's connections. Other clients need the password of the run.
type Clients struct {
	// Users are accounts whose processes are let in.
	Users []uint32

	password string
	mu       sync.Mutex
	lists    []func() []int // the processes that are let in
	known    chan struct{}  // closed once lists is set
}

// NewClients returns a decision that lets nobody in yet but those who know the password.
func NewClients(users []uint32) *Clients {
	return &Clients{Users: users, password: rand.Text(), known: make(chan struct{})}
}

// Password returns the password of the run.
func (c *Clients) Password() string { return c.password }

// LetIn lets the processes in that functions list. It is called once, when the command has started. A function is asked if those before it
// do not list a client.
func (c *Clients) LetIn(lists ...func() []int) {
	c.mu.Lock()
	c.lists = lists
	c.mu.Unlock()
	close(c.known)
}

// startPatience is for how long a client may connect before its process is known.
const startPatience = 2 * time.Second

// isTrustedClient reports whether a connection comes from a process that is let in. If the system cannot tell, everybody on this machine is.
func (c *Clients) isTrustedClient(conn net.Conn) bool {
	if !sockets.IsSupported {
		return true
	}
	client, ok := sockets.FindClient(conn)
	if !ok {
		return false // of another machine or container
	}
	if slices.Contains(c.Users, client.User) {
		return true
	}
	select {
	case <-c.known:
	case <-time.After(startPatience):
		return false
	}
	c.mu.Lock()
	lists := c.lists
	c.mu.Unlock()
	return slices.ContainsFunc(lists, func(list func() []int) bool { return client.IsHeldBy(list()) })
}

// authenticateClient asks a client for the password of the run, unless its process is let in.
func (c *Clients) authenticateClient(raw, client net.Conn) error {
	if c.isTrustedClient(raw) {
		return nil
	}
	const cleartext = 3
	question := binary.BigEndian.AppendUint32([]byte{'R', 0, 0, 0, 8}, cleartext)
	if err := client.SetDeadline(time.Now().Add(startupTimeout)); err != nil {
		return err
	}
	if _, err := client.Write(question); err != nil {
		return err
	}
	var head [5]byte
	if _, err := io.ReadFull(client, head[:]); err != nil {
		return err
	}
	length := int(binary.BigEndian.Uint32(head[1:])) - 4
	if head[0] != 'p' || length < 1 || length > maxStartup {
		return errStartup
	}
	body := make([]byte, length)
	if _, err := io.ReadFull(client, body); err != nil {
		return err
	}
	if subtle.ConstantTimeCompare(body, append([]byte(c.password), 0)) != 1 {
		_, err := client.Write(fatalMessage("28P01", "the server asks for no password, so this proxy lets in only processes of the command that it serves, and "+
			"clients with the password in the command's %s; --accept-user UID lets an account in", PasswordVariable))
		if err == nil {
			err = fmt.Errorf("a client was refused: it is no process of the command")
		}
		return err
	}
	return client.SetDeadline(time.Time{})
}

// PasswordVariable is the variable of a command's environment with the password of the run.
const PasswordVariable = "ONWARD_PROXY_PASSWORD"

// asksForProof reports whether the server's first message asks the client to prove who it is, or refuses it.
func (m *messages) asksForProof() bool {
	switch m.buf[0] {
	case 'E':
		return true
	case 'R':
		return len(m.buf) >= 9 && binary.BigEndian.Uint32(m.buf[5:]) != authOK
	}
	return false // it may let the client in after this
}
