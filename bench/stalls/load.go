package stalls

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// clients are how many sessions the load has; backfillClients beside a backfill.
const clients, backfillClients = 16, 8

// code is the deployed code, which the clients run: its names of table and column, and the search_path of its sessions.
type code struct {
	names
	path string
}

// load sends queries at a fixed rate. Each client has its turns, and turns that pass while it waits
// for an answer are lost. A lost turn counts with the time that it would have waited. A stall thus
// has its full weight, although only sixteen queries wait in it.
type load struct {
	near, rows int // queries by a hot key use rows 1 to near, the others all rows
	clients    int
	every      time.Duration // of one client; 0 for as quick as it goes
	code       atomic.Pointer[code]
	stop       context.CancelFunc
	all        sync.WaitGroup
	pids       []uint32 // of the sessions
	mu         sync.Mutex
	since      time.Time // what was due before does not count
	waits      []time.Duration
	worst      time.Duration
	lost       int
	refused    map[string]int
	failed     error
}

// figures are the latencies and losses of a load during a change.
type figures struct {
	worst, p99, took time.Duration
	sent, lostCount  int // queries
	refused          map[string]int
	locked           time.Duration // the longest wait for a lock, if measured
	failed           bool          // the change was not made
}

// startLoad starts this number of clients.
func startLoad(ctx context.Context, url string, rows, hotRows, count int, rate float64) (*load, error) {
	l := &load{near: hotRows, rows: rows, clients: count, refused: map[string]int{}, since: time.Now()}
	if rate > 0 {
		l.every = time.Duration(float64(count) / rate * float64(time.Second))
	}
	l.code.Store(&code{names: deployed, path: "public"})
	cfg, err := pgx.ParseConfig(url)
	if err != nil {
		return nil, err
	}
	cfg.RuntimeParams["application_name"] = "load"
	// A plan that is kept would be refused when a column changes its type, whoever changes it.
	cfg.DefaultQueryExecMode = pgx.QueryExecModeExec
	ctx, l.stop = context.WithCancel(ctx)
	for n := range count {
		conn, err := pgx.ConnectConfig(ctx, cfg)
		if err != nil {
			l.stop()
			return nil, err
		}
		l.pids = append(l.pids, conn.PgConn().PID())
		l.all.Go(func() {
			defer conn.Close(context.WithoutCancel(ctx))
			if err := l.runClient(ctx, conn, n); err != nil && ctx.Err() == nil {
				l.mu.Lock()
				l.failed = errors.Join(l.failed, err)
				l.mu.Unlock()
			}
		})
	}
	return l, nil
}

// deployCode makes the clients run other code from their next queries on.
func (l *load) deployCode(c code) { l.code.Store(&c) }

func (l *load) runClient(ctx context.Context, conn *pgx.Conn, n int) error {
	rng := rand.New(rand.NewPCG(1, uint64(n)))
	due := time.Now().Add(l.every * time.Duration(n) / time.Duration(l.clients))
	var runs *code
	var queries []string
	for ctx.Err() == nil {
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(time.Until(due)):
		}
		if now := l.code.Load(); now != runs {
			if _, err := conn.Exec(ctx, "SELECT set_config('search_path', $1, false)", now.path); err != nil {
				return err
			}
			runs, queries = now, now.loadQueries()
		}
		i := rng.IntN(len(queries))
		most := l.near
		if i < 2 || i == 3 {
			most = l.rows
		}
		_, err := conn.Exec(ctx, queries[i], 1+rng.IntN(most))
		refused := new(pgconn.PgError)
		if err != nil && !errors.As(err, &refused) {
			return err
		}
		due = l.countTurn(due, refused.Code)
	}
	return nil
}

// countTurn counts the turn that was due, and those that passed meanwhile. It returns when the next one is due.
func (l *load) countTurn(due time.Time, refused string) time.Time {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := time.Now()
	counts := due.After(l.since)
	if counts && refused != "" {
		l.refused[refused]++
	}
	for first := true; due.Before(now); first = false {
		if counts {
			l.waits = append(l.waits, now.Sub(due))
			l.worst = max(l.worst, now.Sub(due))
			if !first {
				l.lost++
			}
		}
		if l.every == 0 {
			return now
		}
		due = due.Add(l.every)
	}
	return due
}

// resetCount forgets what was until now.
func (l *load) resetCount() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.since, l.waits, l.worst, l.lost, l.refused = time.Now(), nil, 0, 0, map[string]int{}
}

// figuresSinceCount is what the clients felt since count.
func (l *load) figuresSinceCount() (figures, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	waits, f := slices.Sorted(slices.Values(l.waits)), figures{worst: l.worst, lostCount: l.lost, refused: maps.Clone(l.refused), took: time.Since(l.since)}
	f.sent = len(waits) - f.lostCount
	if l.failed != nil {
		return f, fmt.Errorf("the load: %w", l.failed)
	}
	if len(waits) == 0 {
		return f, errors.New("the load sent nothing")
	}
	f.p99 = waits[len(waits)*99/100]
	return f, nil
}

// stopClients stops the clients, and says what they felt since count.
func (l *load) stopClients() (figures, error) {
	f, err := l.figuresSinceCount()
	l.stop()
	l.all.Wait()
	return f, err
}
