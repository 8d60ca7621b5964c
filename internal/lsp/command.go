package lsp

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"

	"github.com/creachadair/jrpc2"

	"github.com/onward-sql/onward/audit"
	"github.com/onward-sql/onward/internal/report"
	"github.com/onward-sql/onward/internal/report/markdown"
	"github.com/onward-sql/onward/plan"
	"github.com/onward-sql/onward/rehearse"
)

// The commands, with their arguments.
const (
	explainCommand = "onward.explain" // the name of a rule
	locksCommand   = "onward.locks"   // a document and a position
	planCommand    = "onward.plan"    // a document
	rewriteCommand = "onward.rewrite" // a document
)

// executeCommand executes a command. Its result is Markdown, which is also shown to an editor that does not show results.
func (s *server) executeCommand(ctx context.Context, r *jrpc2.Request) (any, error) {
	p, err := readParams[executeParams](r)
	if err != nil {
		return nil, err
	}
	var text string
	switch p.Command {
	case explainCommand:
		text, err = s.explainRule(&p)
	case locksCommand:
		text, err = s.describeLocks(ctx, &p)
	case planCommand:
		text, err = s.planRelease(ctx, &p)
	case rewriteCommand:
		return nil, s.rewriteFiles(ctx, &p)
	default:
		err = jrpc2.Errorf(jrpc2.InvalidParams, "there is no command %q", p.Command)
	}
	if err != nil {
		return nil, err
	}
	if !s.client.InitializationOptions.ShowsResults {
		_ = s.rpc.Notify(s.ctx, "window/showMessage", messageParams{Type: 3, Message: text})
	}
	return text, nil
}

// readArguments reads the arguments of a command.
func readArguments(p *executeParams, to ...any) error {
	if len(p.Arguments) != len(to) {
		return jrpc2.Errorf(jrpc2.InvalidParams, "%s has %d arguments, and %d came", p.Command, len(to), len(p.Arguments))
	}
	for i := range to {
		if err := json.Unmarshal(p.Arguments[i], to[i]); err != nil {
			return jrpc2.Errorf(jrpc2.InvalidParams, "%s: argument %d: %v", p.Command, i+1, err)
		}
	}
	return nil
}

func (s *server) explainRule(p *executeParams) (string, error) {
	var rule string
	if err := readArguments(p, &rule); err != nil {
		return "", err
	}
	text, err := s.Explain(rule)
	if err != nil {
		return "", jrpc2.Errorf(jrpc2.InvalidParams, "%v", err)
	}
	return text, nil
}

// describeLocks describes what the statement at a position locks.
func (s *server) describeLocks(ctx context.Context, p *executeParams) (string, error) {
	var uri string
	var place position
	if err := readArguments(p, &uri, &place); err != nil {
		return "", err
	}
	d, now, err := s.waitForCurrentResult(ctx, uri)
	if err != nil {
		return "", err
	}
	if d == nil || now.drafted == nil {
		return "", jrpc2.Errorf(jrpc2.InvalidParams, "%s: the document is no migration that is judged", p.Command)
	}
	found := findCursorObject(d, now.drafted, d.text.offsetOf(place))
	if found.statement == nil {
		return "", jrpc2.Errorf(jrpc2.InvalidParams, "%s: there is no statement at the position", p.Command)
	}
	fence := "```"
	for strings.Contains(found.statement.SQL, fence) {
		fence += "`"
	}
	return fence + "sql\n" + strings.TrimSpace(found.statement.SQL) + "\n" + fence + "\n\n" + markdown.DescribeStatement(found.migration, found.index), nil
}

// planRelease plans the release with the editor's texts. It proves nothing, because a proof takes a server.
func (s *server) planRelease(ctx context.Context, p *executeParams) (string, error) {
	var uri string
	if err := readArguments(p, &uri); err != nil {
		return "", err
	}
	_, c, err := s.configureRelease(ctx, p.Command, uri)
	if err != nil {
		return "", err
	}
	releasePlan, _, err := plan.Make(ctx, plan.Config{Config: rehearse.Config{Config: c}, Sketch: true})
	if err != nil {
		return "", jrpc2.Errorf(jrpc2.InternalError, "%v", err)
	}
	var b strings.Builder
	if err := report.WritePlan(&b, report.FormatMarkdown, releasePlan, report.Options{}); err != nil {
		return "", err
	}
	return b.String(), nil
}

// configureRelease returns a migration of the editor, and the release of its project with all texts that are not saved. Nothing of the
// project runs.
func (s *server) configureRelease(ctx context.Context, name, uri string) (*doc, audit.Config, error) {
	d, now, err := s.waitForCurrentResult(ctx, uri)
	if err != nil {
		return nil, audit.Config{}, err
	}
	if d == nil || now.drafted == nil {
		return nil, audit.Config{}, jrpc2.Errorf(jrpc2.InvalidParams, "%s: the document is no migration that is judged", name)
	}
	settings, err := s.Settings(d.project.dir)
	if err != nil {
		return nil, audit.Config{}, jrpc2.Errorf(jrpc2.InternalError, "%v", err)
	}
	c := audit.Config{Dir: d.project.dir, Settings: settings, Deployed: s.Deployed, Still: true, Logger: s.Logger, Edits: audit.Edits{}}
	for path, text := range now.texts {
		saved, err := os.ReadFile(filepath.Join(now.root, filepath.FromSlash(path)))
		if err != nil || string(saved) != text.content {
			c.Edits[path] = &text.content
		}
	}
	return d, c, nil
}
