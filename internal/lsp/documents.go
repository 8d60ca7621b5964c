package lsp

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"github.com/creachadair/jrpc2"

	"github.com/onward-sql/onward/config"
)

// maxText bounds what is judged while it is typed, in bytes.
const maxText = 1 << 20

// doc is a document that the editor has open.
type doc struct {
	uri     string
	file    string // absolute; "" for one that is no file
	version int32
	text    *text
	// lost says why the editor's text is not known any more; nil: it is.
	lost    error
	project *project // nil for none
	path    string   // in the project's repository
}

// judged reports whether the document is one to judge.
func (d *doc) judged() bool {
	return d.project != nil && d.lost == nil && strings.HasSuffix(d.file, ".sql") && len(d.text.content) <= maxText
}

// fileOf is the file of an address; "" for none.
func fileOf(uri string) string {
	u, err := url.Parse(uri)
	if err != nil || u.Scheme != "file" || u.Host != "" && u.Host != "localhost" {
		return ""
	}
	p := u.Path
	if len(p) > 2 && p[0] == '/' && p[2] == ':' { // file:///C:/…
		p = p[1:]
	}
	return filepath.Clean(filepath.FromSlash(p))
}

func (s *server) didOpen(_ context.Context, r *jrpc2.Request) (any, error) {
	p, err := params[didOpenParams](r)
	if err != nil {
		return nil, err
	}
	d := &doc{uri: p.TextDocument.URI, file: fileOf(p.TextDocument.URI), version: p.TextDocument.Version}
	s.mu.Lock()
	d.text = newText(p.TextDocument.Text, s.units)
	if d.file != "" {
		d.project = s.projectOf(filepath.Dir(d.file))
	}
	s.docs[d.uri] = d
	s.mu.Unlock()
	s.touched(d, false)
	return nil, nil
}

// errOrder is why a text is not known: a change is missing.
var errOrder = errors.New("its changes came in another order than they were made")

func (s *server) didChange(_ context.Context, r *jrpc2.Request) (any, error) {
	p, err := params[didChangeParams](r)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	d := s.docs[p.TextDocument.URI]
	if d == nil {
		s.mu.Unlock()
		return nil, jrpc2.Errorf(jrpc2.InvalidParams, "the document was not opened")
	}
	next := *d
	next.take(p)
	s.docs[d.uri] = &next
	s.mu.Unlock()
	if next.lost != nil && d.lost == nil {
		s.show(2, fmt.Sprintf("%s is not judged any more, because %v: close it and open it again", filepath.Base(d.file), next.lost))
	}
	s.touched(&next, false)
	return nil, nil
}

// take makes changes to the document.
func (d *doc) take(p didChangeParams) {
	var list []contentChange
	if err := json.Unmarshal(p.ContentChanges, &list); err != nil {
		d.lost = errors.New("a change could not be read")
		return
	}
	version := d.version + 1
	if p.TextDocument.Version != nil {
		version = *p.TextDocument.Version
	}
	late := version <= d.version
	for _, c := range list {
		if c.Range == nil {
			if late {
				continue // what came before is newer
			}
			d.lost = nil
		} else if late {
			d.lost = errOrder
		}
		if d.lost != nil {
			continue
		}
		changed, err := d.text.changed(c)
		if err != nil {
			d.lost = err
			continue
		}
		d.text = changed
	}
	d.version = max(version, d.version)
}

func (s *server) didSave(_ context.Context, r *jrpc2.Request) (any, error) {
	p, err := params[documentParams](r)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	d := s.docs[p.TextDocument.URI]
	s.mu.Unlock()
	if d == nil {
		return nil, nil
	}
	// What is judged of a release may hang on any file of it: on another migration, and on
	// the configuration.
	s.touched(d, true)
	return nil, nil
}

func (s *server) didClose(_ context.Context, r *jrpc2.Request) (any, error) {
	p, err := params[documentParams](r)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	d := s.docs[p.TextDocument.URI]
	delete(s.docs, p.TextDocument.URI)
	s.mu.Unlock()
	if d == nil {
		return nil, nil
	}
	_ = s.rpc.Notify(s.ctx, "textDocument/publishDiagnostics", publishParams{URI: d.uri, Diagnostics: []diagnostic{}})
	s.touched(d, true)
	return nil, nil
}

// watched reads everything again: files were changed by others.
func (s *server) watched(context.Context, *jrpc2.Request) (any, error) {
	s.mu.Lock()
	var all []*project
	for _, p := range s.projects {
		all = append(all, p)
	}
	s.mu.Unlock()
	for _, p := range all {
		p.wake(true)
	}
	return nil, nil
}

// touched judges what has to do with a document again. again: its repository is read again, too.
func (s *server) touched(d *doc, again bool) {
	if d.project != nil && (strings.HasSuffix(d.file, ".sql") || again) {
		d.project.wake(again)
	}
}

// projectOf is the project that a directory belongs to; nil for none. The caller holds mu.
func (s *server) projectOf(dir string) *project {
	if real, err := filepath.EvalSymlinks(dir); err == nil {
		dir = real
	}
	for at := dir; ; at = filepath.Dir(at) {
		if exists(filepath.Join(at, ".git")) || exists(filepath.Join(at, config.Name)) {
			p := s.projects[at]
			if p == nil {
				p = newProject(s, at)
				s.projects[at] = p
			}
			return p
		}
		if at == filepath.Dir(at) {
			return nil
		}
	}
}

func exists(path string) bool {
	_, err := os.Lstat(path)
	return err == nil
}
