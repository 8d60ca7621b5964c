package queuedb

import (
	"context"
	"encoding/json"
	"errors"
	"net/http/httptest"
	"os"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/rivertype"

	"github.com/onward-sql/onward/apply"
	"github.com/onward-sql/onward/internal/fleet"
	"github.com/onward-sql/onward/internal/pgserver/pgservertest"
	"github.com/onward-sql/onward/onward"
)

// River never begins a job without a timeout again after its worker was killed, and begins one that still runs again after
// rescueAfter or its timeout. So both are above what a job may take.
func TestTimes(t *testing.T) {
	t.Parallel()
	w := &targetWorker{}
	short, long := w.Timeout(&river.Job[TargetArgs]{}), w.Timeout(&river.Job[TargetArgs]{Args: TargetArgs{Long: true}})
	if short <= 2*sliceLength || rescueAfter <= short || long <= rescueAfter {
		t.Errorf("timeouts: short %s, long %s; want River's rescue (%s) between them", short, long, rescueAfter)
	}
	// After errors of the queue database a job is not postponed for hours.
	if retryTime := w.NextRetry(&river.Job[TargetArgs]{JobRow: &rivertype.JobRow{Attempt: 50}}); time.Until(retryTime) > 10*time.Second {
		t.Errorf("the retry of attempt 50 is in %s, want at most 10s", time.Until(retryTime))
	}
}

// The modules of River are upgraded together.
func TestOneVersion(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../../../go.mod")
	if err != nil {
		t.Fatal(err)
	}
	versions := map[string]bool{}
	found := regexp.MustCompile(`(?m)^\s+github.com/riverqueue/river\S* (v\S+)`).FindAllStringSubmatch(string(text), -1)
	for _, m := range found {
		versions[m[1]] = true
	}
	if len(found) < 5 || len(versions) != 1 {
		t.Errorf("%d modules, versions %v", len(found), versions)
	}
}

// The leader begins jobs of killed workers again, and does not discard them as unknown. A long statement has more time than a slice.
func TestRescue(t *testing.T) {
	t.Parallel()
	s := newScene(t, 1)
	q := s.open(t)
	for i, job := range []struct {
		long bool
		age  string
	}{{false, "16 minutes"}, {true, "16 minutes"}, {true, "3 days"}} {
		args, err := json.Marshal(TargetArgs{Rollout: 99, Target: "x", Run: int64(i), Long: job.long})
		if err != nil {
			t.Fatal(err)
		}
		exec(t, q, `INSERT INTO onward_queue.river_job (state, attempt, max_attempts, attempted_at, args, kind, queue, attempted_by)
			VALUES ('running', 1, 100, now() - $1::text::interval, $2::text::jsonb, $3, $4, '{killed}')`,
			job.age, string(args), targetKind, TargetArgs{Long: job.long}.InsertOpts().Queue)
	}
	s.startWorker(t, q)
	for end := time.Now().Add(40 * time.Second); ; time.Sleep(50 * time.Millisecond) {
		// A job that was begun again finds that its target has no row, and is completed.
		got := ask[string](t, q, "SELECT string_agg(state::text, ' ' ORDER BY id) FROM onward_queue.river_job")
		if got == "completed running completed" {
			return
		}
		if time.Now().After(end) || strings.Contains(got, "discarded") {
			t.Fatalf("the jobs' states are %q, want \"completed running completed\"", got)
		}
	}
}

