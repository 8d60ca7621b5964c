package lsp

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/url"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/creachadair/jrpc2"
	"github.com/creachadair/jrpc2/channel"

	"github.com/onward-sql/onward/audit"
	"github.com/onward-sql/onward/config"
	"github.com/onward-sql/onward/internal/gitrange/gittest"
)

// session is an editor with the library's own client and framing, over pipes.
type session struct {
	t     *testing.T
	dir   string
	rpc   *jrpc2.Client
	shown chan publishParams
	said  chan messageParams
	// asked are the edits that the server asked for, verdicts the branch's verdicts.
	asked    chan json.RawMessage
	verdicts chan verdictParams
	// questions are those for the user, answers the actions that the user takes; "" for none.
	questions, answers chan string
	ended              chan error
	judged             atomic.Int32 // how often the release was judged
}

// patience is how long a test waits for what comes at once.
const patience = 60 * time.Second

// edits begins a session in a repository: the last archive is what is on disk, the others are
// its commits.
func edits(t *testing.T, capabilities string, archives ...string) *session {
	t.Helper()
	return editsWith(t, `"capabilities":`+capabilities, archives...)
}

// editsWith is edits with other parameters of the session, too.
func editsWith(t *testing.T, params string, archives ...string) *session {
	t.Helper()
	s := begin(t, gittest.CommitArchives(t, archives...))
	var got initializeResult
	if err := s.rpc.CallResult(t.Context(), "initialize", json.RawMessage(`{"processId":null,"rootUri":null,`+params+`}`), &got); err != nil {
		t.Fatal(err)
	}
	s.notify("initialized", struct{}{})
	return s
}

func begin(t *testing.T, dir string) *session {
	t.Helper()
	s := &session{t: t, dir: dir, shown: make(chan publishParams, 100), said: make(chan messageParams, 100), ended: make(chan error, 1),
		asked: make(chan json.RawMessage, 100), verdicts: make(chan verdictParams, 100),
		questions: make(chan string, 100), answers: make(chan string, 100)}
	in, toServer := io.Pipe()
	fromServer, out := io.Pipe()
	go func() {
		err := Serve(context.Background(), Config{
			Settings: func(dir string) (*config.Config, error) { return config.Load(dir, audit.Names()) },
			Explain:  func(rule string) (string, error) { return "# " + rule, nil },
			Judged:   func() { s.judged.Add(1) },
		}, in, out)
		_ = out.Close()
		s.ended <- err
	}()
	s.rpc = jrpc2.NewClient(channel.LSP(fromServer, toServer), &jrpc2.ClientOptions{OnNotify: s.hear, OnCallback: s.answerServer})
	t.Cleanup(func() { _ = toServer.Close(); _ = s.rpc.Close() })
	return s
}

// answerServer answers a request of the server.
func (s *session) answerServer(_ context.Context, r *jrpc2.Request) (any, error) {
	if r.Method() == "workspace/applyEdit" {
		s.asked <- json.RawMessage(r.ParamString())
	}
	if r.Method() == "window/showMessageRequest" {
		var p questionParams
		if err := r.UnmarshalParams(&p); err != nil {
			s.t.Error(err)
		}
		s.questions <- p.Message
		if title := <-s.answers; title != "" {
			return messageAction{title}, nil
		}
		return nil, nil
	}
	return map[string]bool{"applied": true}, nil
}

func (s *session) hear(r *jrpc2.Request) {
	switch r.Method() {
	case "textDocument/publishDiagnostics":
		var p publishParams
		if err := r.UnmarshalParams(&p); err != nil {
			s.t.Error(err)
		}
		s.shown <- p
	case "onward/verdict":
		var p verdictParams
		if err := r.UnmarshalParams(&p); err != nil {
			s.t.Error(err)
		}
		s.verdicts <- p
	case "window/showMessage":
		var p messageParams
		if err := r.UnmarshalParams(&p); err != nil {
			s.t.Error(err)
		}
		s.said <- p
	}
}

