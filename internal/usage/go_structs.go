package usage

import (
	"bytes"
	"strings"
)

// Structs of Go are read even if they are not declared to a mapper: rows are read into
// them, and models embed them.

// rowTag begins the tag that maps a row's column to a field.
const rowTag = `db:"`

// recordStructs records whether a file uses sqlx, and its structs.
func (r *reader) recordStructs() {
	switch {
	case r.d == rust:
		r.facts.Sqlx = bytes.Contains(r.text, []byte("sqlx::"))
		r.rustRows()
	case r.d == goLike:
		r.facts.Sqlx = bytes.Contains(r.text, []byte(`"github.com/jmoiron/sqlx"`))
		r.facts.Lax = bytes.Contains(r.text, []byte(".Unsafe()"))
		r.readStructs()
	}
}

// readStructs records the structs of a file.
func (r *reader) readStructs() {
	if !mayHaveStructs(r.text) {
		return
	}
	tree := r.parseGo()
	for _, found := range tree.structsOf() {
		s := Struct{Line: r.lineAt(tree.offsetOf(found.at)), Class: found.name}
		for i := range found.fields {
			f := &found.fields[i]
			line := r.lineAt(tree.offsetOf(f.at))
			for _, name := range columnsOfField(f) {
				s.Fields = append(s.Fields, Word{HashText(name), line})
			}
			if base, ok := r.baseOf(f); ok {
				s.Bases = append(s.Bases, base)
			}
		}
		if len(s.Fields)+len(s.Bases) > 0 {
			r.facts.Structs = append(r.facts.Structs, s)
		}
	}
}

// columnsOfField returns the names that a field may have as a column.
func columnsOfField(f *goField) (out []string) {
	for _, name := range f.names {
		if name.IsExported() {
			out = append(out, name.Name)
		}
	}
	if _, tag, found := strings.Cut(f.tag, rowTag); found {
		out = append(out, tag[:nameLen([]byte(tag))])
	}
	return out
}

// resolveImport replaces the file's own name for a package by the last part of its import
// path.
func (r *reader) resolveImport(name string) string {
	called, name, ok := strings.Cut(name, ".")
	if !ok {
		return called
	}
	for _, l := range r.lits[:min(len(r.lits), maxImports)] {
		text := r.text[l.from:l.to]
		if n := bytes.LastIndexByte(text, '/'); n >= 0 && bytes.HasSuffix(r.text[:l.open], []byte("\t"+called+" ")) {
			return string(text[n+1:]) + "." + name
		}
	}
	return called + "." + name
}

// maxImports is how many strings of a Go file are searched for its imports.
const maxImports = 100
