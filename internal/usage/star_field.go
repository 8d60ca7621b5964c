package usage

import (
	"bytes"
	"slices"
)

// A struct that has a field for a column knows it already, whatever it is read for.

var (
	structBegins = []byte("struct {\n")
	rowTag       = []byte(`db:"`)
)

// rows notes what tells how a file has to do with rows: whether it works with sqlx, and
// the fields of its structs.
func (r *reader) rows() {
	switch {
	case r.d == rust:
		r.facts.Sqlx = bytes.Contains(r.text, []byte("sqlx::"))
	case r.d == goLike:
		r.facts.Sqlx = bytes.Contains(r.text, []byte(`"github.com/jmoiron/sqlx"`))
		r.facts.Lax = bytes.Contains(r.text, []byte(".Unsafe()"))
		r.fields()
	}
}

// fields notes the fields of all structs of a file.
func (r *reader) fields() {
	list := r.facts.Fields
	for at := 0; ; {
		n := bytes.Index(r.text[at:], structBegins)
		if n < 0 {
			break
		}
		at += n + len(structBegins)
		for depth := 1; depth > 0 && at < len(r.text); {
			line := r.text[at : at+lineEnd(r.text[at:])]
			at = min(at+len(line)+1, len(r.text))
			line = bytes.TrimSpace(line)
			if bytes.HasPrefix(line, []byte("}")) {
				depth--
			}
			if bytes.HasSuffix(line, []byte("{")) {
				depth++
			}
			list = append(list, columnsOfField(line)...)
		}
	}
	slices.Sort(list)
	r.facts.Fields = slices.Compact(list)
}

// columnsOfField are the names that a line of a struct has for a column, as marks.
func columnsOfField(line []byte) (out []uint32) {
	n := nameLen(line)
	if rest := bytes.TrimLeft(line[n:], " \t"); n > 0 && 'A' <= line[0] && line[0] <= 'Z' && len(rest) > 0 && len(rest) < len(line)-n && bytes.IndexByte([]byte("=:(,."), rest[0]) < 0 {
		out = append(out, Mark(string(line[:n])))
	}
	if at := bytes.Index(line, rowTag); at >= 0 {
		tag := line[at+len(rowTag):]
		out = append(out, Mark(string(tag[:nameLen(tag)])))
	}
	return out
}
