package lsp

import (
	"context"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/creachadair/jrpc2"

	"github.com/onward-sql/onward/audit"
	"github.com/onward-sql/onward/internal/report/machine"
	"github.com/onward-sql/onward/internal/rules/tools/page"
	"github.com/onward-sql/onward/onward"
	"github.com/onward-sql/onward/plan"
)

// appliesFileEdits reports whether the editor can create and delete files that the server names.
func (s *server) appliesFileEdits() bool {
	w := &s.client.Capabilities.Workspace
	return w.ApplyEdit && w.WorkspaceEdit.DocumentChanges &&
		slices.Contains(w.WorkspaceEdit.ResourceOperations, "create") && slices.Contains(w.WorkspaceEdit.ResourceOperations, "delete")
}

// rewriteFiles asks the editor to replace a migration, and those that follow it, by safe ones, as onward changelog --fix does.
// The editor writes the files, and can undo that.
func (s *server) rewriteFiles(ctx context.Context, p *executeParams) error {
	var uri string
	if err := readArguments(p, &uri); err != nil {
		return err
	}
	if !s.appliesFileEdits() {
		return jrpc2.Errorf(jrpc2.InvalidRequest, "the editor cannot create and delete files: onward changelog --fix does it")
	}
	d, c, err := s.configureRelease(ctx, p.Command, uri)
	if err != nil {
		return err
	}
	fixes, err := plan.Fix(ctx, c, []string{d.file})
	if err != nil {
		return jrpc2.Errorf(jrpc2.InternalError, "%v", err)
	}
	edit, err := s.newFixesEdit(fixes)
	if err != nil {
		return jrpc2.Errorf(jrpc2.InternalError, "%v", err)
	}
	if edit == nil {
		text := "there is no safe form of this migration"
		if len(fixes.Left) > 0 {
			text += ": " + strings.Join(fixes.Left, "; ")
		}
		return jrpc2.Errorf(jrpc2.InvalidRequest, "%s", text)
	}
	// The command's own answer must not wait for the user.
	params := applyEditParams{Label: "onward: safe migrations", Edit: edit}
	params.Metadata.IsRefactoring = true
	question := questionParams{messageParams{Type: 3, Message: describeFixes(fixes)}, []messageAction{{replaceTitle}}}
	go func() {
		answer, err := s.rpc.Callback(s.ctx, "window/showMessageRequest", question)
		var chosen *messageAction
		if err != nil || answer.UnmarshalResult(&chosen) != nil || chosen == nil || chosen.Title != replaceTitle {
			return
		}
		_, _ = s.rpc.Callback(s.ctx, "workspace/applyEdit", params)
	}()
	return nil
}

// replaceTitle is the action with which the user agrees.
const replaceTitle = "Replace"

// describeFixes names the files that are created, changed and removed.
func describeFixes(fixes *plan.Fixes) string {
	var changed, removed []string
	for i := range fixes.Edits {
		changed = append(changed, fixes.Edits[i].Path)
	}
	for _, f := range fixes.Removed {
		removed = append(removed, f.Path)
	}
	var created []string
	if files, err := fixes.NewFiles(); err == nil {
		for _, f := range files {
			created = append(created, f.Path)
		}
	}
	var parts []string
	for _, p := range []struct {
		verb string
		list []string
	}{{"change", changed}, {"create", created}, {"remove", removed}} {
		if len(p.list) > 0 {
			parts = append(parts, p.verb+" "+strings.Join(p.list, ", "))
		}
	}
	return "onward will " + strings.Join(parts, "; ") + ". Nothing was tried on a server: onward plan proves it."
}

// newFixesEdit returns the changes of files as one edit; nil for none.
func (s *server) newFixesEdit(fixes *plan.Fixes) (*workspaceEdit, error) {
	files, err := fixes.NewFiles()
	if err != nil || len(files)+len(fixes.Edits) == 0 {
		return nil, err
	}
	out := &workspaceEdit{}
	uriOf := func(path string) string { return fileURI(filepath.Join(fixes.Root, filepath.FromSlash(path))) }
	for i := range fixes.Edits {
		e := &fixes.Edits[i]
		d := s.findOpenDoc(fixes.Root, e.Path)
		if d == nil { // not open in the editor: only its text is needed
			d = &doc{uri: uriOf(e.Path), text: newText(e.Old, s.units)}
		}
		edits := convertFixEdits(d, []onward.Edit{minimalEdit(e)})
		var version *int32
		if d.file != "" {
			version = &d.version
		}
		out.Documents = append(out.Documents, newDocumentEdit(d.uri, version, edits))
	}
	for _, f := range files {
		uri := uriOf(f.Path)
		out.Documents = append(out.Documents, fileOperation{Kind: "create", URI: uri},
			newDocumentEdit(uri, nil, []textEdit{{NewText: f.Text}}))
	}
	for _, f := range fixes.Removed {
		uri := uriOf(f.Path)
		if d := s.findOpenDoc(fixes.Root, f.Path); d != nil {
			uri = d.uri
		}
		out.Documents = append(out.Documents, fileOperation{Kind: "delete", URI: uri})
	}
	return out, nil
}

// findOpenDoc returns the open document of a file of a repository; nil for none.
func (s *server) findOpenDoc(root, path string) *doc {
	want := filepath.Join(root, filepath.FromSlash(path))
	info, err := os.Stat(want)
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, d := range s.docs {
		if d.file == want {
			return d
		}
		if other, failed := os.Stat(d.file); err == nil && failed == nil && os.SameFile(info, other) {
			return d
		}
	}
	return nil
}

// fileURI returns the address of a file.
func fileURI(file string) string {
	path := filepath.ToSlash(file)
	if !strings.HasPrefix(path, "/") {
		path = "/" + path // C:/…
	}
	return (&url.URL{Scheme: "file", Path: path}).String()
}

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
