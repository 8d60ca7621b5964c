package queuedb

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/onward-sql/onward/apply"
	"github.com/onward-sql/onward/guard"
	"github.com/onward-sql/onward/internal/component"
	"github.com/onward-sql/onward/internal/fleet"
	"github.com/onward-sql/onward/onward"
)

// A release whose work needs code on the machine is done by its own workers alone. Another worker begins none of its targets: they would take
// the places that other releases need.
func TestReleaseOnMachine(t *testing.T) {
	t.Parallel()
	s := newScene(t, 3)
	q := s.open(t)
	s.settings.OnMachine = true
	s.work = func(ctx context.Context, target *fleet.Target, slice *apply.Slice) error {
		if slice != nil {
			t.Error("the work has a slice, and no places to stop")
		}
		return addOne(ctx, target, slice)
	}
	s.start(t, q, false)
	_, stop := s.startWorker(t, s.open(t)) // for other releases
	time.Sleep(2 * dispatchEvery)
	if n := ask[int](t, q, "SELECT count(*) FROM onward_queue.target WHERE state <> 'pending'"); n != 0 {
		t.Errorf("a worker without the code began %d targets", n)
	}
	stop()
	s.release = "v2"
	_, stop = s.startWorker(t, s.open(t))
	s.await(t, q, onward.RolloutDone)
	s.checkOnce(t, 3)
	stop()
	// A lost job goes to the same queue.
	exec(t, q, "UPDATE onward_queue.target SET state = 'running', job = NULL WHERE name = 'tenant_01'")
	if err := q.inTransaction(t.Context(), func(tx pgx.Tx) error { return q.replaceLostJobs(t.Context(), tx) }); err != nil {
		t.Fatal(err)
	}
	if got := ask[string](t, q, "SELECT string_agg(DISTINCT queue, ' ') || count(*) FROM onward_queue.river_job"); got != machineQueue("v2")+"4" {
		t.Errorf("queues and jobs: %s, want %s4", got, machineQueue("v2"))
	}
}

// A worker that must end cancels the team's command after its patience. That is no failure: another worker runs the command again.
func TestCommandDrained(t *testing.T) {
	t.Parallel()
	component.NeedProgram(t, component.Psql, "psql")
	s := newScene(t, 2)
	s.settings.OnMachine, s.release, s.drain = true, "v2", 200*time.Millisecond
	dir := t.TempDir()
	began := filepath.Join(dir, "began")
	script := `touch "$1"; psql -qAtX -c 'BEGIN; UPDATE counter SET n = n + 1; SELECT pg_sleep(%d); COMMIT' >/dev/null`
	var mu sync.Mutex
	seconds := 60
	s.makeWork = func(j *Job) (fleet.Work, error) {
		mu.Lock()
		defer mu.Unlock()
		return fleet.GuardCommand(guard.Config{Command: []string{"sh", "-c", fmt.Sprintf(script, seconds), "sh", began}, Env: os.Environ(), Grace: time.Second},
			j.SearchPath), nil
	}
	q := s.open(t)
	s.start(t, q, false)
	_, stop := s.startWorker(t, s.open(t))
	for end := time.Now().Add(20 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		if _, err := os.Stat(began); err == nil {
			break
		}
		if time.Now().After(end) {
			t.Fatalf("the command did not start:\n%s", s.log.String())
		}
	}
	stop()
	mu.Lock()
	seconds = 0
	mu.Unlock()
	s.startWorker(t, s.open(t))
	s.await(t, q, onward.RolloutDone)
	s.checkOnce(t, 2)
}