// A worker that is silent for 30 seconds loses its target to another one. If it was only slow, its result counts for nothing.
func TestLostWorker(t *testing.T) {
	t.Parallel()
	s := newScene(t, 1)
	q := s.open(t)
	s.start(t, q, false)
	ctx := t.Context()
	if _, err := q.dispatch(ctx, ""); err != nil {
		t.Fatal(err)
	}
	old := TargetArgs{Rollout: ask[int64](t, q, "SELECT id FROM onward_queue.rollout"), Target: "tenant_01"}
	old.Run = ask[int64](t, q, "SELECT run FROM onward_queue.target")
	exec(t, q, "UPDATE onward_queue.river_job SET state = 'running', attempted_at = now(), attempt = 1")
	slow := q.NewWorker(WorkerConfig{Who: "slow"})
	if got, err := slow.beginSlice(ctx, &old); got == nil || err != nil {
		t.Fatalf("beginSlice = %v, %v, want a slice", got, err)
	}
	run := func() int64 {
		if _, err := q.dispatch(ctx, ""); err != nil {
			t.Fatal(err)
		}
		return ask[int64](t, q, "SELECT run FROM onward_queue.target")
	}
	exec(t, q, "UPDATE onward_queue.target SET seen = clock_timestamp() - interval '29 seconds'")
	if run() != old.Run {
		t.Error("another worker took the target while its own was alive")
	}
	exec(t, q, "UPDATE onward_queue.target SET seen = clock_timestamp() - interval '31 seconds'")
	if err := slow.sendHeartbeat(ctx); err != nil || run() != old.Run {
		t.Error("a heartbeat did not count", err)
	}
	exec(t, q, "UPDATE onward_queue.target SET seen = clock_timestamp() - interval '31 seconds'")
	if run() == old.Run {
		t.Error("the target was not taken")
	}
	if err := slow.finishTarget(ctx, &slice{args: &old}, onward.RolloutFailed, 0, "late"); err != nil {
		t.Error(err)
	}
	if got, err := slow.beginSlice(ctx, &old); got != nil || err != nil {
		t.Errorf("beginSlice of a replaced run = %v, %v, want no slice", got, err)
	}
	if got := ask[string](t, q, "SELECT state || note FROM onward_queue.target"); got != "running" {
		t.Errorf("the target's state and note are %q, want \"running\"", got)
	}
	// A frozen worker must not keep the lock for the turns of targets.
	if err := q.inTransaction(ctx, func(tx pgx.Tx) error {
		var limit string
		if err := tx.QueryRow(ctx, "SHOW idle_in_transaction_session_timeout").Scan(&limit); err != nil || limit != "30s" {
			t.Errorf("idle_in_transaction_session_timeout = %q, error %v, want 30s", limit, err)
		}
		return nil
	}); err != nil {
		t.Error(err)
	}
	exec(t, q, "DELETE FROM onward_queue.river_job") // also a job that somebody removed
	s.startWorker(t, q)
	s.await(t, q, onward.RolloutDone)
	s.checkOnce(t, 1)
}

// A worker that gets its signal ends at the next batch, and another one goes on. A long statement moves to the other queue and back.
func TestDrain(t *testing.T) {
	t.Parallel()
	s := newScene(t, 1)
	var part atomic.Int64
	working := make(chan struct{})
	s.work = func(ctx context.Context, target *fleet.Target, slice *apply.Slice) error {
		switch part.Add(1) {
		case 1:
			close(working)
			<-slice.Stop
			return &apply.SliceError{Step: "a"}
		case 2:
			return &apply.SliceError{Step: "b", Long: true}
		case 3:
			if !slice.Long {
				t.Error("it is not in the queue of long statements")
			}
			return &apply.SliceError{Step: "c"}
		}
		if slice.Long {
			t.Error("it is still in the queue of long statements")
		}
		return addOne(ctx, target, slice)
	}
	q := s.open(t)
	s.start(t, q, false)
	first, stop := s.startWorker(t, q)
	<-working
	stop()
	out := httptest.NewRecorder()
	if first.Handler().ServeHTTP(out, httptest.NewRequest("GET", "/healthz", nil)); out.Code != 503 {
		t.Errorf("/healthz of a stopped worker: %d, want 503", out.Code)
	}
	second, _ := s.startWorker(t, q)
	s.await(t, q, onward.RolloutDone)
	s.checkOnce(t, 1)
	if n := ask[int](t, q, "SELECT max(attempt) FROM onward_queue.river_job"); n > 1 {
		t.Errorf("%d attempts", n)
	}
	var attempts int
	if err := s.conn.QueryRow(t.Context(), "SELECT attempts FROM onward_fleet.target").Scan(&attempts); err != nil || attempts != 1 {
		t.Errorf("the ledger counts %d attempts: %v", attempts, err)
	}
	out = httptest.NewRecorder()
	if second.Handler().ServeHTTP(out, httptest.NewRequest("GET", "/healthz", nil)); out.Code != 200 {
		t.Errorf("/healthz of a running worker: %d, want 200", out.Code)
	}
	out = httptest.NewRecorder()
	second.Handler().ServeHTTP(out, httptest.NewRequest("GET", "/metrics", nil))
	if text := out.Body.String(); !strings.Contains(text, `onward_worker_slices_total{state="done"} 1`) || !strings.Contains(text, "onward_worker_running 0") {
		t.Errorf("/metrics, want one slice done and none running:\n%s", text)
	}
}

