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

// Config configures Serve.
type Config struct {
	// Version is the program's version, for the editor.
	Version string
	// Settings returns the configuration of a directory.
	Settings func(dir string) (*config.Config, error)
	// Deployed says where to read the deployed database: never from a server.
	Deployed audit.Deployed
	// Explain returns the page of a rule, in Markdown.
	Explain func(rule string) (string, error)
	// Judged is called after each judgement of a project; it may be nil.
	Judged func()
	// Logger logs progress; it may be nil.
	Logger *slog.Logger
}

// ErrEnd is the error of a session that ended without shutdown.
var ErrEnd = errors.New("the editor went without saying so (shutdown, exit)")

// Serve serves one editor until it sends exit, or disconnects.
//
// Errors: [ErrEnd]; a read error.
func Serve(ctx context.Context, c Config, in io.Reader, out io.Writer) error {
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	s := &server{Config: c, ctx: ctx, docs: map[string]*doc{}, projects: map[string]*project{}, exited: make(chan struct{})}
	defer s.closeProjects()
	s.rpc = jrpc2.NewServer(s, &jrpc2.ServerOptions{
		AllowPush: true, DisableBuiltin: true, Concurrency: requests, NewContext: func() context.Context { return ctx },
	})
	s.rpc.Start(newFrames(in, closer{out}))
	ended := make(chan error, 1)
	go func() { ended <- s.rpc.Wait() }()
	var err error
	select {
	case <-s.exited: // the input may stay open
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

// requests is how many requests may wait at the same time.
const requests = 64

// closer does not close its writer.
type closer struct{ io.Writer }

func (closer) Close() error { return nil }

// state is the stage of a session.
type state int

const (
	begun state = iota
	up          // initialize was answered
	down        // shutdown was
)

// server is one session. mu guards the fields after it.
type server struct {
	Config
	ctx    context.Context //nolint:containedctx // the session's, which the server is
	rpc    *jrpc2.Server
	exited chan struct{}

	mu        sync.Mutex
	state     state
	units     encoding
	client    initializeParams
	docs      map[string]*doc // by their addresses
	projects  map[string]*project
	shownOnce map[string]bool // messages that were shown once
}

// closeProjects stops the work on all projects.
func (s *server) closeProjects() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, p := range s.projects {
		p.stop()
	}
}

// Error codes of the protocol itself.
const (
	notInitialized   jrpc2.Code = -32002
	requestCancelled jrpc2.Code = -32800
)

type handler = func(context.Context, *jrpc2.Request) (any, error)

// Assign returns the handler of a method, if the session's state allows it.
func (s *server) Assign(_ context.Context, method string) jrpc2.Handler {
	methods := map[string]handler{
		"initialize":                      s.initializeSession,
		"initialized":                     s.watchFiles,
		"shutdown":                        s.shutDown,
		"exit":                            s.endSession,
		"$/cancelRequest":                 s.cancelRequest,
		"textDocument/didOpen":            s.didOpen,
		"textDocument/didChange":          s.didChange,
		"textDocument/didSave":            s.didSave,
		"textDocument/didClose":           s.didClose,
		"textDocument/hover":              s.showHover,
		"textDocument/codeAction":         s.listCodeActions,
		"textDocument/codeLens":           s.listLenses,
		"workspace/executeCommand":        s.executeCommand,
		"workspace/didChangeWatchedFiles": s.rereadFiles,
	}
	h := methods[method]
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case method == "exit" || method == "initialize" && s.state == begun:
	case s.state == begun:
		h = refusingHandler(notInitialized, "the first request is initialize")
	case s.state == down:
		h = refusingHandler(jrpc2.InvalidRequest, "the session was shut down")
	case method == "initialize":
		h = refusingHandler(jrpc2.InvalidRequest, "the session was initialized already")
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

func refusingHandler(code jrpc2.Code, message string) handler {
	return func(context.Context, *jrpc2.Request) (any, error) { return nil, jrpc2.Errorf(code, "%s", message) }
}

// readParams reads the parameters of a request.
func readParams[T any](r *jrpc2.Request) (out T, err error) {
	if err = r.UnmarshalParams(&out); err != nil {
		err = jrpc2.Errorf(jrpc2.InvalidParams, "%s: %v", r.Method(), err)
	}
	return out, err
}

func (s *server) initializeSession(_ context.Context, r *jrpc2.Request) (any, error) {
	p, err := readParams[initializeParams](r)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.state, s.client, s.units, s.shownOnce = up, p, utf16Units, map[string]bool{}
	if slices.Contains(p.Capabilities.General.PositionEncodings, utf8Units) {
		s.units = utf8Units
	}
	var out initializeResult
	out.ServerInfo.Name, out.ServerInfo.Version = "onward", s.Version
	c := &out.Capabilities
	c.PositionEncoding, c.HoverProvider = s.units, true
	c.TextDocumentSync.OpenClose, c.TextDocumentSync.Change, c.TextDocumentSync.Save = true, 2, true
	c.CodeActionProvider = map[string]any{"codeActionKinds": []string{quickFix}}
	c.CodeLensProvider = map[string]any{"resolveProvider": false}
	c.ExecuteCommand.Commands = []string{explainCommand, locksCommand, planCommand, rewriteCommand}
	return out, nil
}

// watchFiles asks for notifications of changed files, if the editor supports them.
func (s *server) watchFiles(context.Context, *jrpc2.Request) (any, error) {
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
	go func() { // its answer follows this notification
		_, _ = s.rpc.Callback(s.ctx, "client/registerCapability", map[string]any{
			"registrations": []registration{{ID: "files", Method: "workspace/didChangeWatchedFiles", Register: map[string]any{"watchers": list}}},
		})
	}()
	return nil, nil
}

func (s *server) shutDown(context.Context, *jrpc2.Request) (any, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.state = down
	return nil, nil
}

func (s *server) endSession(context.Context, *jrpc2.Request) (any, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	select {
	case <-s.exited:
	default:
		close(s.exited)
	}
	return nil, nil
}

func (s *server) cancelRequest(_ context.Context, r *jrpc2.Request) (any, error) {
	p, err := readParams[struct {
		ID json.RawMessage `json:"id"`
	}](r)
	if err == nil {
		s.rpc.CancelRequest(string(p.ID))
	}
	return nil, err
}

// showMessage shows a message to the editor's user, once.
func (s *server) showMessage(kind int, text string) {
	s.mu.Lock()
	wasShown := s.shownOnce[text]
	s.shownOnce[text] = true
	s.mu.Unlock()
	if !wasShown {
		_ = s.rpc.Notify(s.ctx, "window/showMessage", messageParams{Type: kind, Message: "onward: " + text})
	}
}
