package wire

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"net"
)

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
