package apply_test

import (
	"bytes"
	"net"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/onward-sql/onward/apply"
	"github.com/onward-sql/onward/internal/pgserver/pgservertest"
	"github.com/onward-sql/onward/onward"
)

// slowLine passes everything on late. After its death nothing passes in that session any more.
type slowLine struct {
	delay time.Duration // of each direction
	// dies reports whether the line dies at the end of what a client has sent; nil for never. If late is true, that part still arrives.
	dies func(sent []byte) bool
	late bool
	dead atomic.Bool
}

// pass copies what one side sends to the other one. silent is shared by both directions of a session.
func (l *slowLine) pass(from, to net.Conn, client bool, silent *atomic.Bool) {
	type part struct {
		due   time.Time
		bytes []byte
	}
	parts := make(chan part, 1000)
	go func() {
		for p := range parts {
			time.Sleep(time.Until(p.due))
			if silent.Load() && (p.bytes == nil || !client || !l.late) {
				continue
			}
			if p.bytes == nil {
				_ = to.Close()
				continue
			}
			if _, err := to.Write(p.bytes); err != nil {
				_ = from.Close()
			}
		}
	}()
	defer close(parts)
	var sent []byte // a message may come in several parts
	for {
		buffer := make([]byte, 64<<10)
		n, err := from.Read(buffer)
		if client && n > 0 && l.dies != nil {
			sent = append(sent[max(0, len(sent)-256<<10):], buffer[:n]...)
			if l.dies(sent) && l.dead.CompareAndSwap(false, true) {
				silent.Store(true)
			}
		}
		if n > 0 {
			parts <- part{time.Now().Add(l.delay), buffer[:n]}
		}
		if err != nil {
			parts <- part{time.Now().Add(l.delay), nil}
			return
		}
	}
}

// through returns an address of a database that leads through the line.
func (l *slowLine) through(t testing.TB, db string) string {
	return pgservertest.Interpose(t, db, func(client net.Conn, socket string) {
		server, err := net.Dial("unix", socket)
		if err != nil {
			_ = client.Close()
			return
		}
		silent := new(atomic.Bool)
		var both sync.WaitGroup
		both.Go(func() { l.pass(client, server, true, silent) })
		both.Go(func() { l.pass(server, client, false, silent) })
		both.Wait()
	})
}

// probe sends a statement again and again, as the deployed code does. The returned function ends it, and returns the longest time that one took.
func probe(t testing.TB, db, sql string) func() time.Duration {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), db)
	if err != nil {
		t.Fatal(err)
	}
	end, longest := make(chan struct{}), make(chan time.Duration)
	go func() {
		most := time.Duration(0)
		for {
			select {
			case <-end:
				_ = conn.Close(t.Context())
				longest <- most
				return
			case <-t.Context().Done(): // the test has failed
				return
			case <-time.After(10 * time.Millisecond):
			}
			start := time.Now()
			if _, err := conn.Exec(t.Context(), sql); err != nil && t.Context().Err() == nil {
				t.Error(err)
			}
			most = max(most, time.Since(start))
		}
	}()
	return func() time.Duration {
		close(end)
		return <-longest
	}
}

// Others do not wait for the line between onward and the server, however slow it is, and whatever it dies at: a step's locks are held while the server
// works, and not while a message is under way.
func TestNoLockWaitsForTheLine(t *testing.T) {
	t.Parallel()
	p := planned(t, base, "ALTER TABLE orders RENAME COLUMN note TO remark;")
	commits := func(work string) func([]byte) bool {
		return func(sent []byte) bool {
			_, rest, found := bytes.Cut(sent, []byte(work))
			return found && bytes.Contains(bytes.ToUpper(rest), []byte("COMMIT"))
		}
	}
	drops, batches := commits("DROP COLUMN"), commits("onward_ledger.step SET rows")
	for name, c := range map[string]struct {
		through onward.PlanPhase
		line    *slowLine
	}{
		"a fast line":                          {onward.Contract, &slowLine{}},
		"a slow line":                          {onward.Contract, &slowLine{delay: 200 * time.Millisecond}},
		"a line that dies before a contract":   {onward.Contract, &slowLine{dies: drops}},
		"a line that dies after a contract":    {onward.Contract, &slowLine{dies: drops, late: true}},
		"a line that dies before a batch ends": {onward.Backfill, &slowLine{dies: batches}},
		"a line that dies after a batch":       {onward.Backfill, &slowLine{dies: batches, late: true}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			db := pgservertest.Database(t, onward.NewestMajor)
			run(t, db, base, rows)
			before := onward.Expand
			if c.through == onward.Contract {
				before = onward.Backfill
			}
			runPlan(t, apply.Config{DB: db, Plan: p, Through: before})
			longest := probe(t, db, "UPDATE orders SET amount = amount WHERE id = 7")
			config := apply.Config{DB: c.line.through(t, db), Plan: p, Through: c.through}
			if c.line.dies == nil {
				finishPlan(t, config)
			} else {
				go func() { _, _ = apply.Run(t.Context(), config) }()
				for end := time.Now().Add(time.Minute); !c.line.dead.Load(); time.Sleep(10 * time.Millisecond) {
					if time.Now().After(end) {
						t.Fatal("the line sees no commit")
					}
				}
				time.Sleep(4 * time.Second)
			}
			if most := longest(); most > time.Second {
				t.Errorf("a write waited for %s", most)
			}
		})
	}
}
