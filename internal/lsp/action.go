package lsp

import (
	"context"
	"encoding/json"
	"slices"
	"strings"

	"github.com/creachadair/jrpc2"

	"github.com/onward-sql/onward/internal/report"
	"github.com/onward-sql/onward/internal/rules/page"
	"github.com/onward-sql/onward/onward"
)

const (
	quickFix       = "quickfix"
	explainCommand = "onward.explain"
)

// codeAction offers for each finding in a range its fix, the comment that takes it out, and
// the page of its rule.
func (s *server) codeAction(ctx context.Context, r *jrpc2.Request) (any, error) {
	p, err := params[codeActionParams](r)
	if err != nil {
		return nil, err
	}
	out := []codeAction{}
	if only := p.Context.Only; len(only) > 0 && !slices.Contains(only, quickFix) && !slices.Contains(only, "") {
		return out, nil
	}
	d, now, err := s.current(ctx, p.TextDocument.URI)
	if err != nil || d == nil || now.drafted == nil {
		return out, err
	}
	if was := now.texts[d.path]; was == nil || was.content != d.text.content {
		return out, nil // it goes on being typed: the next request has them
	}
	from, to := d.text.offset(p.Range.Start), d.text.offset(p.Range.End)
	for _, m := range marksOf(d, now.drafted.Report) {
		shown := d.diagnostic(&m)
		if m.Finding == nil || d.text.offset(shown.Range.Start) > to || d.text.offset(shown.Range.End) < from {
			continue
		}
		out = append(out, s.actions(d, &m, shown)...)
	}
	return out, nil
}

// actions are those on one finding.
func (s *server) actions(d *doc, m *report.Marked, shown diagnostic) []codeAction {
	var out []codeAction
	add := func(a codeAction) {
		a.Kind, a.Diagnostics = quickFix, []diagnostic{shown}
		out = append(out, a)
	}
	if edits := fixEdits(d, m.Finding.Fix); edits != nil {
		add(codeAction{Title: "onward: make it safe: " + m.Rule, IsPreferred: true, Edit: s.edit(d, edits)})
	}
	add(codeAction{Title: "onward: ignore " + m.Rule + " here", Edit: s.edit(d, []textEdit{ignore(d, m)})})
	add(codeAction{Title: "onward: explain " + m.Rule, Command: &command{Title: "explain " + m.Rule, Command: explainCommand, Arguments: []any{m.Rule}}})
	return out
}

// fixEdits are the edits of a fix, as the editor makes them; nil for none.
func fixEdits(d *doc, fix []onward.Edit) []textEdit {
	var out []textEdit
	for _, e := range fix {
		if e.Start < 0 || e.End < e.Start || e.End > len(d.text.content) {
			return nil
		}
		out = append(out, textEdit{Range: d.text.span(e.Start, e.End), NewText: d.ends(e.New)})
	}
	return out
}

// ends is a text with the line ends of the document.
func (d *doc) ends(s string) string {
	if strings.Contains(d.text.content, "\r\n") {
		s = strings.ReplaceAll(strings.ReplaceAll(s, "\r\n", "\n"), "\n", "\r\n")
	}
	return s
}

// ignore puts the comment that takes a finding out above its line.
func ignore(d *doc, m *report.Marked) textEdit {
	line := d.text.at(m.Line, 1)
	text := firstLine(d.text.content[line:])
	indent := text[:len(text)-len(strings.TrimLeft(text, " \t"))]
	return textEdit{Range: d.text.span(line, line), NewText: d.ends(indent + page.Suppression(m.Rule) + "\n")}
}

// edit is an edit of a document, in the form that the editor knows.
func (s *server) edit(d *doc, edits []textEdit) *workspaceEdit {
	if s.client.Capabilities.Workspace.WorkspaceEdit.DocumentChanges {
		return &workspaceEdit{DocumentChanges: []documentEdit{{TextDocument: document{URI: d.uri, Version: &d.version}, Edits: edits}}}
	}
	return &workspaceEdit{Changes: map[string][]textEdit{d.uri: edits}}
}

// execute shows the page of a rule, and gives it to who asks for the result.
func (s *server) execute(_ context.Context, r *jrpc2.Request) (any, error) {
	p, err := params[executeParams](r)
	if err != nil {
		return nil, err
	}
	var rule string
	if p.Command != explainCommand || len(p.Arguments) != 1 || json.Unmarshal(p.Arguments[0], &rule) != nil {
		return nil, jrpc2.Errorf(jrpc2.InvalidParams, "there is one command, %s, with the name of a rule", explainCommand)
	}
	text, err := s.Explain(rule)
	if err != nil {
		return nil, jrpc2.Errorf(jrpc2.InvalidParams, "%v", err)
	}
	_ = s.rpc.Notify(s.ctx, "window/showMessage", messageParams{Type: 3, Message: text})
	return text, nil
}
