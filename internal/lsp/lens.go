package lsp

import (
	"context"

	"github.com/creachadair/jrpc2"

	"github.com/onward-sql/onward/internal/report/markdown"
	"github.com/onward-sql/onward/onward"
	"github.com/onward-sql/onward/plan"
)

// listLenses returns a line above each statement of a migration: what it locks. The first statement with a finding that a
// plan can avoid also has one that plans the release.
func (s *server) listLenses(ctx context.Context, r *jrpc2.Request) (any, error) {
	p, err := readParams[documentParams](r)
	if err != nil {
		return nil, err
	}
	out := []codeLens{}
	d, now, err := s.waitForCurrentResult(ctx, p.TextDocument.URI)
	if err != nil || d == nil || now.drafted == nil {
		return out, err
	}
	if judged := now.texts[d.path]; judged == nil || judged.content != d.text.content {
		return out, nil // the user is still typing: the next request has them
	}
	unsafe := firstPlannableLine(d, now.drafted.Report)
	for i := range now.drafted.Report.Migrations {
		m := &now.drafted.Report.Migrations[i]
		if m.Path != d.path || m.Status != onward.StatusNew {
			continue
		}
		for k := range m.Statements {
			st := &m.Statements[k]
			if st.Line <= 0 {
				continue
			}
			offset := d.text.offsetOfLineColumn(st.Line, st.Column)
			place := d.text.spanOf(offset, offset+len(firstLine(d.text.content[offset:])))
			text := markdown.SummarizeLocks(st)
			title := "what this locks: " + text
			isShown := len(out) > 0 && out[len(out)-1].Range == place && out[len(out)-1].Command.Title == title // by the same call of a program
			if text != "" && !isShown {
				out = append(out, codeLens{Range: place, Command: command{Title: title, Command: locksCommand, Arguments: []any{d.uri, place.Start}}})
			}
			last := k+1 == len(m.Statements)
			if unsafe > 0 && (unsafe <= st.Line || last || unsafe < m.Statements[k+1].Line) {
				out = append(out, codeLens{Range: place, Command: command{Title: "plan this", Command: planCommand, Arguments: []any{d.uri}}})
				unsafe = 0
			}
		}
	}
	return out, nil
}

// firstPlannableLine returns the line of a document's first finding that a plan can avoid; 0 for none.
func firstPlannableLine(d *doc, r *onward.Report) int {
	line := 0
	for i := range r.Findings {
		f := &r.Findings[i]
		if f.Path == d.path && f.Line > 0 && (line == 0 || f.Line < line) && plan.IsPlannable(f) {
			line = f.Line
		}
	}
	return line
}

// refreshLenses asks the editor to request the lines again: the repository has changed, and no text of the editor has.
func (s *server) refreshLenses() {
	if s.client.Capabilities.Workspace.CodeLens.RefreshSupport {
		go func() { _, _ = s.rpc.Callback(s.ctx, "workspace/codeLens/refresh", nil) }()
	}
}
