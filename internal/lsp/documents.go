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

// maxText bounds the size of a document that is judged while it is edited, in bytes.
const maxText = 1 << 20

// doc is a document that the editor has open.
type doc struct {
	uri     string
	file    string // absolute; "" if it is no file
	version int32
	text    *text
	// lostReason says why the editor's text is no longer known; nil if it is known.
	lostReason error
	project    *project // nil for none
	path       string   // in the project's repository
}

// isMigration reports whether the document is one to judge: SQL, or a program in a directory of migrations.
func (d *doc) isMigration() bool {
	return d.project != nil && d.lostReason == nil && len(d.text.content) <= maxText && d.hasFindings()
}

// hasFindings reports whether findings of the document's project are shown in it, or why there are none.
func (d *doc) hasFindings() bool { return d.isSQL() || d.project.holdsFile(d.file) }

// mayBeMigration is isMigration, and true for every program of a repository that was not read yet.
func (d *doc) mayBeMigration() bool {
	return d.project != nil && (d.isSQL() || d.project.mayHoldFile(d.file))
}

// isSQL reports whether the document is SQL. In any directory it has a hover with the schema.
func (d *doc) isSQL() bool { return strings.HasSuffix(d.file, ".sql") }

// fileFromURI returns the file of an address; "" for none.
func fileFromURI(uri string) string {
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
	p, err := readParams[didOpenParams](r)
	if err != nil {
		return nil, err
	}
	d := &doc{uri: p.TextDocument.URI, file: fileFromURI(p.TextDocument.URI), version: p.TextDocument.Version}
	s.mu.Lock()
	d.text = newText(p.TextDocument.Text, s.units)
	if d.file != "" {
		d.project = s.openProject(filepath.Dir(d.file))
	}
	s.docs[d.uri] = d
	s.mu.Unlock()
	s.judgeRelated(d, false)
	return nil, nil
}

// errOrder is the error for a missing change, after which the text is not known.
var errOrder = errors.New("its changes came in another order than they were made")

func (s *server) didChange(_ context.Context, r *jrpc2.Request) (any, error) {
	p, err := readParams[didChangeParams](r)
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
	next.applyChanges(p)
	s.docs[d.uri] = &next
	s.mu.Unlock()
	if next.lostReason != nil && d.lostReason == nil {
		s.showMessage(2, fmt.Sprintf("%s is not judged any more, because %v: close it and open it again", filepath.Base(d.file), next.lostReason))
	}
	s.judgeRelated(&next, false)
	return nil, nil
}

// applyChanges applies changes to the document.
func (d *doc) applyChanges(p didChangeParams) {
	var list []contentChange
	if err := json.Unmarshal(p.ContentChanges, &list); err != nil {
		d.lostReason = errors.New("a change could not be read")
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
				continue // a newer change arrived before
			}
			d.lostReason = nil
		} else if late {
			d.lostReason = errOrder
		}
		if d.lostReason != nil {
			continue
		}
		changed, err := d.text.applyChange(c)
		if err != nil {
			d.lostReason = err
			continue
		}
		d.text = changed
	}
	d.version = max(version, d.version)
}

func (s *server) didSave(_ context.Context, r *jrpc2.Request) (any, error) {
	p, err := readParams[documentParams](r)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	d := s.docs[p.TextDocument.URI]
	s.mu.Unlock()
	if d == nil {
		return nil, nil
	}
	// Any file may affect how a release is judged: another migration, or the configuration.
	s.judgeRelated(d, true)
	return nil, nil
}

func (s *server) didClose(_ context.Context, r *jrpc2.Request) (any, error) {
	p, err := readParams[documentParams](r)
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
	s.judgeRelated(d, true)
	return nil, nil
}

// rereadFiles reads everything again, because files were changed outside the editor.
func (s *server) rereadFiles(context.Context, *jrpc2.Request) (any, error) {
	s.mu.Lock()
	var all []*project
	for _, p := range s.projects {
		all = append(all, p)
	}
	s.mu.Unlock()
	for _, p := range all {
		p.requestJudging(true)
	}
	return nil, nil
}

// judgeRelated judges the related documents again. fromScratch is set if their repository must be read
// again, too.
func (s *server) judgeRelated(d *doc, fromScratch bool) {
	if d.mayBeMigration() || d.project != nil && filepath.Base(d.file) == config.Name {
		d.project.requestJudging(fromScratch)
	}
}

// openProject returns the project of a directory; nil for none. The caller holds mu.
func (s *server) openProject(dir string) *project {
	if real, err := filepath.EvalSymlinks(dir); err == nil {
		dir = real
	}
	for current := dir; ; current = filepath.Dir(current) {
		if fileExists(filepath.Join(current, ".git")) || fileExists(filepath.Join(current, config.Name)) {
			p := s.projects[current]
			if p == nil {
				p = newProject(s, current)
				s.projects[current] = p
			}
			return p
		}
		if current == filepath.Dir(current) {
			return nil
		}
	}
}

func fileExists(path string) bool {
	_, err := os.Lstat(path)
	return err == nil
}
