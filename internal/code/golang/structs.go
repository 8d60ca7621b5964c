package golang

import (
	"bytes"
	"strings"

	"github.com/onward-sql/onward/internal/code/facts"
	"github.com/onward-sql/onward/internal/code/lexer"
	"github.com/onward-sql/onward/internal/code/source"
)

// Structs of Go are read even if they are not declared to a mapper: rows are read into
// them, and models embed them.

// rowTag begins the tag that maps a row's column to a field.
const rowTag = `db:"`

// ReadStructs records the structs of a file.
func ReadStructs(r *source.File) {
	if !mayHaveStructs(r.Text) {
		return
	}
	tree := parseFile(r)
	for _, found := range tree.structsOf() {
		s := facts.Struct{Line: r.LineAt(tree.offsetOf(found.at)), Class: found.name}
		for i := range found.fields {
			f := &found.fields[i]
			line := r.LineAt(tree.offsetOf(f.at))
			for _, name := range columnsOfField(f) {
				s.Fields = append(s.Fields, facts.Word{Mark: facts.HashText(name), Line: line})
			}
			if base, ok := baseOf(r, f); ok {
				s.Bases = append(s.Bases, base)
			}
		}
		if len(s.Fields)+len(s.Bases) > 0 {
			r.Facts.Structs = append(r.Facts.Structs, s)
		}
	}
}

// columnsOfField returns the names that a field may have as a column.
func columnsOfField(f *field) (out []string) {
	for _, name := range f.names {
		if name.IsExported() {
			out = append(out, name.Name)
		}
	}
	if _, tag, found := strings.Cut(f.tag, rowTag); found {
		out = append(out, tag[:lexer.NameLength([]byte(tag))])
	}
	return out
}

// resolveImport replaces the file's own name for a package by the last part of its import
// path.
func resolveImport(r *source.File, name string) string {
	called, name, ok := strings.Cut(name, ".")
	if !ok {
		return called
	}
	for _, l := range r.Strings[:min(len(r.Strings), maxImports)] {
		text := r.Text[l.From:l.To]
		if n := bytes.LastIndexByte(text, '/'); n >= 0 && bytes.HasSuffix(r.Text[:l.Open], []byte("\t"+called+" ")) {
			return string(text[n+1:]) + "." + name
		}
	}
	return called + "." + name
}

// maxImports is how many strings of a Go file are searched for its imports.
const maxImports = 100