func (s *session) notify(method string, params any) {
	s.t.Helper()
	if err := s.rpc.Notify(s.t.Context(), method, params); err != nil {
		s.t.Fatal(err)
	}
}

func (s *session) uri(path string) string {
	return (&url.URL{Scheme: "file", Path: filepath.ToSlash(filepath.Join(s.dir, path))}).String()
}

func (s *session) open(path, text string) {
	s.t.Helper()
	var p didOpenParams
	p.TextDocument.URI, p.TextDocument.LanguageID, p.TextDocument.Version, p.TextDocument.Text = s.uri(path), "sql", 1, text
	s.notify("textDocument/didOpen", p)
}

func (s *session) change(path string, version int, changes string) {
	s.t.Helper()
	s.notify("textDocument/didChange", map[string]any{
		"textDocument": map[string]any{"uri": s.uri(path), "version": version}, "contentChanges": json.RawMessage(changes),
	})
}

// whole is a change of all the text.
func whole(text string) string {
	out, _ := json.Marshal([]map[string]string{{"text": text}}) //nolint:errchkjson // strings
	return string(out)
}

// diagnostics returns the diagnostics of a version of a file.
func (s *session) diagnostics(path string, version int32) []diagnostic {
	s.t.Helper()
	late := time.After(patience)
	for {
		select {
		case p := <-s.shown:
			if p.URI == s.uri(path) && p.Version != nil && *p.Version == version {
				return p.Diagnostics
			}
		case <-late:
			s.t.Fatalf("no diagnostics of version %d of %s", version, path)
		}
	}
}

// codes are diagnostics in short: severity, rule and range.
func codes(list []diagnostic) string {
	var out []string
	for _, d := range list {
		out = append(out, strings.Join(strings.Fields([]string{"", "error", "warning", "info", "hint"}[d.Severity]+" "+d.Code+" "+place(d.Range)), " "))
	}
	return strings.Join(out, "; ")
}

func place(r span) string {
	text, _ := json.Marshal([]uint32{r.Start.Line, r.Start.Character, r.End.Line, r.End.Character}) //nolint:errchkjson // numbers
	return string(text)
}

const deployed = "-- m/1_a.sql --\nCREATE TABLE t (id bigint PRIMARY KEY, v text);\n"

func TestDiagnostics(t *testing.T) {
	t.Parallel()
	s := edits(t, "{}", deployed, "-- m/2_b.sql --\nSELECT 1;\n")
	for version, step := range []struct{ text, want string }{
		{"CREATE INDEX i ON t (v);\n", "error index-create-blocking [0,0,0,23]"},
		{"CREATE INDEX CONCURRENTLY i ON t (v);\n", ""},
		{"-- 🐘\r\n/* 🐘 */ CREATE INDEX i ON t (v);\r\n", "error index-create-blocking [1,9,1,32]"},
		{"SELEC 1;\nCREATE INDEX i ON t (v);\n", "error index-create-blocking [1,0,1,23]; info [0,0,0,8]"},
		{"CREATE INDEX i ON t (v);\nALTER TABLE t ADD COLUM", "error index-create-blocking [0,0,0,23]"},
	} {
		if version == 0 {
			s.open("m/2_b.sql", step.text)
		} else {
			s.change("m/2_b.sql", version+1, whole(step.text))
		}
		got := s.diagnostics("m/2_b.sql", int32(version+1))
		var relevant []diagnostic
		for _, d := range got {
			if d.Code == "index-create-blocking" || d.Code == "" {
				relevant = append(relevant, d)
			}
		}
		if !strings.HasPrefix(codes(relevant), step.want) || step.want == "" && len(relevant) > 0 {
			t.Errorf("%q: %s, want %s", step.text, codes(got), step.want)
		}
		for _, d := range relevant {
			if d.Code != "" && (d.CodeDescription == nil || !strings.HasSuffix(d.CodeDescription.Href, d.Code+".md") || d.Source != "onward") {
				t.Errorf("%+v", d)
			}
		}
	}
}

