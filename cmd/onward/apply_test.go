package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/rogpeppe/go-internal/testscript"

	"github.com/onward-sql/onward/internal/pgserver/pgservertest"
	"github.com/onward-sql/onward/onward"
)

// hooks is a webhook that is well at /well, answers 500 at /broken and nothing at /hangs, and keeps what it is sent.
type hooks struct {
	mu     sync.Mutex
	posted []string
	asked  map[string]int
	end    chan struct{}
}

func (h *hooks) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	h.mu.Lock()
	h.asked[r.URL.Path]++
	h.posted = append(h.posted, string(body))
	h.mu.Unlock()
	switch r.URL.Path {
	case "/broken":
		w.WriteHeader(http.StatusInternalServerError)
	case "/hangs":
		<-h.end
	}
}

type hooked struct{}

// TestApplyScripts runs the scripts of what changes a database: each has one of its own, in $DATABASE_URL, and a webhook in $HOOK.
// $STRANGER_URL is the same database for a role without rights. $NEWER_URL is the same database on a server that looks newer than all releases of onward know.
// Beside the commands of the others, `waits TEXT FILE` waits until a file has a text,
// `posted FILE` writes down what the webhook was sent, and `events FROM TO` what --events
// wrote, without what differs from run to run; both must have the documented form.
func TestApplyScripts(t *testing.T) {
	t.Parallel()
	pgservertest.Server(t, onward.NewestMajor)
	p := params("testdata/apply")
	setup := p.Setup
	p.Setup = func(e *testscript.Env) error {
		h := &hooks{asked: map[string]int{}, end: make(chan struct{})}
		server := httptest.NewServer(h)
		e.Defer(server.Close)
		e.Defer(func() { close(h.end) }) // runs first
		e.Values[hooked{}] = h
		db, admin := pgservertest.ConnectNew(e.T().(testing.TB), onward.NewestMajor)
		stranger, err := url.Parse(db)
		if err != nil {
			return err
		}
		stranger.User = url.User(strings.TrimPrefix(stranger.Path, "/") + "_stranger")
		pgservertest.Exec(e.T().(testing.TB), admin, "CREATE ROLE "+stranger.User.Username()+" LOGIN")
		e.Defer(func() { _, _ = admin.Exec(context.Background(), "DROP ROLE "+stranger.User.Username()) })
		e.Vars = append(e.Vars, "DATABASE_URL="+db, "STRANGER_URL="+stranger.String(), "HOOK="+server.URL, "NEWER_URL="+pgservertest.NewerServer(e.T().(testing.TB), db).URL)
		return setup(e)
	}
	p.Cmds["posted"], p.Cmds["events"], p.Cmds["waits"], p.Cmds["follow"] = posted, events, waits, follow
	testscript.Run(t, p)
}

// TestNewerServerScripts runs scripts on a server that is newer than the downloads: onward.PreviewMajor, or a superuser's address in
// ONWARD_NEWER_SERVER. That one is of a version that this release does not know. Each script has a database of its own, in $DATABASE_URL.
func TestNewerServerScripts(t *testing.T) {
	t.Parallel()
	address := os.Getenv("ONWARD_NEWER_SERVER")
	unknown := address != ""
	if !unknown {
		address = pgservertest.Database(t, onward.PreviewMajor)
	}
	p := params("testdata/newer")
	p.Condition = func(name string) (bool, error) { return unknown, nil }
	setup, server := p.Setup, pgservertest.Connect(t, address)
	p.Setup = func(e *testscript.Env) error {
		name := fmt.Sprintf("onward_newer_%d_%s", os.Getpid(), filepath.Base(e.WorkDir))
		pgservertest.Exec(t, server, "CREATE DATABASE "+pgx.Identifier{name}.Sanitize())
		e.Defer(func() {
			_, _ = server.Exec(context.Background(), "DROP DATABASE IF EXISTS "+pgx.Identifier{name}.Sanitize()+" WITH (FORCE)")
		})
		u, err := url.Parse(address)
		if err != nil {
			return err
		}
		u.Path = "/" + name
		e.Vars = append(e.Vars, "DATABASE_URL="+u.String())
		return setup(e)
	}
	t.Run("scripts", func(t *testing.T) { testscript.Run(t, p) })
}

var volatile = regexp.MustCompile(`"[^"]*/onward_[a-z0-9_]+"|\b[0-9a-f]{16}\b|[0-9.]+m?s\b|process [0-9]+`)

func posted(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: posted FILE")
	}
	h := ts.Value(hooked{}).(*hooks)
	h.mu.Lock()
	defer h.mu.Unlock()
	var out strings.Builder
	for _, text := range h.posted {
		var n onward.Notice
		ts.Check(strictly(text, &n))
		if n.Schema != onward.NoticeSchema || time.Since(n.At).Abs() > time.Minute || !documented(ts, string(n.Outcome)) {
			ts.Fatalf("no notice of the documented form: %s", text)
		}
		n.At = time.Time{}
		text, err := json.Marshal(n)
		ts.Check(err)
		fmt.Fprintln(&out, volatile.ReplaceAllString(string(text), "…"))
	}
	h.posted = nil
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), []byte(out.String()), 0o600))
}

// waits waits until a file has a text.
func waits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: waits TEXT FILE")
	}
	for end := time.Now().Add(time.Minute); ; time.Sleep(50 * time.Millisecond) {
		if text, err := os.ReadFile(ts.MkAbs(args[1])); err == nil && bytes.Contains(text, []byte(args[0])) {
			return
		}
		if time.Now().After(end) {
			ts.Fatalf("%s has no %s", args[1], args[0])
		}
	}
}

func events(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: events FROM TO")
	}
	text, err := os.ReadFile(ts.MkAbs(args[0]))
	ts.Check(err)
	var out strings.Builder
	last := time.Time{}
	for line := range strings.Lines(string(text)) {
		var e onward.ApplyEvent
		ts.Check(strictly(line, &e))
		if e.At.Before(last) || time.Since(e.At) > time.Minute || e.At.Location() != time.UTC || !documented(ts, e.Kind) || !strings.HasSuffix(line, "}\n") {
			ts.Fatalf("no event of the documented form: %s", line)
		}
		last = e.At
		fmt.Fprintln(&out, strings.TrimSpace(fmt.Sprintf("%s %s rows=%d total=%d of=%d %s", e.Kind, e.Step, e.Rows, e.Total, e.Of, e.Words)))
	}
	ts.Check(os.WriteFile(ts.MkAbs(args[1]), []byte(out.String()), 0o600))
}

// strictly reads JSON that has no other fields than those.
func strictly(text string, target any) error {
	d := json.NewDecoder(strings.NewReader(text))
	d.DisallowUnknownFields()
	return d.Decode(target)
}

// documented reports whether docs/apply-events.md has a word as one of those that a field may have.
func documented(ts *testscript.TestScript, word string) bool {
	page, err := os.ReadFile(page)
	ts.Check(err)
	return word != "" && bytes.Contains(page, []byte("| `"+word+"` |"))
}

// page is where the forms are documented; scripts run elsewhere.
var page = func() string {
	dir, err := os.Getwd()
	if err != nil {
		panic(err)
	}
	return dir + "/../../docs/apply-events.md"
}()
