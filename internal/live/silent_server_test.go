package live

import (
	"context"
	"errors"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/onward-sql/onward/internal/pgserver/pgservertest"
	"github.com/onward-sql/onward/onward"
)

// within runs something that must end by itself.
func within(t *testing.T, most time.Duration, f func() error) error {
	t.Helper()
	done := make(chan error, 1)
	go func() { done <- f() }()
	select {
	case err := <-done:
		return err
	case <-time.After(most):
		t.Fatalf("it still waits after %v", most)
		return nil
	}
}

// TestSilence: no question waits for a server that sends nothing after the handshake, or that does not end its answer.
func TestSilence(t *testing.T) {
	t.Parallel()
	to, _ := pgservertest.ConnectNew(t, onward.NewestMajor, "CREATE TABLE t (id int)")
	questions := map[string]func(ctx context.Context, url string) error{
		"stats":  func(ctx context.Context, url string) error { _, err := ReadStats(ctx, url); return err },
		"schema": func(ctx context.Context, url string) error { _, err := ReadSchema(ctx, url); return err },
		"session": func(ctx context.Context, url string) error {
			conn, err := Connect(ctx, url, "onward test", nil)
			if err != nil {
				return err
			}
			defer conn.Close(context.Background())
			_, err = conn.Exec(ctx, "SELECT count(*) FROM pg_class; SELECT relname FROM pg_class")
			return err
		},
		"beside": func(ctx context.Context, url string) error {
			b := &SideSession{URL: url, Name: "onward test"}
			defer b.Close(context.Background())
			return b.Do(ctx, func(ctx context.Context, conn *pgx.Conn) error {
				_, err := conn.Exec(ctx, "SELECT relname FROM pg_class")
				return err
			})
		},
	}
	faults := map[string]func(l *pgservertest.Line){
		"mute":    func(l *pgservertest.Line) { l.Mute.Store(true) },
		"trickle": func(l *pgservertest.Line) { l.Trickle.Store(true) },
	}
	for name, fault := range faults {
		for question, ask := range questions {
			t.Run(name+" "+question, func(t *testing.T) {
				t.Parallel()
				l := pgservertest.NewLine(t, to)
				ctx := WithPatience(t.Context(), time.Second)
				if err := within(t, 20*time.Second, func() error { return ask(WithPatience(ctx, time.Minute), l.URL) }); err != nil {
					t.Fatalf("before the fault: %v", err)
				}
				fault(l)
				err := within(t, 10*time.Second, func() error { return ask(ctx, l.URL) })
				if name == "mute" && !IsSilence(err) || err == nil {
					t.Errorf("%s with the fault %s: got error %v, want one, and IsSilence if mute", question, name, err)
				}
				if endless := new(EndlessError); name == "trickle" && question != "beside" && !strings.Contains(err.Error(), "does not end: onward gave up after 1 s") &&
					!errors.As(err, &endless) {
					t.Errorf("%s with the fault %s: got error %v, want an EndlessError", question, name, err)
				}
			})
		}
	}
}

// TestFlood: a stream of rows without an end is given up by its size, or by its time.
func TestFlood(t *testing.T) {
	t.Parallel()
	to, _ := pgservertest.ConnectNew(t, onward.NewestMajor, "CREATE TABLE t (id int)")
	l := pgservertest.NewLine(t, to)
	l.Flood.Store(true)
	err := within(t, 20*time.Second, func() error {
		_, err := ReadStats(WithPatience(t.Context(), 2*time.Second), l.URL)
		return err
	})
	if err == nil || !strings.Contains(err.Error(), "the server's answer does not end: onward gave up after") {
		t.Error(err)
	}
	conn, err := Connect(t.Context(), l.URL, "onward test", nil)
	if err != nil {
		t.Fatal(err)
	}
	err = within(t, 50*time.Second, func() error {
		_, err := conn.Exec(t.Context(), "SELECT repeat('x', 4000000)")
		return err
	})
	if endless := new(EndlessError); !errors.As(err, &endless) || endless.Limit != "256 MB" {
		t.Error(err)
	}
}

// TestFrozenBackend: a backend that is stopped in the middle of an answer ends the wait.
func TestFrozenBackend(t *testing.T) {
	t.Parallel()
	url, _ := pgservertest.ConnectNew(t, onward.OldestMajor, "SELECT 1")
	ctx := WithPatience(t.Context(), time.Second)
	conn, err := Connect(ctx, url, "onward test", nil)
	if err != nil {
		t.Fatal(err)
	}
	var pid int
	if err := conn.QueryRow(ctx, "SELECT pg_backend_pid()").Scan(&pid); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Kill(pid, syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = syscall.Kill(pid, syscall.SIGCONT) }()
	err = within(t, 10*time.Second, func() error { _, err := conn.Exec(ctx, "SELECT 1"); return err })
	if silent := new(SilentError); !errors.As(err, &silent) || err.Error() == "" || !strings.Contains(err.Error(), "the server sent nothing for 1 s") {
		t.Errorf("a query of a stopped backend: got error %v, want a SilentError", err)
	}
}

// TestLongStatement: a long statement is waited for as long as the server answers a second session, and no longer.
func TestLongStatement(t *testing.T) {
	t.Parallel()
	url, _ := pgservertest.ConnectNew(t, onward.NewestMajor, "SELECT 1")
	ctx := WithPatience(t.Context(), time.Second)
	second := &SideSession{URL: url, Name: "onward test", Silence: NewSilence(ctx, nil)}
	defer second.Close(context.Background())
	silence := NewSilence(ctx, second.Silence)
	conn, err := ConnectBound(ctx, url, "onward test", nil, silence)
	if err != nil {
		t.Fatal(err)
	}
	asking, stop := context.WithCancel(ctx)
	asked := make(chan struct{})
	go func() {
		defer close(asked)
		for asking.Err() == nil {
			_ = second.Do(ctx, func(ctx context.Context, conn *pgx.Conn) error { _, err := conn.Exec(ctx, "SELECT 1"); return err })
			time.Sleep(100 * time.Millisecond)
		}
	}()
	end := silence.AllowLong()
	if err := within(t, 20*time.Second, func() error { _, err := conn.Exec(ctx, "SELECT pg_sleep(2.5)"); return err }); err != nil {
		t.Fatalf("the server works: %v", err)
	}
	stop()
	<-asked
	err = within(t, 10*time.Second, func() error { _, err := conn.Exec(ctx, "SELECT pg_sleep(30)"); return err })
	if silent := new(SilentError); !errors.As(err, &silent) {
		t.Errorf("nobody hears the server: %v", err)
	}
	end()
}
