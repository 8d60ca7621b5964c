package queuedb

import (
	"context"
	"errors"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/onward-sql/onward/apply"
	"github.com/onward-sql/onward/internal/fleet"
	"github.com/onward-sql/onward/internal/pgserver/pgservertest"
	"github.com/onward-sql/onward/onward"
)

// Two workers take 20 targets: each target once, the canary first, and never more at once on the server than allowed.
func TestTwoWorkers(t *testing.T) {
	t.Parallel()
	s := newScene(t, 19)
	s.settings.AtOnce, s.settings.PerServer, s.workerAtOnce = 6, 3, 2 // one worker alone does not reach the limit
	var running, most atomic.Int64
	var canary atomic.Bool
	var once sync.Once
	s.work = func(ctx context.Context, target *fleet.Target, slice *apply.Slice) error {
		n := running.Add(1)
		defer running.Add(-1)
		if target.Name == "tenant_01" {
			time.Sleep(300 * time.Millisecond)
			canary.Store(true)
		} else if !canary.Load() {
			t.Errorf("%s began before the canary was done", target.Name)
		}
		for old := most.Load(); n > old && !most.CompareAndSwap(old, n); old = most.Load() {
		}
		once.Do(func() {
			if err := execIn(ctx, target, "CREATE SCHEMA tenant_late; CREATE TABLE tenant_late.counter AS SELECT 0 AS n"); err != nil {
				t.Error(err)
			}
		})
		for end := time.Now().Add(10 * time.Second); target.Name != "tenant_01" && most.Load() < 3 && time.Now().Before(end); { // until three run at once
			time.Sleep(time.Millisecond)
		}
		time.Sleep(20 * time.Millisecond)
		return addOne(ctx, target, slice)
	}
	q, second := s.open(t), s.open(t)
	s.start(t, q, false)
	s.startWorker(t, q)
	s.startWorker(t, second)
	s.await(t, q, onward.RolloutDone)
	s.checkOnce(t, 20) // with the one that was created meanwhile
	if most.Load() != 3 {
		t.Errorf("%d at once on one server", most.Load())
	}
	if n := ask[int](t, q, "SELECT count(DISTINCT attempted_by[1]) FROM onward_queue.river_job"); n != 2 {
		t.Errorf("%d workers took targets", n)
	}
}

// River compares a new job with completed ones, which it keeps for a day. A target that failed, and one that is done, runs again at once.
func TestSameReleaseAgain(t *testing.T) {
	t.Parallel()
	s := newScene(t, 3)
	s.settings.AtOnce = 1 // the last target is not begun after the second one failed
	var fails atomic.Bool
	fails.Store(true)
	var runs atomic.Int64
	s.work = func(ctx context.Context, target *fleet.Target, slice *apply.Slice) error {
		runs.Add(1)
		if target.Name == "tenant_02" && fails.Load() {
			return &apply.RefusedError{Text: "no"}
		}
		return addOne(ctx, target, slice)
	}
	q := s.open(t)
	s.start(t, q, false)
	s.startWorker(t, q)
	s.await(t, q, onward.RolloutStopped)
	if reason := ask[string](t, q, "SELECT why FROM onward_queue.rollout"); !strings.Contains(reason, "1 of the 2 targets of this wave failed") {
		t.Errorf("the rollout stopped with the reason %q", reason)
	}
	fails.Store(false)
	s.start(t, q, false)
	s.await(t, q, onward.RolloutDone)
	s.checkOnce(t, 3)
	s.work = func(context.Context, *fleet.Target, *apply.Slice) error { runs.Add(1); return nil }
	before := runs.Load()
	s.settings.Chosen = true
	all := s.config.List
	s.config.List = func(ctx context.Context) ([]*fleet.Target, error) {
		list, err := all(ctx)
		if err != nil {
			return nil, err
		}
		return fleet.SelectTargets(list, []string{"tenant_01"}, nil)
	}
	s.start(t, q, false)
	s.await(t, q, onward.RolloutDone)
	if runs.Load() != before+1 {
		t.Errorf("%d runs of the chosen target", runs.Load()-before)
	}
	survey, err := fleet.SurveyTargets(t.Context(), s.config)
	if err != nil {
		t.Fatal(err)
	}
	s.config.Digest = "y"
	if _, err := fleet.SurveyTargets(t.Context(), s.config); !errors.As(err, new(*fleet.ChangedError)) {
		t.Error(err)
	}
	if err := q.Start(t.Context(), &s.config, &s.settings, survey, false); !errors.As(err, new(*fleet.ChangedError)) {
		t.Error(err)
	}
}

// All failed targets are tried again, also after the release was stopped, and never more at once than the release may have.
func TestRetryFailed(t *testing.T) {
	t.Parallel()
	s := newScene(t, 6)
	s.settings.AtOnce, s.settings.StopAfter = 2, "100%"
	var fails atomic.Bool
	fails.Store(true)
	var running, most atomic.Int64
	s.work = func(ctx context.Context, target *fleet.Target, slice *apply.Slice) error {
		if fails.Load() {
			return &apply.RefusedError{Text: "no"}
		}
		n := running.Add(1)
		defer running.Add(-1)
		for old := most.Load(); n > old && !most.CompareAndSwap(old, n); old = most.Load() {
		}
		for end := time.Now().Add(10 * time.Second); most.Load() < 2 && time.Now().Before(end); {
			time.Sleep(time.Millisecond)
		}
		return addOne(ctx, target, slice)
	}
	q := s.open(t)
	s.start(t, q, false)
	s.startWorker(t, q)
	s.await(t, q, onward.RolloutFailed)
	fails.Store(false)
	list, err := s.config.List(t.Context())
	if err == nil {
		err = q.Retry(t.Context(), list, "v2", "ada")
	}
	if err != nil {
		t.Fatal(err)
	}
	s.await(t, q, onward.RolloutDone)
	s.checkOnce(t, 6)
	if most.Load() != 2 {
		t.Errorf("%d at once", most.Load())
	}
}

