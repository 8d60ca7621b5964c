package wire_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/onward-sql/onward/internal/component"
	"github.com/onward-sql/onward/internal/pgserver/pgservertest"
	"github.com/onward-sql/onward/internal/wire"
	"github.com/onward-sql/onward/internal/wire/wiretest"
)

func TestMain(m *testing.M) { os.Exit(pgservertest.Main(m)) }

// taps is a sink that keeps what it is shown.
type taps struct {
	mu            sync.Mutex
	b             bytes.Buffer
	longest, size int
	lost          []string
	closed        int
}

func (s *taps) Session(wire.Startup) wire.Tap { return s }
func (s *taps) Client(kind byte, body []byte, size int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.longest, s.size = max(s.longest, len(body)), max(s.size, size); len(body) < 10_000 {
		fmt.Fprintf(&s.b, "%c%s\n", kind, body)
	}
}
func (s *taps) Server(kind byte, body []byte, size int) { s.Client(kind, body, size) }
func (s *taps) EndReading(reason string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.lost = append(s.lost, reason)
}
func (s *taps) Close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed++
}
func (s *taps) text() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.String()
}

// idle waits until nobody is connected.
func idle(t testing.TB, p *wire.Proxy) {
	t.Helper()
	for begin := time.Now(); p.Stats().Current > 0; time.Sleep(5 * time.Millisecond) {
		if time.Since(begin) > 15*time.Second {
			t.Fatalf("%d connections are open", p.Stats().Current)
		}
	}
}

// before is a proxy before a database of its own, and how to reach it.
func before(t testing.TB, cfg wire.Config) (*wire.Proxy, *pgx.ConnConfig) {
	t.Helper()
	url := pgservertest.Database(t, 18)
	direct, err := pgx.ParseConfig(url)
	if err != nil {
		t.Fatal(err)
	}
	p := wiretest.ListenInFront(t, url, cfg)
	to, err := pgx.ParseConfig(fmt.Sprintf("host=%s port=%s user=%s dbname=%s sslmode=disable", p.Host(), p.Port(), direct.User, direct.Database))
	if err != nil {
		t.Fatal(err)
	}
	return p, to
}

func connect(t testing.TB, cfg *pgx.ConnConfig) *pgx.Conn {
	t.Helper()
	c, err := pgx.ConnectConfig(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close(context.Background()) })
	return c
}

// TestCancel: a request to cancel ends the query, and only that.
func TestCancel(t *testing.T) {
	t.Parallel()
	for _, version := range []string{"3.0", "3.2"} { // 3.2 has longer keys
		t.Run(version, func(t *testing.T) {
			t.Parallel()
			p, cfg := before(t, wire.Config{Sink: new(taps)})
			cfg.MinProtocolVersion, cfg.MaxProtocolVersion = version, version
			c := connect(t, cfg)
			ended := make(chan error, 1)
			go func() {
				_, err := c.Exec(t.Context(), "SELECT pg_sleep(60)")
				ended <- err
			}()
			for {
				time.Sleep(50 * time.Millisecond)
				if err := c.PgConn().CancelRequest(t.Context()); err != nil {
					t.Fatal(err)
				}
				select {
				case err := <-ended:
					var pg *pgconn.PgError
					if !errors.As(err, &pg) || pg.Code != "57014" || p.Stats().Cancels == 0 {
						t.Error(err)
					}
					return
				default:
				}
			}
		})
	}
}

// TestVanishes: a client that goes in the middle of a message leaves nothing, and one that
// goes without reading its answers has what it sent recorded.
func TestVanishes(t *testing.T) {
	t.Parallel()
	sink := new(taps)
	p, cfg := before(t, wire.Config{Sink: sink})
	for _, cut := range []string{"Q\x00\x00\x10\x00SELECT 'half", "Q\x00", "P\x00\x00\x00\x10x"} {
		c := connect(t, cfg)
		if _, err := c.PgConn().Conn().Write([]byte(cut)); err != nil {
			t.Fatal(err)
		}
		c.PgConn().Conn().Close()
	}
	idle(t, p)
	c := connect(t, cfg)
	if _, err := c.PgConn().Conn().Write(query("CREATE TABLE made()")); err != nil {
		t.Fatal(err)
	}
	c.PgConn().Conn().Close()
	idle(t, p)
	if !strings.Contains(sink.text(), "CCREATE TABLE") || sink.closed != 4 {
		t.Errorf("%d ended, %q", sink.closed, sink.text())
	}
}

