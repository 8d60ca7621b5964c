package wire

import (
	"bytes"
	"context"
	"net"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/onward-sql/onward/internal/pgserver/pgservertest"
)

// stalledConn delivers what is written to it, and then keeps its writer: the client has the
// answer, and the goroutine that wrote it does not go on.
type stalledConn struct {
	net.Conn
	stalls  atomic.Bool
	release chan struct{}
}

func (c *stalledConn) Write(p []byte) (int, error) {
	n, err := c.Conn.Write(p)
	if c.stalls.Load() && bytes.HasSuffix(p, []byte("Z\x00\x00\x00\x05I")) { // the answer has ended
		<-c.release
	}
	return n, err
}

// answerSink counts the ends of answers that its taps were shown. sent gets this count for each query, if it is not nil.
type answerSink struct {
	shown atomic.Int64
	sent  chan int64
}

func (s *answerSink) Session(Startup) Tap { return s }
func (s *answerSink) EndReading(string)   {}
func (s *answerSink) Close()              {}
func (s *answerSink) Client(kind byte, _ []byte, _ int) {
	if kind == 'Q' && s.sent != nil {
		s.sent <- s.shown.Load()
	}
}
func (s *answerSink) Server(kind byte, _ []byte, _ int) {
	if kind == 'Z' {
		s.shown.Add(1)
	}
}

// listenStalled starts a proxy. connect returns a client of it: the one whose connection may stall, or another.
func listenStalled(t *testing.T, cfg Config) (stalled *stalledConn, connect func(stalls bool) *pgconn.PgConn) {
	t.Helper()
	url := pgservertest.Database(t, 18)
	server, err := ParseServer(url)
	if err != nil {
		t.Fatal(err)
	}
	cfg.Server = server
	p, err := Listen(context.Background(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	client, inside := net.Pipe()
	stalled = &stalledConn{Conn: inside, release: make(chan struct{})}
	served := make(chan error, 1)
	go func() { served <- p.serveClient(stalled) }()
	t.Cleanup(func() {
		close(stalled.release)
		client.Close()
		<-served
		if err := p.Close(); err != nil {
			t.Error(err)
		}
	})
	direct, err := pgx.ParseConfig(url)
	if err != nil {
		t.Fatal(err)
	}
	return stalled, func(stalls bool) *pgconn.PgConn {
		cfg := direct.Config.Copy()
		cfg.Host, cfg.Port, cfg.TLSConfig, cfg.Fallbacks = "127.0.0.1", uint16(p.Addr().(*net.TCPAddr).Port), nil, nil
		if stalls {
			cfg.DialFunc = func(context.Context, string, string) (net.Conn, error) { return client, nil }
		}
		c, err := pgconn.ConnectConfig(t.Context(), cfg)
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
}

// TestDropAfterAnswer: one client has the answer to a query, then another client drops the database. The
// tap is shown the answer before BeforeDrop is called, even if the goroutine that passed it on is not scheduled.
func TestDropAfterAnswer(t *testing.T) {
	t.Parallel()
	sink, shown := &answerSink{}, make(chan int64, 1)
	stalled, connect := listenStalled(t, Config{Sink: sink, BeforeDrop: func(context.Context, Drop) { shown <- sink.shown.Load() }})
	suite, admin := connect(true), connect(false)
	defer admin.Close(context.Background())
	stalled.stalls.Store(true)
	for sink.shown.Load() < 2 { // both connections are ready
		time.Sleep(time.Millisecond)
	}
	if _, err := suite.Exec(t.Context(), "SELECT gone").ReadAll(); err == nil {
		t.Fatal("a column that does not exist is read")
	}
	if _, err := admin.Exec(t.Context(), "DROP DATABASE IF EXISTS never_made").ReadAll(); err != nil {
		t.Fatal(err)
	}
	select {
	case n := <-shown:
		if n != 3 {
			t.Errorf("before the drop the tap was shown %d answers, and the clients have 3", n)
		}
	case <-time.After(time.Minute):
		t.Fatal("BeforeDrop was not called")
	}
}

// TestMessageAfterAnswer: a client sends its next message because of an answer. The tap is shown the answer first, even if
// the goroutine that passed it on is not scheduled.
func TestMessageAfterAnswer(t *testing.T) {
	t.Parallel()
	sink := &answerSink{sent: make(chan int64, 2)}
	stalled, connect := listenStalled(t, Config{Sink: sink})
	suite := connect(true)
	for sink.shown.Load() < 1 {
		time.Sleep(time.Millisecond)
	}
	stalled.stalls.Store(true)
	if _, err := suite.Exec(t.Context(), "SELECT gone").ReadAll(); err == nil {
		t.Fatal("a column that does not exist is read")
	}
	go suite.Exec(t.Context(), "SELECT 1").ReadAll() // its answer cannot pass: the connection stalls
	for before := range int64(2) {
		select {
		case n := <-sink.sent:
			if n != before+1 {
				t.Errorf("before query %d the tap was shown %d answers, and the client has %d", before+1, n, before+1)
			}
		case <-time.After(time.Minute):
			t.Fatal("the tap was not shown a query")
		}
	}
}