// The order of a session: no answers before initialize, none after shutdown, and how it ends.
func TestLifecycle(t *testing.T) {
	t.Parallel()
	code := func(err error) jrpc2.Code { return jrpc2.ErrorCode(err) }
	s := begin(t, t.TempDir())
	ctx := t.Context()
	if _, err := s.rpc.Call(ctx, "textDocument/hover", struct{}{}); code(err) != notInitialized {
		t.Error(err)
	}
	s.notify("textDocument/didOpen", struct{}{}) // is dropped
	if _, err := s.rpc.Call(ctx, "initialize", json.RawMessage(`{"capabilities":[]}`)); code(err) != jrpc2.InvalidParams {
		t.Error(err)
	}
	if _, err := s.rpc.Call(ctx, "initialize", json.RawMessage(`{"capabilities":{"general":{"positionEncodings":["utf-8","utf-16"]}}}`)); err != nil {
		t.Error(err)
	}
	if _, err := s.rpc.Call(ctx, "initialize", json.RawMessage(`{"capabilities":{}}`)); code(err) != jrpc2.InvalidRequest {
		t.Error(err)
	}
	if _, err := s.rpc.Call(ctx, "textDocument/formatting", struct{}{}); code(err) != jrpc2.MethodNotFound {
		t.Error(err)
	}
	if _, err := s.rpc.Call(ctx, "shutdown", nil); err != nil {
		t.Error(err)
	}
	if _, err := s.rpc.Call(ctx, "textDocument/hover", struct{}{}); code(err) != jrpc2.InvalidRequest {
		t.Error(err)
	}
	s.notify("exit", nil)
	if err := <-s.ended; err != nil {
		t.Error(err)
	}
	rude := begin(t, t.TempDir())
	if _, err := rude.rpc.Call(ctx, "initialize", json.RawMessage(`{"capabilities":{}}`)); err != nil {
		t.Error(err)
	}
	rude.notify("exit", nil)
	if err := <-rude.ended; !errors.Is(err, ErrEnd) {
		t.Error(err)
	}
}

// A migration whose safe form has several statements, and stays one file, is rewritten in the editor as changelog --fix does it.
func TestRewriteAction(t *testing.T) {
	t.Parallel()
	const base = "-- m/00001_a.sql --\n-- +goose Up\nCREATE TABLE t (id bigint PRIMARY KEY, v text);\n"
	const build = "CREATE INDEX i ON t (v)"
	for _, c := range []struct{ name, text, want string }{
		{
			"one file", "-- +goose Up\n-- quick\n" + build + "; -- kept\n",
			"-- +goose NO TRANSACTION\n-- +goose Up\n-- quick\nCREATE INDEX CONCURRENTLY i ON t (v); -- kept\n",
		},
		{"two statements", "-- +goose Up\n" + build + ";\nSELECT 1;\n", ""},
		{"several files", "-- +goose Up\nALTER TABLE t RENAME v TO w;\n", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s := edits(t, "{}", base, "-- m/00002_b.sql --\n-- +goose Up\nSELECT 1;\n")
			s.open("m/00002_b.sql", c.text)
			s.diagnostics("m/00002_b.sql", 1)
			var p codeActionParams
			p.TextDocument.URI, p.Range.End.Line = s.uri("m/00002_b.sql"), 9
			var actions []codeAction
			if err := s.rpc.CallResult(t.Context(), "textDocument/codeAction", p, &actions); err != nil {
				t.Fatal(err)
			}
			got := ""
			for _, a := range actions {
				if a.Title == "onward: make it safe: index-create-blocking" {
					edit, lines := a.Edit.Changes[s.uri("m/00002_b.sql")][0], strings.SplitAfter(c.text, "\n")
					got = strings.Join(lines[:edit.Range.Start.Line], "") + edit.NewText + strings.Join(lines[edit.Range.End.Line:], "")
				}
			}
			if got != c.want {
				t.Errorf("the file becomes\n%s\nwant\n%s", got, c.want)
			}
		})
	}
}
