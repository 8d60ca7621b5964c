package wire_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/onward-sql/onward/internal/pgserver/pgservertest"
	"github.com/onward-sql/onward/internal/wire"
)

// holder is a sink that does something before what has a word in it goes on.
type holder struct {
	taps
	seen sync.Map
	on   map[string]func(ctx context.Context, s *wire.Session)
}

func (h *holder) Session(wire.Startup) wire.Tap { return &heldSession{holder: h} }

// heldSession holds the messages of one session. It ignores the messages of other sessions.
type heldSession struct {
	*holder
	text string
}

func (h *heldSession) Client(kind byte, body []byte, size int) {
	h.taps.Client(kind, body, size)
	h.text += string(body)
}

func (h *heldSession) Hold(ctx context.Context, s *wire.Session) {
	text := h.text
	h.text = ""
	for word, f := range h.on {
		if strings.Contains(text, word) {
			f(ctx, s)
		}
	}
}

// Settings are there from the start, what is run before a message is seen by the server alone, and what is
// held comes later than what was asked meanwhile.
func TestHold(t *testing.T) {
	t.Parallel()
	h := &holder{}
	release, first, busy := make(chan struct{}), make(chan struct{}), make(chan error, 1)
	h.on = map[string]func(context.Context, *wire.Session){
		"'held'": func(context.Context, *wire.Session) { <-release },
		"'own'": func(ctx context.Context, s *wire.Session) {
			if err := s.Run(ctx, "SET statement_timeout = '77s'"); err != nil {
				t.Error(err)
			}
			if err := s.Run(ctx, "SELECT no_such()"); err == nil || !strings.Contains(err.Error(), "SQLSTATE 42883") {
				t.Error(err)
			}
			h.seen.Store("pid", s.PID())
		},
		"'first'":  func(context.Context, *wire.Session) { close(first) },
		"'second'": func(ctx context.Context, s *wire.Session) { busy <- s.Run(ctx, "SELECT 1") },
	}
	_, cfg := before(t, wire.Config{Sink: h, Startup: func(wire.Startup) map[string]string {
		return map[string]string{"lock_timeout": "66ms", "work_mem": "9MB"}
	}})
	cfg.RuntimeParams["work_mem"] = "7MB"
	firstConn, two := connect(t, cfg), connect(t, cfg)
	var got string
	var pid int
	if err := firstConn.QueryRow(t.Context(), "SELECT concat_ws(' ', current_setting('lock_timeout'), current_setting('work_mem'), "+
		"current_setting('statement_timeout'), 'own'), pg_backend_pid()").Scan(&got, &pid); err != nil {
		t.Fatal(err)
	}
	if got != "66ms 7MB 77s own" {
		t.Errorf("the session's settings are %q, want 66ms 7MB 77s own", got)
	}
	if heldPID, _ := h.seen.Load("pid"); heldPID != pid {
		t.Errorf("process %v, the server says %d", heldPID, pid)
	}
	done := make(chan error, 1)
	go func() { _, err := firstConn.Exec(context.Background(), "SELECT 'held'"); done <- err }()
	pgservertest.Exec(t, two, "SELECT 1")
	select {
	case err := <-done:
		t.Fatal("it was not held", err)
	default:
	}
	close(release)
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	// Two queries that do not await one another: nothing may come in between.
	pipe := two.PgConn().StartPipeline(t.Context())
	pipe.SendQueryParams("SELECT pg_sleep(0.1), 'first'", nil, nil, nil, nil)
	if err := pipe.Flush(); err != nil {
		t.Fatal(err)
	}
	<-first
	pipe.SendQueryParams("SELECT 'second'", nil, nil, nil, nil)
	if err := pipe.Sync(); err != nil {
		t.Fatal(err)
	}
	if err := <-busy; !errors.Is(err, wire.ErrBusy) {
		t.Error(err)
	}
	if err := pipe.Close(); err != nil {
		t.Error(err)
	}
}

// A session that works is cancelled. A session that waits for its client is disconnected with a message.
func TestCancelAndCut(t *testing.T) {
	t.Parallel()
	h := &holder{}
	sessions := make(chan *wire.Session, 1)
	h.on = map[string]func(context.Context, *wire.Session){"'seen'": func(_ context.Context, s *wire.Session) { sessions <- s }}
	_, cfg := before(t, wire.Config{Sink: h})
	conn, other := connect(t, cfg), connect(t, cfg)
	pgservertest.Exec(t, conn, "BEGIN; SELECT 'seen'")
	s := <-sessions
	asked := make(chan struct{})
	go func() {
		defer close(asked) // the server closes the request's connection when it has told: that may be later than the query's end
		for range 100 {
			time.Sleep(30 * time.Millisecond)
			var active bool
			if other.QueryRow(context.Background(), fmt.Sprintf("SELECT EXISTS (SELECT FROM pg_stat_activity WHERE pid = %d AND state = 'active')",
				s.PID())).Scan(&active); active {
				break
			}
		}
		if err := s.Cancel(context.Background()); err != nil {
			t.Error(err)
		}
	}()
	refused := new(pgconn.PgError)
	if _, err := conn.Exec(t.Context(), "SELECT pg_sleep(60)"); !errors.As(err, &refused) || refused.Code != "57014" {
		t.Fatal(err)
	}
	<-asked
	s.Disconnect("57014", "made others wait")
	if _, err := conn.Exec(t.Context(), "SELECT 1"); err == nil {
		t.Error("it goes on")
	}
}
