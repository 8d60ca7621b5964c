package lsp

import (
	"context"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/creachadair/jrpc2"

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
