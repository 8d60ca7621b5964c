package wire_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/onward-sql/onward/internal/pgserver/pgservertest"
	"github.com/onward-sql/onward/internal/wire"
	"github.com/onward-sql/onward/internal/wire/collect"
)

const shortSoak = 5 * time.Second

// soak is for how long TestSoak goes on: 5 s, or what ONWARD_SOAK says ("10m").
var soak = func() time.Duration {
	text := os.Getenv("ONWARD_SOAK")
	if text == "" {
		return shortSoak
	}
	d, err := time.ParseDuration(text)
	if err != nil {
		panic("ONWARD_SOAK: " + err.Error())
	}
	return d
}()

// TestSoak: clients of every kind come and go, some without a word. In the end nothing of them
// is left, neither here nor in the server. It runs before the parallel tests.
func TestSoak(t *testing.T) {
	url := pgservertest.Database(t, 18)
	direct := pgservertest.Connect(t, url)
	pgservertest.Exec(t, direct, "CREATE TABLE items (id bigint, note text)")
	server, err := wire.ParseServer(url)
	if err != nil {
		t.Fatal(err)
	}
	c := collect.New(collect.Config{})
	p, err := wire.Listen(t.Context(), wire.Config{Server: server, Sink: c})
	if err != nil {
		t.Fatal(err)
	}
	cfg, err := pgx.ParseConfig(fmt.Sprintf("host=%s port=%s user=%s dbname=%s sslmode=disable", p.Host(), p.Port(), direct.Config().User,
		direct.Config().Database))
	if err != nil {
		t.Fatal(err)
	}
	churn(t, cfg, 500*time.Millisecond) // what is made once is made
	idle(t, p)
	before := footprint()
	rounds := churn(t, cfg, soak)
	idle(t, p)
	// The memory for texts and queries is bounded; the rest must be free again.
	after := footprint()
	for range 50 {
		if after.routines <= before.routines {
			break
		}
		time.Sleep(100 * time.Millisecond)
		after = footprint()
	}
	t.Logf("%d clients in %v; before %+v, after %+v; %+v", rounds, soak, before, after, p.Stats())
	if after.routines > before.routines {
		t.Errorf("%d goroutines were %d", after.routines, before.routines)
	}
	if after.heap > before.heap+24<<20 {
		t.Errorf("the heap has %d MB and had %d", after.heap>>20, before.heap>>20)
	}
	if after.files > before.files {
		t.Errorf("%d files are open, %d were", after.files, before.files)
	}
	left := 1
	for begin := time.Now(); left > 0 && time.Since(begin) < 10*time.Second; time.Sleep(20 * time.Millisecond) {
		if err := direct.QueryRow(t.Context(), "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()").Scan(&left); err != nil {
			t.Fatal(err)
		}
	}
	if left > 0 {
		t.Errorf("the server has %d connections", left)
	}
	if err := p.Close(); err != nil {
		t.Error(err)
	}
	if n := len(c.Recording().Workload.Queries); n == 0 || n > 100 {
		t.Errorf("%d queries were recorded", n)
	}
}

type feet struct {
	routines, files int
	heap            uint64
}

// footprint is what the process holds, when its garbage is gone.
func footprint() feet {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	files, _ := os.ReadDir("/proc/self/fd") // elsewhere none
	return feet{runtime.NumGoroutine(), len(files), m.HeapAlloc}
}

// churn lets eight clients at a time come and go, and gives how many there were.
func churn(t *testing.T, cfg *pgx.ConnConfig, d time.Duration) int64 {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), d+time.Minute)
	defer cancel()
	var rounds atomic.Int64
	var all sync.WaitGroup
	end := time.Now().Add(d)
	for worker := range 8 {
		all.Go(func() {
			random := rand.New(rand.NewPCG(uint64(worker), 1))
			for time.Now().Before(end) {
				if err := visit(ctx, cfg, random); err != nil {
					t.Error(err)
					return
				}
				rounds.Add(1)
			}
		})
	}
	all.Wait()
	return rounds.Load()
}

// visit is one client's life.
func visit(ctx context.Context, cfg *pgx.ConnConfig, random *rand.Rand) error {
	c, err := pgx.ConnectConfig(ctx, cfg.Copy())
	if err != nil {
		return err
	}
	defer c.Close(ctx)
	for range 1 + random.IntN(5) {
		if closed, err := habits[random.IntN(len(habits))](ctx, c, random); closed || err != nil {
			return err
		}
	}
	return nil
}

// habits are what clients do. closed says that the connection is no more.
var habits = []func(ctx context.Context, c *pgx.Conn, random *rand.Rand) (closed bool, err error){
	func(ctx context.Context, c *pgx.Conn, random *rand.Rand) (bool, error) { // prepared
		_, err := c.Exec(ctx, "INSERT INTO items VALUES ($1, $2)", random.IntN(1000), "note")
		return false, err
	},
	func(ctx context.Context, c *pgx.Conn, random *rand.Rand) (bool, error) { // text
		_, err := c.Exec(ctx, fmt.Sprintf("SELECT note FROM items WHERE id = %d /* %d */", random.Int(), random.Int()), pgx.QueryExecModeSimpleProtocol)
		return false, err
	},
	func(ctx context.Context, c *pgx.Conn, _ *rand.Rand) (bool, error) { // COPY
		_, err := c.CopyFrom(ctx, pgx.Identifier{"items"}, []string{
			"id", "note",
		}, pgx.CopyFromSlice(100, func(i int) ([]any, error) { return []any{i, "copied"}, nil }))
		return false, err
	},
	func(ctx context.Context, c *pgx.Conn, _ *rand.Rand) (bool, error) { // a transaction that fails
		tx, err := c.Begin(ctx)
		if err != nil {
			return false, err
		}
		if _, err := tx.Exec(ctx, "SELECT nope FROM items"); err == nil {
			return false, errors.New("no error")
		}
		return false, tx.Rollback(ctx)
	},
	func(ctx context.Context, c *pgx.Conn, _ *rand.Rand) (bool, error) { // pipelined
		var b pgx.Batch
		for i := range 20 {
			b.Queue("SELECT count(*) FROM items WHERE id = $1", i)
		}
		return false, c.SendBatch(ctx, &b).Close()
	},
	func(ctx context.Context, c *pgx.Conn, _ *rand.Rand) (bool, error) { // cancelled; pgx hangs up
		ctx, cancel := context.WithTimeout(ctx, 20*time.Millisecond)
		defer cancel()
		_, err := c.Exec(ctx, "SELECT pg_sleep(3)")
		if err == nil || !strings.Contains(err.Error(), "timeout") && !errors.Is(err, context.DeadlineExceeded) {
			return true, fmt.Errorf("pg_sleep: %w", err)
		}
		return true, nil
	},
	func(_ context.Context, c *pgx.Conn, _ *rand.Rand) (bool, error) { // gone in the middle of a message
		_, err := c.PgConn().Conn().Write([]byte("P\x00\x00\x10\x00half"))
		return true, errors.Join(err, c.PgConn().Conn().Close())
	},
	func(_ context.Context, c *pgx.Conn, _ *rand.Rand) (bool, error) { // gone before the answer
		_, err := c.PgConn().Conn().Write(query("SELECT repeat('x', 1000) FROM generate_series(1, 10000)"))
		return true, errors.Join(err, c.PgConn().Conn().Close())
	},
}
