package apply_test

import (
	"context"
	"errors"
	"io"
	"net"
	"os"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/onward-sql/onward/apply"
	"github.com/onward-sql/onward/internal/live"
	"github.com/onward-sql/onward/internal/pgserver/pgservertest"
	"github.com/onward-sql/onward/onward"
)

// ends runs something that must end by itself, and gives its error.
func ends(t *testing.T, f func() error) error {
	t.Helper()
	done := make(chan error, 1)
	go func() { done <- f() }()
	select {
	case err := <-done:
		return err
	case <-time.After(time.Minute):
		t.Fatal("it still waits after a minute")
		return nil
	}
}

// Nothing waits for a server that completes the handshake and then sends nothing.
func TestMuteServer(t *testing.T) {
	t.Parallel()
	p := planned(t, base, release)
	db := pgservertest.Database(t, onward.NewestMajor)
	run(t, db, base, rows)
	runPlan(t, apply.Config{DB: db, Plan: p, Through: onward.Expand})
	dir := repository(t, history)
	for name, f := range map[string]func(ctx context.Context, url string) error{
		"status": func(ctx context.Context, url string) error { _, err := apply.Status(ctx, url); return err },
		"log":    func(ctx context.Context, url string) error { _, err := apply.Log(ctx, url, "", 10); return err },
		"backfill": func(ctx context.Context, url string) error {
			_, err := apply.Continue(ctx, apply.Config{DB: url, Through: onward.Backfill}, "")
			return err
		},
		"abort": func(ctx context.Context, url string) error {
			_, err := apply.Abort(ctx, apply.Config{DB: url}, "")
			return err
		},
		"apply": func(ctx context.Context, url string) error {
			_, err := apply.Run(ctx, apply.Config{DB: url, Plan: p})
			return err
		},
		"pending": func(ctx context.Context, url string) error {
			_, err := apply.Pending(ctx, pendingOf(dir, url, ""))
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l := pgservertest.NewLine(t, db)
			l.Mute.Store(true)
			err := ends(t, func() error { return f(live.WithPatience(t.Context(), time.Second), l.URL) })
			if !live.IsSilence(err) {
				t.Errorf("%s on a mute server = %v, want an error about its silence", name, err)
			}
		})
	}
}

// A server that falls silent in the middle of a plan ends it, whatever --within says; the same command goes on later.
func TestServerFallsSilent(t *testing.T) {
	t.Parallel()
	p := planned(t, base, release)
	db := pgservertest.Database(t, onward.NewestMajor)
	run(t, db, base, rows)
	for _, class := range []onward.StepClass{onward.StepDDL, onward.StepValidate, onward.StepConcurrent, onward.StepBackfill} {
		l := pgservertest.NewLine(t, db)
		config := apply.Config{DB: l.URL, Plan: p, Within: time.Hour, Tell: func(e apply.Event) {
			if e.Kind == apply.Begun && e.Step.Class == class {
				l.Mute.Store(true)
			}
		}}
		err := ends(t, func() error {
			_, err := apply.Run(live.WithPatience(t.Context(), 2*time.Second), config)
			return err
		})
		unfinished := new(apply.UnfinishedError)
		if !errors.As(err, &unfinished) || !strings.Contains(unfinished.Why, "the server sent nothing for 2 s, on either session") {
			t.Errorf("apply with a server that falls silent at %s = %v, want an UnfinishedError about its silence", class, err)
		}
		run(t, db, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND application_name LIKE 'onward apply%'")
	}
	if r, err := apply.Run(t.Context(), apply.Config{DB: db, Plan: p, Through: onward.Contract}); err != nil || r.State != onward.ApplyDone {
		t.Errorf("apply the rest = %+v, %v, want it done", r, err)
	}
}

// A plan that gives up because the server cannot be reached says so, with the reason.
func TestServerUnreachable(t *testing.T) {
	t.Parallel()
	p := planned(t, base, release)
	db := pgservertest.Database(t, onward.NewestMajor)
	run(t, db, base, rows)
	var broken atomic.Bool
	url := pgservertest.Interpose(t, db, func(client net.Conn, socket string) {
		defer client.Close()
		server, err := net.Dial("unix", socket)
		if err != nil || broken.Load() {
			return
		}
		defer server.Close()
		go func() {
			_, _ = io.Copy(server, client)
			_ = server.Close()
		}()
		_, _ = io.Copy(client, server)
	})
	_, err := apply.Run(t.Context(), apply.Config{DB: url, Plan: p, Within: time.Second, Tell: func(e apply.Event) {
		if e.Kind == apply.Finished && broken.CompareAndSwap(false, true) {
			run(t, db, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND application_name LIKE 'onward apply%'")
		}
	}})
	unfinished := new(apply.UnfinishedError)
	if !errors.As(err, &unfinished) || !strings.Contains(unfinished.Why, "in its way for 1s: the server cannot be reached: ") {
		t.Errorf("apply = %v, want an UnfinishedError about an unreachable server", err)
	}
}

// If the backend of a step is stopped, another session continues the step, provided that the server answers. A server that
// works for longer than it may be silent is waited for.
func TestFrozenAndWorking(t *testing.T) {
	t.Parallel()
	const slow = base + "CREATE FUNCTION slow(int) RETURNS boolean LANGUAGE plpgsql AS $$BEGIN PERFORM pg_sleep(3); RETURN true; END$$;"
	p := planned(t, slow, "ALTER TABLE orders ADD COLUMN more text; ALTER TABLE orders ADD CONSTRAINT good CHECK (slow(amount));")
	db := pgservertest.Database(t, onward.OldestMajor)
	run(t, db, slow, "INSERT INTO orders (id, amount) VALUES (1, 1)")
	var once sync.Once
	var stopped []int
	defer func() {
		for _, pid := range stopped {
			_ = syscall.Kill(pid, syscall.SIGCONT)
		}
	}()
	var events teller
	config := apply.Config{DB: db, Plan: p, Within: 2 * time.Minute, Through: onward.Contract, Tell: func(e apply.Event) {
		events.tell(e)
		if e.Kind != apply.Begun {
			return
		}
		once.Do(func() {
			for _, text := range content(t, db, "SELECT pid::text FROM pg_stat_activity WHERE application_name = 'onward apply' AND datname = current_database()") {
				if pid, err := strconv.Atoi(text); err == nil && pid != os.Getpid() {
					stopped = append(stopped, pid)
					_ = syscall.Kill(pid, syscall.SIGSTOP)
				}
			}
		})
	}}
	err := ends(t, func() error {
		_, err := apply.Run(live.WithPatience(t.Context(), 2*time.Second), config)
		return err
	})
	if err != nil || len(stopped) != 1 || !events.has(apply.Waits, "the server sent nothing for 2 s") || !events.has(apply.Recovered, "") {
		t.Errorf("apply = %v, stopped processes %v, want success after a silence of 1 process; events: %+v", err, stopped, events.list)
	}
	if got := content(t, db, "SELECT convalidated::text FROM pg_constraint WHERE conname = 'good'"); len(got) != 1 || got[0] != "true" {
		t.Errorf("convalidated of the constraint is %q, want true", got)
	}
}
