package apply_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/onward-sql/onward/apply"
	"github.com/onward-sql/onward/internal/pgserver/pgservertest"
	"github.com/onward-sql/onward/onward"
)

// longestProbe is the time that nobody may wait for a step which loses its races.
const longestProbe = time.Second

// A contract loses lock races on a table of many rows, and nobody waits for long. A row that goes wrong meanwhile refuses it, and its check of
// all rows holds nobody up. ONWARD_RACES is the number of rows; with it, ten races are lost.
func TestLostRaces(t *testing.T) {
	t.Parallel()
	rows, racesToLose := 20_000, int64(2)
	if set := os.Getenv("ONWARD_RACES"); set != "" {
		var err error
		if rows, err = strconv.Atoi(set); err != nil {
			t.Fatal(err)
		}
	}
	if rows >= 1_000_000 {
		racesToLose = 10
	}
	for _, major := range pgservertest.Ends() {
		t.Run(strconv.Itoa(major), func(t *testing.T) {
			if rows < 1_000_000 {
				t.Parallel()
			}
			const base = "CREATE TABLE meters (id bigint PRIMARY KEY, reading text, seen int NOT NULL DEFAULT 0);"
			p, db := planned(t, base, "ALTER TABLE meters ALTER COLUMN reading TYPE int USING reading::int + 1;"), pgservertest.Database(t, major)
			run(t, db, base)
			runPlan(t, apply.Config{DB: db, Plan: p})
			run(t, db, fmt.Sprintf("INSERT INTO meters SELECT n, n %% 1000 FROM generate_series(1, %d) AS n", rows), "VACUUM ANALYZE meters")
			var lost, worst atomic.Int64
			began := time.Now()
			contract := func(tell func(e apply.Event)) error {
				_, err := apply.Run(t.Context(), apply.Config{DB: db, Plan: p, Through: onward.Contract, Tell: func(e apply.Event) {
					if e.Kind == apply.Lost && strings.Contains(e.Step.SQL, "DROP COLUMN") {
						lost.Add(1)
					}
					tell(e)
				}})
				return err
			}
			stop := func() {}
			hold := sync.OnceFunc(func() { stop = holdShortly(t, db, rows, &worst) })
			bad := sync.OnceFunc(func() {
				run(t, db, fmt.Sprintf("INSERT INTO meters (id, reading) VALUES (%d, 'broken')", rows+1))
				stop()
			})
			err := contract(func(e apply.Event) {
				switch {
				case lost.Load() >= racesToLose:
					bad()
				case e.Kind == apply.Begun && strings.Contains(e.Step.SQL, "DROP COLUMN"): // after its check
					hold()
				}
			})
			if refused := new(apply.RefusedError); !errors.As(err, &refused) || lost.Load() < racesToLose {
				t.Errorf("after %d lost races: %v", lost.Load(), err)
			}
			stop()
			took, probe := time.Since(began), time.Duration(worst.Load())
			run(t, db, fmt.Sprintf("DELETE FROM meters WHERE id = %d", rows+1))
			if err := contract(func(apply.Event) {}); err != nil {
				t.Error(err)
			}
			t.Logf("%d rows on %d: %d lost races in %s; longest wait of a probe %s", rows, major, lost.Load(), took.Round(time.Millisecond),
				probe.Round(time.Millisecond))
			if worst.Load() > int64(longestProbe) {
				t.Error("somebody waited for too long")
			}
			wrong := fmt.Sprintf("SELECT id::text FROM meters WHERE id <= %d AND reading <> id %% 1000 + 1 LIMIT 5", rows)
			if list := content(t, db, wrong); len(list) > 0 {
				t.Errorf("wrong rows: %v", list)
			}
		})
	}
}

// holdShortly has one transaction after another that writes meters. Each begins before the one before it ends, so that a step finds only
// young ones and loses its race. The probe is a session that writes one row after another. worst is the longest statement of all. The
// returned function ends them.
func holdShortly(t *testing.T, db string, rows int, worst *atomic.Int64) (stop func()) {
	ctx, cancel := context.WithCancel(t.Context())
	var writers sync.WaitGroup
	write := func(conn *pgx.Conn, begin string, id int) {
		began := time.Now()
		pgservertest.Exec(t, conn, fmt.Sprintf("%sUPDATE meters SET seen = seen + 1 WHERE id = %d", begin, id%rows+1))
		for took := int64(time.Since(began)); ; {
			if last := worst.Load(); took <= last || worst.CompareAndSwap(last, took) {
				return
			}
		}
	}
	locked := make(chan struct{})
	holders, probe := [2]*pgx.Conn{pgservertest.Connect(t, db), pgservertest.Connect(t, db)}, pgservertest.Connect(t, db)
	writers.Go(func() {
		for n := 0; ctx.Err() == nil; n++ {
			write(holders[n%2], "BEGIN; ", 2*n)
			if n == 0 {
				close(locked)
			}
			time.Sleep(10 * time.Millisecond)
			pgservertest.Exec(t, holders[(n+1)%2], "COMMIT")
			time.Sleep(180 * time.Millisecond)
		}
	})
	writers.Go(func() {
		for n := 1; ctx.Err() == nil; n += 2 {
			write(probe, "", n)
			time.Sleep(5 * time.Millisecond)
		}
	})
	<-locked
	return sync.OnceFunc(func() {
		cancel()
		writers.Wait()
		for _, conn := range append(holders[:], probe) {
			_ = conn.Close(context.Background())
		}
	})
}