// A tenant that is dropped before its turn is no failure.
func TestTenantDropped(t *testing.T) {
	t.Parallel()
	s := newScene(t, 3)
	s.settings.AtOnce = 1
	var once sync.Once
	s.work = func(ctx context.Context, target *fleet.Target, slice *apply.Slice) error {
		once.Do(func() {
			if err := execIn(ctx, target, "DROP SCHEMA tenant_03 CASCADE"); err != nil {
				t.Error(err)
			}
		})
		return addOne(ctx, target, slice)
	}
	q := s.open(t)
	s.start(t, q, false)
	s.startWorker(t, q)
	s.await(t, q, onward.RolloutDone)
	s.checkOnce(t, 2)
	if got := ask[string](t, q, "SELECT state FROM onward_queue.target WHERE name = 'tenant_03'"); got != string(onward.RolloutGone) {
		t.Errorf("the dropped tenant_03 is %q, want %q", got, onward.RolloutGone)
	}
}

// The queue is lost in the middle. It is made again from the ledgers of the targets, and no target runs twice.
func TestQueueLost(t *testing.T) {
	t.Parallel()
	s := newScene(t, 12)
	s.settings.AtOnce = 2
	reached := make(chan struct{})
	var runs atomic.Int64
	s.work = func(ctx context.Context, target *fleet.Target, slice *apply.Slice) error {
		if runs.Add(1) == 5 {
			close(reached)
		}
		time.Sleep(50 * time.Millisecond)
		return addOne(ctx, target, slice)
	}
	q := s.open(t)
	s.start(t, q, false)
	s.startWorker(t, q) // goes on with the new queue
	<-reached
	dropQueue(t, q)
	if p, err := q.ReadProgress(t.Context(), "v2"); err == nil {
		t.Errorf("ReadProgress from a dropped queue = %+v, want an error", p)
	}
	secondQueue := s.open(t)
	s.start(t, secondQueue, true)
	s.await(t, secondQueue, onward.RolloutDone)
	s.checkOnce(t, 12)
	s.start(t, secondQueue, true) // all are done
	s.await(t, secondQueue, onward.RolloutDone)
	s.checkOnce(t, 12)
}

// A paused release uses neither attempts nor the time that a target may be away. A target without an address waits, and fails in the end.
func TestWaiting(t *testing.T) {
	t.Parallel()
	s := newScene(t, 2)
	s.settings.Within, s.settings.Late = time.Second, false
	list, err := s.config.List(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if err := fleet.Pause(t.Context(), list, "v2", "somebody"); err != nil {
		t.Fatal(err)
	}
	q := s.open(t)
	s.start(t, q, false)
	exec(t, q, `INSERT INTO onward_queue.target (rollout, name, wave, position, server, wanted, state) SELECT id, 'nobody', 2, 9, 'x', true, 'pending'
		FROM onward_queue.rollout`)
	s.source.Text = "schemas:tenant_0*" // so the worker may have an old list
	s.startWorker(t, q)
	for end := time.Now().Add(20 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		note := ask[string](t, q, "SELECT note FROM onward_queue.target WHERE name = 'tenant_01'")
		if note == "somebody has paused the release" && ask[int](t, q, "SELECT coalesce(max((metadata->>'snoozes')::int), 0) FROM onward_queue.river_job") > 5 {
			break
		}
		if time.Now().After(end) {
			t.Fatalf("tenant_01 does not wait for the paused release: note %q\n%s", note, &s.log)
		}
	}
	// Snoozes use no attempts: only the running one counts.
	if n := ask[int](t, q, "SELECT max(attempt) FROM onward_queue.river_job"); n > 1 {
		t.Errorf("%d attempts", n)
	}
	if err := fleet.Pause(t.Context(), list, "v2", ""); err != nil {
		t.Fatal(err)
	}
	// It is stopped if the tenants are still at work when the unknown target is looked at.
	s.await(t, q, onward.RolloutStopped, onward.RolloutFailed)
	for end := time.Now().Add(20 * time.Second); ask[int](t, q, "SELECT count(*) FROM onward_queue.target WHERE state = 'running'") > 0; {
		if time.Now().After(end) {
			t.Fatalf("targets are still running:\n%s", s.log.String())
		}
		time.Sleep(20 * time.Millisecond)
	}
	s.checkOnce(t, 2)
	got := ask[string](t, q, "SELECT state || ': ' || note FROM onward_queue.target WHERE name = 'nobody'")
	if got != "unreachable: no list of targets has it" {
		t.Errorf("the target that no list has is %q", got)
	}
}

// The queue may have a pooler of transactions before it. Then nothing listens, and nothing is prepared.
func TestPooler(t *testing.T) {
	t.Parallel()
	s := newScene(t, 3)
	s.queue = pgservertest.StartPgbouncer(t, s.queue, "transaction")
	q := s.open(t)
	if !q.pooled {
		t.Error("the pooler was not noticed")
	}
	s.start(t, q, false)
	s.startWorker(t, q)
	s.await(t, q, onward.RolloutDone)
	s.checkOnce(t, 3)
}
