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

// answerSink counts the ends of answers that its taps were shown.
type answerSink struct{ shown atomic.Int64 }

func (s *answerSink) Session(Startup) Tap      { return s }
func (s *answerSink) Client(byte, []byte, int) {}
func (s *answerSink) Lost(string)              {}
func (s *answerSink) Close()                   {}
func (s *answerSink) Server(kind byte, _ []byte, _ int) {
	if kind == 'Z' {
		s.shown.Add(1)
	}
}

// TestDropAfterAnswer: one client has the answer to a query, then another client drops the database. The
// tap is shown the answer before BeforeDrop is called, even if the goroutine that passed it on is not scheduled.
func TestDropAfterAnswer(t *testing.T) {
	t.Parallel()
	url := pgservertest.Database(t, 18)
	server, err := ParseServer(url)
	if err != nil {
		t.Fatal(err)
	}
	sink, shown := &answerSink{}, make(chan int64, 1)
	p, err := Listen(context.Background(), Config{Server: server, Sink: sink, BeforeDrop: func(context.Context, Drop) { shown <- sink.shown.Load() }})
	if err != nil {
		t.Fatal(err)
	}
	client, inside := net.Pipe()
	stalled := &stalledConn{Conn: inside, release: make(chan struct{})}
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
	connect := func(conn net.Conn) *pgconn.PgConn {
		cfg := direct.Config.Copy()
		cfg.Host, cfg.Port, cfg.TLSConfig, cfg.Fallbacks = "127.0.0.1", uint16(p.Addr().(*net.TCPAddr).Port), nil, nil
		if conn != nil {
			cfg.DialFunc = func(context.Context, string, string) (net.Conn, error) { return conn, nil }
		}
		c, err := pgconn.ConnectConfig(t.Context(), cfg)
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	suite, admin := connect(client), connect(nil)
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
