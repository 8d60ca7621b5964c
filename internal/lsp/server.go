// Package lsp speaks the language server protocol with an editor: what onward finds in a
// migration while it is written, what a statement locks, the schema at the cursor.
//
// Nothing of a repository is run, nothing is written, and nothing leaves the machine.
package lsp

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"slices"
	"sync"

	"github.com/creachadair/jrpc2"

	"github.com/onward-sql/onward/audit"
	"github.com/onward-sql/onward/config"
)

// Config is what Serve needs.
type Config struct {
	// Version is that of the program, for the editor.
	Version string
	// Settings gives the configuration that holds for a directory.
	Settings func(dir string) (*config.Config, error)
	// Deployed says what is known of the deployed database: a server is never asked.
	Deployed audit.Deployed
	// Explain is the page of a rule, in Markdown.
	Explain func(rule string) (string, error)
	// Logger hears what is being done; nil is nobody.
	Logger *slog.Logger
}

// ErrEnd is why a session did not end as the protocol asks: without shutdown.
var ErrEnd = errors.New("the editor went without saying so (shutdown, exit)")

// Serve speaks with one editor until it says exit, or is gone.
//
// Errors: [ErrEnd]; one of reading.
func Serve(ctx context.Context, c Config, in io.Reader, out io.Writer) error {
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	s := &server{Config: c, ctx: ctx, docs: map[string]*doc{}, projects: map[string]*project{}, exited: make(chan struct{})}
	defer s.close()
	s.rpc = jrpc2.NewServer(s, &jrpc2.ServerOptions{
		AllowPush: true, DisableBuiltin: true, Concurrency: requests, NewContext: func() context.Context { return ctx },
	})
	s.rpc.Start(newFrames(in, closer{out}))
	ended := make(chan error, 1)
	go func() { ended <- s.rpc.Wait() }()
	var err error
	select {
	case <-s.exited: // the way in may stay open
	case err = <-ended:
	case <-ctx.Done():
		return ctx.Err()
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.state == down {
		return nil
	}
	return errors.Join(ErrEnd, err)
}

// requests is how many may wait at the same time.
const requests = 64

// closer leaves what it writes to open.
type closer struct{ io.Writer }

func (closer) Close() error { return nil }

// state is how far a session is.
type state int

const (
	begun state = iota
	up          // initialize was answered
	down        // shutdown was
)

// server is one session. mu guards what stands behind it.
type server struct {
	Config
	ctx    context.Context //nolint:containedctx // that of the session, which the server is
	rpc    *jrpc2.Server
	exited chan struct{}

	mu       sync.Mutex
	state    state
	units    encoding
	client   initializeParams
	docs     map[string]*doc // by their addresses
	projects map[string]*project
	told     map[string]bool // what was shown once
}

// close ends the work on all projects.
func (s *server) close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, p := range s.projects {
		p.end()
	}
}

// The protocol's own codes.
const (
	notInitialized   jrpc2.Code = -32002
	requestCancelled jrpc2.Code = -32800
)

type handler = func(context.Context, *jrpc2.Request) (any, error)

// Assign gives what answers a method, when the session is where it may be asked.
func (s *server) Assign(_ context.Context, method string) jrpc2.Handler {
	methods := map[string]handler{
		"initialize":                      s.initialize,
		"initialized":                     s.initialized,
		"shutdown":                        s.shutdown,
		"exit":                            s.exit,
		"$/cancelRequest":                 s.cancel,
		"textDocument/didOpen":            s.didOpen,
		"textDocument/didChange":          s.didChange,
		"textDocument/didSave":            s.didSave,
		"textDocument/didClose":           s.didClose,
		"textDocument/hover":              s.hover,
		"textDocument/codeAction":         s.codeAction,
		"workspace/executeCommand":        s.execute,
		"workspace/didChangeWatchedFiles": s.watched,
	}
	h := methods[method]
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case method == "exit" || method == "initialize" && s.state == begun:
	case s.state == begun:
		h = refuse(notInitialized, "the first request is initialize")
	case s.state == down:
		h = refuse(jrpc2.InvalidRequest, "the session was shut down")
	case method == "initialize":
		h = refuse(jrpc2.InvalidRequest, "the session was initialized already")
	}
	if h == nil {
		return nil
	}
	return func(ctx context.Context, r *jrpc2.Request) (any, error) {
		out, err := h(ctx, r)
		if ctx.Err() != nil && !r.IsNotification() {
			return nil, jrpc2.Errorf(requestCancelled, "cancelled")
		}
		return out, err
	}
}

func refuse(code jrpc2.Code, why string) handler {
	return func(context.Context, *jrpc2.Request) (any, error) { return nil, jrpc2.Errorf(code, "%s", why) }
}

// params reads those of a request.
func params[T any](r *jrpc2.Request) (out T, err error) {
	if err = r.UnmarshalParams(&out); err != nil {
		err = jrpc2.Errorf(jrpc2.InvalidParams, "%s: %v", r.Method(), err)
	}
	return out, err
}

func (s *server) initialize(_ context.Context, r *jrpc2.Request) (any, error) {
	p, err := params[initializeParams](r)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.state, s.client, s.units, s.told = up, p, utf16Units, map[string]bool{}
	if slices.Contains(p.Capabilities.General.PositionEncodings, utf8Units) {
		s.units = utf8Units
	}
	var out initializeResult
	out.ServerInfo.Name, out.ServerInfo.Version = "onward", s.Version
	c := &out.Capabilities
	c.PositionEncoding, c.HoverProvider = s.units, true
	c.TextDocumentSync.OpenClose, c.TextDocumentSync.Change, c.TextDocumentSync.Save = true, 2, true
	c.CodeActionProvider = map[string]any{"codeActionKinds": []string{quickFix}}
	c.ExecuteCommand.Commands = []string{explainCommand}
	return out, nil
}

// initialized asks to hear of files that others change, where the editor can tell.
func (s *server) initialized(context.Context, *jrpc2.Request) (any, error) {
	s.mu.Lock()
	watches := s.client.Capabilities.Workspace.DidChangeWatchedFiles.DynamicRegistration
	s.mu.Unlock()
	if !watches {
		return nil, nil
	}
	var list []map[string]string
	for _, glob := range []string{"**/*.sql", "**/" + config.Name, "**/.git/HEAD", "**/.git/logs/HEAD"} {
		list = append(list, map[string]string{"globPattern": glob})
	}
	go func() { // its answer comes behind this notification
		_, _ = s.rpc.Callback(s.ctx, "client/registerCapability", map[string]any{
			"registrations": []registration{{ID: "files", Method: "workspace/didChangeWatchedFiles", Register: map[string]any{"watchers": list}}},
		})
	}()
	return nil, nil
}

func (s *server) shutdown(context.Context, *jrpc2.Request) (any, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.state = down
	return nil, nil
}

func (s *server) exit(context.Context, *jrpc2.Request) (any, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	select {
	case <-s.exited:
	default:
		close(s.exited)
	}
	return nil, nil
}

func (s *server) cancel(_ context.Context, r *jrpc2.Request) (any, error) {
	p, err := params[struct {
		ID json.RawMessage `json:"id"`
	}](r)
	if err == nil {
		s.rpc.CancelRequest(string(p.ID))
	}
	return nil, err
}

// show tells the editor's user something, once.
func (s *server) show(kind int, text string) {
	s.mu.Lock()
	was := s.told[text]
	s.told[text] = true
	s.mu.Unlock()
	if !was {
		_ = s.rpc.Notify(s.ctx, "window/showMessage", messageParams{Type: kind, Message: "onward: " + text})
	}
}