// query is a simple query's message.
func query(sql string) []byte {
	return append(append(binary.BigEndian.AppendUint32([]byte{'Q'}, uint32(len(sql)+5)), sql...), 0)
}

// TestLong: of a long message the proxy holds no more than it shows. In the soak it is one
// of 1 GB, the longest that Postgres takes.
func TestLong(t *testing.T) {
	size := 200 << 20
	if soak > shortSoak {
		size = 1000 << 20
	}
	sink := new(taps)
	p, cfg := before(t, wire.Config{Sink: sink})
	c := connect(t, cfg)
	conn := c.PgConn().Conn()
	head := binary.BigEndian.AppendUint32([]byte{'Q'}, uint32(size+4))
	chunk := bytes.Repeat([]byte("-"), 1<<20)
	done := make(chan uint64)
	go func() { // how much the process takes meanwhile
		most := uint64(0)
		for {
			var m runtime.MemStats
			runtime.ReadMemStats(&m)
			most = max(most, m.HeapAlloc)
			select {
			case done <- most:
				return
			case <-time.After(20 * time.Millisecond):
			}
		}
	}()
	if _, err := conn.Write(append(head, "SELECT 1 "...)); err != nil {
		t.Fatal(err)
	}
	sent := len("SELECT 1 ")
	for sent < size {
		n := min(len(chunk), size-sent)
		if sent+n == size {
			chunk[n-1] = 0
		}
		if _, err := conn.Write(chunk[:n]); err != nil {
			t.Fatal(err)
		}
		sent += n
	}
	answer := make([]byte, 5)
	if _, err := io.ReadFull(conn, answer); err != nil {
		t.Fatal(err)
	}
	if most := <-done; most > 64<<20 {
		t.Errorf("the process took %d MB", most>>20)
	}
	if answer[0] != 'T' && answer[0] != 'E' {
		t.Errorf("the server says %q", answer)
	}
	conn.Close()
	idle(t, p)
	if sink.size != size || sink.longest != wire.MaxText || len(sink.lost) > 0 {
		t.Errorf("shown were %d of %d bytes, %v", sink.longest, sink.size, sink.lost)
	}
}

// TestDrops: what drops a database or a schema waits.
func TestDrops(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	var drops []wire.Drop
	var direct *pgx.Conn
	_, cfg := before(t, wire.Config{Sink: new(taps), BeforeDrop: func(ctx context.Context, d wire.Drop) {
		mu.Lock()
		defer mu.Unlock()
		drops = append(drops, d)
		var exists bool
		err := direct.QueryRow(ctx, "SELECT EXISTS (SELECT FROM pg_database WHERE datname = $1) OR EXISTS (SELECT FROM pg_namespace WHERE nspname = $2)",
			d.Database, d.Schema).Scan(&exists)
		if err != nil || !exists {
			t.Errorf("%v was dropped before: %v", d, err)
		}
	}})
	direct = connect(t, cfg)
	c := connect(t, cfg)
	name := cfg.Database + "_x Y"
	for _, sql := range []string{`CREATE DATABASE "` + name +
		`"`, "CREATE SCHEMA One", `CREATE SCHEMA "Two"`, "CREATE SCHEMA three", `drop /* it */ database if exists "` + name + `"`,
		`DROP SCHEMA One, "Two" CASCADE`, "DROP SCHEMA three", "CREATE TABLE t (dropped int)", "DROP TABLE t"} {
		if _, err := c.Exec(t.Context(), sql); err != nil {
			t.Fatalf("exec %q: %v", sql, err)
		}
	}
	want := fmt.Sprint([]wire.Drop{{Database: name}, {cfg.Database, "one"}, {cfg.Database, "Two"}})
	mu.Lock()
	defer mu.Unlock()
	if fmt.Sprint(drops) != want {
		t.Errorf("%v, not %v", drops, want)
	}
}

// socketDir returns a directory for sockets, whose paths must be short.
func socketDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("/tmp", "onward-wire-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return dir
}

