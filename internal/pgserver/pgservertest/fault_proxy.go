package pgservertest

import (
	"bytes"
	"encoding/binary"
	"io"
	"net"
	"net/url"
	"slices"
	"sync/atomic"
	"testing"
	"time"
)

// Line is a proxy before a real server. It passes everything on until a test sets a fault, such as Mute.
type Line struct {
	// URL is the address that leads through the line.
	URL string
	// Mute swallows all that the server sends after a handshake.
	Mute atomic.Bool
	// Flood repeats each row without end; Trickle repeats it ten times a second.
	Flood, Trickle atomic.Bool
	// Version is the server_version that clients see at their start; "" is the server's own.
	Version string
	// Unknown ends a session that sends this text, as a setting that the server does not know would; "" is none.
	Unknown string
	// Match selects the sessions that Mute concerns, by their application_name; "" selects all.
	Match string
}

// NewerServer returns a proxy of a server that looks like a major version that no release of onward knows: it reports 99, and refuses
// a setting that Postgres has only below 19.
func NewerServer(t testing.TB, to string) *Line {
	t.Helper()
	l := &Line{Version: "99devel", Unknown: "escape_string_warning"}
	l.URL = Interpose(t, to, l.serveClient)
	return l
}

// NewLine starts a proxy of a server, which runs until the test ends.
func NewLine(t testing.TB, to string) *Line {
	t.Helper()
	l := &Line{}
	l.URL = Interpose(t, to, l.serveClient)
	return l
}

// Interpose listens before a server until the test ends, and returns the address to connect to. serve gets each
// client, and the path of the server's socket.
func Interpose(t testing.TB, to string, serve func(client net.Conn, socket string)) string {
	t.Helper()
	u, err := url.Parse(to)
	if err != nil {
		t.Fatal(err)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	q := u.Query()
	socket := q.Get("host") + "/.s.PGSQL." + q.Get("port")
	u.Host = listener.Addr().String()
	q.Del("host")
	q.Del("port")
	q.Set("sslmode", "disable")
	u.RawQuery = q.Encode()
	go func() {
		for {
			client, err := listener.Accept()
			if err != nil {
				return
			}
			go serve(client, socket)
		}
	}()
	return u.String()
}

// serveClient connects one client with the server.
func (l *Line) serveClient(client net.Conn, socket string) {
	defer func() { _ = client.Close() }()
	server, err := net.Dial("unix", socket)
	if err != nil {
		return
	}
	defer func() { _ = server.Close() }()
	start, err := readBody(client, nil)
	if err != nil {
		return
	}
	concerns := l.Match == "" || slices.Contains(splitZeroTerminated(start[4:]), l.Match)
	if _, err := server.Write(start); err != nil {
		return
	}
	go func() {
		_, _ = io.Copy(server, &untilText{client, l.Unknown})
		_ = server.Close()
	}()
	for ready := false; ; {
		kind := make([]byte, 1)
		if _, err := io.ReadFull(server, kind); err != nil {
			return
		}
		message, err := readBody(server, kind)
		if err != nil {
			return
		}
		if ready && concerns && l.Mute.Load() {
			continue
		}
		ready = ready || kind[0] == 'Z'
		if name := []byte("server_version\x00"); l.Version != "" && kind[0] == 'S' && bytes.HasPrefix(message[5:], name) {
			message = append(append(message[:5], name...), l.Version+"\x00"...)
			binary.BigEndian.PutUint32(message[1:], uint32(len(message)-1))
		}
		for {
			if _, err := client.Write(message); err != nil {
				return
			}
			if kind[0] != 'D' || !l.Flood.Load() && !l.Trickle.Load() {
				break
			}
			if l.Trickle.Load() {
				time.Sleep(100 * time.Millisecond)
			}
		}
	}
}

// untilText is a reader that ends where its client sends a text.
type untilText struct {
	io.Reader
	text string
}

func (r *untilText) Read(b []byte) (int, error) {
	n, err := r.Reader.Read(b)
	if r.text != "" && bytes.Contains(b[:n], []byte(r.text)) {
		return 0, io.EOF
	}
	return n, err
}

// readBody reads a message whose type, if it has one, was read already.
func readBody(from io.Reader, kind []byte) ([]byte, error) {
	size := make([]byte, 4)
	if _, err := io.ReadFull(from, size); err != nil {
		return nil, err
	}
	body := make([]byte, binary.BigEndian.Uint32(size)-4)
	_, err := io.ReadFull(from, body)
	return slices.Concat(kind, size, body), err
}

// splitZeroTerminated splits a startup message into its strings.
func splitZeroTerminated(b []byte) []string {
	var out []string
	for len(b) > 0 {
		i := slices.Index(b, 0)
		if i < 0 {
			return append(out, string(b))
		}
		out, b = append(out, string(b[:i])), b[i+1:]
	}
	return out
}
