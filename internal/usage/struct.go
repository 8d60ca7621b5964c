package usage

import (
	"bytes"
	"strings"
)

// Structs of Go are read, whether a mapper is told of them or not: rows go into them, and
// models embed them.

// rowTag is the tag by which a row's column goes into a field.
const rowTag = `db:"`

// rows notes what tells how a file has to do with rows: whether it works with sqlx, and
// its structs.
func (r *reader) rows() {
	switch {
	case r.d == rust:
		r.facts.Sqlx = bytes.Contains(r.text, []byte("sqlx::"))
	case r.d == goLike:
		r.facts.Sqlx = bytes.Contains(r.text, []byte(`"github.com/jmoiron/sqlx"`))
		r.facts.Lax = bytes.Contains(r.text, []byte(".Unsafe()"))
		r.structs()
	}
}

// structs notes the structs of a file.
func (r *reader) structs() {
	if !mayHaveStructs(r.text) {
		return
	}
	tree := r.goTree()
	for _, found := range tree.structsOf() {
		s := Struct{Line: r.lineAt(tree.offset(found.at)), Class: found.name}
		for i := range found.fields {
			f := &found.fields[i]
			line := r.lineAt(tree.offset(f.at))
			for _, name := range columnsOfField(f) {
				s.Fields = append(s.Fields, Word{Mark(name), line})
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

// columnsOfField are the names that a field has for a column.
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

// imported is a name of a package as it is called where it is: by the end of its path,
// where the file has another name for it.
func (r *reader) imported(name string) string {
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

// maxImports is how many strings of a file of Go are looked at for its imports.
const maxImports = 100
