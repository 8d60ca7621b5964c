package apply_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/onward-sql/onward/apply"
	"github.com/onward-sql/onward/internal/pgserver"
	"github.com/onward-sql/onward/internal/pgserver/pgservertest"
	"github.com/onward-sql/onward/onward"
)

// called opens a session of an application.
func called(t testing.TB, url, application string) *pgx.Conn {
	t.Helper()
	conn := pgservertest.Connect(t, url)
	pgservertest.Exec(t, conn, "SET application_name = '"+application+"'")
	return conn
}

// hangUp ends a session, and waits until the server has ended it.
func hangUp(t testing.TB, url string, conn *pgx.Conn) {
	t.Helper()
	pid := conn.PgConn().PID()
	_ = conn.Close(context.Background())
	until(t, "the end of a session", func() bool {
		return len(content(t, url, fmt.Sprintf("SELECT 'x' FROM pg_stat_activity WHERE pid = %d", pid))) == 0
	})
}

// A contract asks what says that old code still runs: a name that no session had, sessions without a name, those that began before the release, and
// statements that name what is dropped. A reason overrides it, and the log keeps that.
func TestEvidence(t *testing.T) {
	t.Parallel()
	p := planned(t, base, "ALTER TABLE orders RENAME COLUMN note TO remark; ALTER TABLE orders RENAME COLUMN status TO state;")
	first := slices.IndexFunc(p.Steps, func(s onward.PlanStep) bool { return strings.Contains(s.SQL, "DROP COLUMN note") })
	pgservertest.EachEnd(t, func(t *testing.T, major int) {
		s, err := pgserver.Start(t.Context(), pgserver.Config{
			Major:    major,
			Small:    true,
			Settings: map[string]string{"shared_preload_libraries": "pg_stat_statements", "pg_stat_statements.track": "all"},
		})
		if err != nil {
			pgservertest.SkipOrFail(t, err)
		}
		t.Cleanup(func() { _ = s.Stop() })
		name, err := s.NewDatabase(t.Context(), "")
		if err != nil {
			t.Fatal(err)
		}
		db := s.URL(name)
		run(t, db, base, rows, "CREATE EXTENSION pg_stat_statements; CREATE TABLE notes (id int, status text)")
		old := called(t, db, "web v1")
		runPlan(t, apply.Config{DB: db, Plan: p})
		nameless := pgservertest.Connect(t, db)
		refusal := func(c apply.Config) string {
			t.Helper()
			c.DB, c.Through = db, onward.Contract
			refused := new(apply.RefusedError)
			if _, err := apply.Continue(t.Context(), c, ""); !errors.As(err, &refused) {
				t.Fatal(err)
			}
			return refused.Text
		}
		text := refusal(apply.Config{Gone: apply.LikePattern("v9"), Evidence: &apply.Evidence{Window: -1}})
		for _, want := range []string{
			"no session has a name like %v9%", "without an application_name, which may be of any release: without a name of ",
			"sessions that began before the new code could be deployed", "web v1 of ",
		} {
			if !strings.Contains(text, want) {
				t.Errorf("%q does not say %q", text, want)
			}
		}
		hangUp(t, db, old)
		hangUp(t, db, nameless)

		statement := make(chan string)
		go func() {
			conn := called(t, db, "web v2")
			sql := "SELECT note FROM orders WHERE id = 1"
			for {
				select {
				case next, more := <-statement:
					if sql = next; !more {
						return
					}
				case <-time.After(20 * time.Millisecond):
					_, _ = conn.Exec(context.Background(), sql)
				}
			}
		}()
		until(t, "the new session", func() bool {
			return len(content(t, db, "SELECT 'x' FROM pg_stat_activity WHERE application_name = 'web v2'")) > 0
		})
		asked := &apply.Evidence{Window: 400 * time.Millisecond}
		text = refusal(apply.Config{Gone: apply.LikePattern("v1"), Evidence: asked})
		if !strings.Contains(text, "a statement that names orders.note was called ") || !strings.Contains(text, "WHERE queryid = ") ||
			strings.Contains(text, "no session") || strings.Contains(text, "began before") {
			t.Errorf("the refusal is %q, want a call of a statement that names orders.note, and no session", text)
		}
		reason := &apply.Evidence{Window: asked.Window, GoneBecause: "the last pod was stopped"}
		if _, err := apply.Continue(t.Context(), apply.Config{
			DB:       db,
			Through:  onward.Contract,
			To:       p.Steps[first].ID,
			Gone:     apply.LikePattern("v1"),
			Evidence: reason,
		}, ""); err != nil {
			t.Fatal(err)
		}
		if got := content(t, db, "SELECT detail FROM onward_ledger.log WHERE event = 'old code is gone'"); len(got) != 1 ||
			!strings.HasPrefix(got[0], "the last pod was stopped (although a statement that names orders.note") {
			t.Errorf("the log has the details %q, want the given reason and what contradicts it", got)
		}

		// The same column of another table, and the new name. The statistics are reset between the samples, once.
		statement <- "SELECT o.state, n.status FROM orders AS o JOIN notes AS n ON n.id = o.id WHERE o.id = 1"
		reset := time.AfterFunc(200*time.Millisecond, func() {
			conn, err := pgx.Connect(context.Background(), db+"&application_name=reset")
			if err == nil {
				_, _ = conn.Exec(context.Background(), "SELECT pg_stat_statements_reset()")
				_ = conn.Close(context.Background())
			}
		})
		defer reset.Stop()
		list, err := apply.Continue(t.Context(), apply.Config{DB: db, Through: onward.Contract, Gone: apply.LikePattern("v1"), Evidence: asked}, "")
		if err != nil || list[0].State != onward.ApplyDone {
			t.Fatalf("the contract after a reset of the statistics = %+v, %v, want it done", list, err)
		}
		close(statement)
		if got := content(t, db, "SELECT detail FROM onward_ledger.log WHERE event = 'old code is gone' ORDER BY number DESC LIMIT 1"); got[0] != "pg_stat_statements was sampled twice within 400ms" {
			t.Errorf("the log has the details %q, want two samples of pg_stat_statements", got)
		}
	})
}