// TestUnix listens on a socket in a directory, which psql takes for PGHOST.
func TestUnix(t *testing.T) {
	t.Parallel()
	dir := socketDir(t)
	sink := new(taps)
	p, cfg := before(t, wire.Config{Listen: "unix:" + dir, Sink: sink})
	var n int
	if err := connect(t, cfg).QueryRow(t.Context(), "SELECT 7").Scan(&n); err != nil || n != 7 {
		t.Errorf("SELECT 7 over the Unix socket = %d, %v", n, err)
	}
	psql := component.NeedProgram(t, component.Psql, "psql")
	cmd := exec.Command(psql, "-X", "-At", "-h", p.Host(), "-p", p.Port(), "-U", cfg.User, "-d", cfg.Database, "-c", "SELECT 6 * 7")
	out, err := cmd.CombinedOutput()
	if err != nil || strings.TrimSpace(string(out)) != "42" || !strings.Contains(sink.text(), "QSELECT 6 * 7") {
		t.Errorf("psql over the Unix socket: %s, %v, want 42, and the query in the sink", out, err)
	}
}

// TestNonsense: who does not speak Postgres' protocol is let go.
func TestNonsense(t *testing.T) {
	t.Parallel()
	p, cfg := before(t, wire.Config{Sink: new(taps)})
	for _, text := range []string{"GET / HTTP/1.1\r\n\r\n", "\x00\x00\x00\x00\x00\x00\x00\x00", "\x16\x03\x01", strings.Repeat("\xff", 50)} {
		conn, err := net.Dial("tcp", p.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		if _, err := conn.Write([]byte(text)); err != nil {
			t.Fatal(err)
		}
		if c, ok := conn.(*net.TCPConn); ok {
			c.CloseWrite()
		}
		io.Copy(io.Discard, conn)
		conn.Close()
	}
	idle(t, p)
	if s := p.Stats(); s.Failed != 4 || s.Sessions != 0 {
		t.Errorf("the stats are %+v, want 4 failed and no sessions", s)
	}
	// Within a session the server says that it is nonsense.
	c := connect(t, cfg)
	if _, err := c.PgConn().Conn().Write([]byte("~\x00\x00\x00\x04")); err != nil {
		t.Fatal(err)
	}
	answer, _ := io.ReadAll(c.PgConn().Conn())
	if !bytes.Contains(answer, []byte("08P01")) {
		t.Errorf("the server answers nonsense with %q, want 08P01", answer)
	}
}

// TestUntrusted: clients that do not trust the proxy's certificate are counted, whether libpq finds another root or another
// name; one that has the root connects.
func TestUntrusted(t *testing.T) {
	t.Parallel()
	psql := component.NeedProgram(t, component.Psql, "psql")
	write := func(name string) (*tls.Config, string) {
		cert, err := wire.SelfSigned("")
		if err != nil {
			t.Fatal(err)
		}
		file := filepath.Join(t.TempDir(), name)
		if err := os.WriteFile(file, wire.RootPEM(cert), 0o600); err != nil {
			t.Fatal(err)
		}
		return cert, file
	}
	cert, root := write("root.crt")
	_, other := write("other.crt")
	log := new(lockedLog)
	p, cfg := before(t, wire.Config{TLS: cert, Logger: slog.New(slog.NewTextHandler(log, &slog.HandlerOptions{Level: slog.LevelDebug}))})
	for _, c := range []struct {
		host, root string
		mode       string
		untrusted  int64
	}{
		{
			"host=127.0.0.1", root, "verify-full", 0,
		}, {"host=localhost hostaddr=127.0.0.1", root, "verify-full", 0}, {"host=db.example.com hostaddr=127.0.0.1", root, "verify-ca", 0},
		{"host=127.0.0.1", other, "verify-full", 1}, {"host=db.example.com hostaddr=127.0.0.1", root, "verify-full", 2}, {"host=127.0.0.1", other, "verify-ca", 3},
	} {
		oldCount := p.Stats().Untrusted
		out, err := exec.Command(psql, "-XAtc", "SELECT 6 * 7",
			fmt.Sprintf("%s port=%s user=%s dbname=%s sslmode=%s sslrootcert=%s", c.host, p.Port(), cfg.User, cfg.Database, c.mode, c.root)).CombinedOutput()
		idle(t, p)
		if got := p.Stats().Untrusted; got != c.untrusted || (err == nil) != (got == oldCount) {
			t.Errorf("%s, %s: %d untrusted, want %d; psql: %v\n%s\n%s", c.host, c.mode, got, c.untrusted, err, out, log)
		}
	}
}

// lockedLog keeps what is logged.
type lockedLog struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedLog) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedLog) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}
