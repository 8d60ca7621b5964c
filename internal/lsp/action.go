package lsp

import (
	"context"
	"slices"
	"strings"

	"github.com/creachadair/jrpc2"

	"github.com/onward-sql/onward/audit"
	"github.com/onward-sql/onward/internal/report/machine"
	"github.com/onward-sql/onward/internal/rules/tools/page"
	"github.com/onward-sql/onward/onward"
	"github.com/onward-sql/onward/plan"
)

const quickFix = "quickfix"

// listCodeActions offers for each finding in a range its fix, the comment that suppresses it,
// and the page of its rule.
func (s *server) listCodeActions(ctx context.Context, r *jrpc2.Request) (any, error) {
	p, err := readParams[codeActionParams](r)
	if err != nil {
		return nil, err
	}
	out := []codeAction{}
	if kinds := p.Context.Only; len(kinds) > 0 && !slices.Contains(kinds, quickFix) && !slices.Contains(kinds, "") {
		return out, nil
	}
	d, now, err := s.waitForCurrentResult(ctx, p.TextDocument.URI)
	if err != nil || d == nil || now.drafted == nil {
		return out, err
	}
	if judged := now.texts[d.path]; judged == nil || judged.content != d.text.content {
		return out, nil // the user is still typing: the next request has them
	}
	from, to := d.text.offsetOf(p.Range.Start), d.text.offsetOf(p.Range.End)
	for _, m := range marksOf(d, now.drafted.Report) {
		shown := d.newDiagnostic(&m)
		if m.Finding == nil || d.text.offsetOf(shown.Range.Start) > to || d.text.offsetOf(shown.Range.End) < from {
			continue
		}
		out = append(out, s.actionsForFinding(d, &m, shown, &now)...)
	}
	return out, nil
}

// actionsForFinding returns the actions for one finding. A rewrite is the safe form of its file; nil for none.
func (s *server) actionsForFinding(d *doc, m *machine.Marked, shown diagnostic, now *result) []codeAction {
	var out []codeAction
	add := func(a codeAction) {
		a.Kind, a.Diagnostics = quickFix, []diagnostic{shown}
		out = append(out, a)
	}
	fix, rewrite := m.Finding.Fix, now.rewrites[d.path]
	if fix == nil && rewrite != nil && plan.IsPlannable(m.Finding) {
		fix = []onward.Edit{minimalEdit(rewrite)}
	}
	if edits := convertFixEdits(d, fix); edits != nil {
		add(codeAction{Title: "onward: make it safe: " + m.Rule, IsPreferred: true, Edit: s.newWorkspaceEdit(d, edits)})
	} else if plan.IsPlannable(m.Finding) && s.appliesFileEdits() {
		title := "onward: replace the migration by safe files: " + m.Rule
		add(codeAction{Title: title, Command: &command{Title: title, Command: rewriteCommand, Arguments: []any{d.uri}}})
	}
	add(codeAction{Title: "onward: ignore " + m.Rule + " here", Edit: s.newWorkspaceEdit(d, []textEdit{newIgnoreEdit(d, m, now.drafted.Judged[d.path])})})
	add(codeAction{Title: "onward: explain " + m.Rule, Command: &command{Title: "explain " + m.Rule, Command: explainCommand, Arguments: []any{m.Rule}}})
	return out
}

// convertFixEdits returns the edits of a fix, in the editor's form; nil for none.
func convertFixEdits(d *doc, fix []onward.Edit) []textEdit {
	var out []textEdit
	for _, e := range fix {
		if e.Start < 0 || e.End < e.Start || e.End > len(d.text.content) {
			return nil
		}
		out = append(out, textEdit{Range: d.text.spanOf(e.Start, e.End), NewText: d.withLineEnds(e.New)})
	}
	return out
}

// minimalEdit returns the smallest edit of whole lines that has a rewrite's result.
func minimalEdit(rewrite *plan.Edit) onward.Edit {
	before, after := strings.SplitAfter(rewrite.Old, "\n"), strings.SplitAfter(rewrite.New, "\n")
	start := 0
	for len(before) > 0 && len(after) > 0 && before[0] == after[0] {
		start += len(before[0])
		before, after = before[1:], after[1:]
	}
	for len(before) > 0 && len(after) > 0 && before[len(before)-1] == after[len(after)-1] {
		before, after = before[:len(before)-1], after[:len(after)-1]
	}
	return onward.Edit{Start: start, End: start + len(strings.Join(before, "")), New: strings.Join(after, "")}
}

// withLineEnds returns a text with the line ends of the document.
func (d *doc) withLineEnds(s string) string {
	if strings.Contains(d.text.content, "\r\n") {
		s = strings.ReplaceAll(strings.ReplaceAll(s, "\r\n", "\n"), "\n", "\r\n")
	}
	return s
}

// newIgnoreEdit puts the comment that suppresses a finding above its line: in the form of the language, and in a program above
// the call that sends the statement.
func newIgnoreEdit(d *doc, m *machine.Marked, judged *audit.Folded) textEdit {
	above, marker := m.Line, "--"
	if judged != nil {
		above, marker = judged.Script.PlaceSuppression(m.Line)
	}
	line := d.text.offsetOfLineColumn(above, 1)
	text := firstLine(d.text.content[line:])
	indent := text[:len(text)-len(strings.TrimLeft(text, " \t"))]
	return textEdit{Range: d.text.spanOf(line, line), NewText: d.withLineEnds(indent + page.FormatSuppression(m.Rule, marker) + "\n")}
}

func newDocumentEdit(uri string, version *int32, edits []textEdit) documentEdit {
	out := documentEdit{Edits: edits}
	out.TextDocument.URI, out.TextDocument.Version = uri, version
	return out
}

// newWorkspaceEdit returns an edit of a document, in the form that the editor knows.
func (s *server) newWorkspaceEdit(d *doc, edits []textEdit) *workspaceEdit {
	if s.client.Capabilities.Workspace.WorkspaceEdit.DocumentChanges {
		return &workspaceEdit{Documents: []any{newDocumentEdit(d.uri, &d.version, edits)}}
	}
	return &workspaceEdit{Changes: map[string][]textEdit{d.uri: edits}}
}