// The server of the queue crashes in the middle. Workers go on, and no target runs twice.
func TestQueueCrashes(t *testing.T) {
	t.Parallel()
	s := newScene(t, 10)
	reached := make(chan struct{})
	var runs atomic.Int64
	s.work = func(ctx context.Context, target *fleet.Target, slice *apply.Slice) error {
		if runs.Add(1) == 4 {
			close(reached)
		}
		time.Sleep(30 * time.Millisecond)
		return addOne(ctx, target, slice)
	}
	q := s.open(t)
	s.start(t, q, false)
	s.startWorker(t, q)
	<-reached
	for range 3 { // every session of the queue ends, as in a restart
		_, err := s.conn.Exec(t.Context(), "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1 AND pid <> pg_backend_pid()",
			q.pool.Config().ConnConfig.Database)
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(100 * time.Millisecond)
	}
	s.await(t, q, onward.RolloutDone)
	s.checkOnce(t, 10)
}

// Neither the queue nor the log has a password, also if a target fails with an error that quotes it.
func TestNoSecrets(t *testing.T) {
	t.Parallel()
	const secret = "hunter2secret"
	s := newScene(t, 2)
	s.db = strings.Replace(s.db, "postgres@", "postgres:"+secret+"@", 1)
	s.source.DB = s.db
	s.work = func(_ context.Context, target *fleet.Target, _ *apply.Slice) error {
		return &apply.RefusedError{Text: "cannot connect to " + target.Address}
	}
	q := s.open(t)
	s.start(t, q, false)
	s.startWorker(t, q)
	s.await(t, q, onward.RolloutStopped)
	rows, err := q.pool.Query(t.Context(), "SELECT relname::text FROM pg_class WHERE relnamespace = 'onward_queue'::regnamespace AND relkind IN ('r', 'p')")
	if err != nil {
		t.Fatal(err)
	}
	var tables []string
	for rows.Next() {
		var name string
		if err := rows.Scan(&name); err != nil {
			t.Fatal(err)
		}
		tables = append(tables, name)
	}
	if len(tables) < 5 {
		t.Errorf("the queue has the tables %q, want at least 5", tables)
	}
	for _, name := range tables {
		text := ask[string](t, q, "SELECT coalesce(string_agg(x::text, ' '), '') FROM onward_queue."+name+" AS x")
		if strings.Contains(text, secret) {
			t.Errorf("%s has %s", name, text)
		}
	}
	if text := s.log.String(); strings.Contains(text, secret) || !strings.Contains(text, "cannot connect to ") {
		t.Errorf("the log has the password, or no failed connection:\n%s", text)
	}
}

// A release that a newer onward has put into the queue is left to it, and so is a queue that it made.
func TestOtherVersions(t *testing.T) {
	t.Parallel()
	s := newScene(t, 1)
	q := s.open(t)
	s.start(t, q, false)
	exec(t, q, `UPDATE onward_queue.rollout SET settings = '{"newer": 1}'`)
	if _, err := q.dispatch(t.Context(), ""); err != nil {
		t.Fatal(err)
	}
	if n := ask[int](t, q, "SELECT count(*) FROM onward_queue.river_job"); n != 0 {
		t.Errorf("%d jobs", n)
	}
	exec(t, q, "UPDATE onward_queue.target SET state = 'running', run = 7")
	w := q.NewWorker(WorkerConfig{Who: "old"})
	err := w.runSlice(t.Context(), &TargetArgs{Rollout: ask[int64](t, q, "SELECT id FROM onward_queue.rollout"), Target: "tenant_01", Run: 7})
	if snoozed := new(river.JobSnoozeError); !errors.As(err, &snoozed) {
		t.Error(err)
	}
	exec(t, q, "COMMENT ON SCHEMA onward_queue IS 'onward queue 2'")
	if _, err := Open(t.Context(), Address{URL: s.queue}, 2, q.logger); !errors.As(err, new(*OtherQueueError)) {
		t.Error(err)
	}
	pgservertest.Exec(t, s.conn, "SELECT 1")
}
