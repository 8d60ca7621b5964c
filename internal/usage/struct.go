package usage

import (
	"bytes"
	"regexp"
	"strings"
)

// Structs of Go are read, whether a mapper is told of them or not: rows go into them, and
// models embed them.

var (
	structBegins = []byte("struct {\n")
	rowTag       = []byte(`db:"`)
	structName   = regexp.MustCompile(`^(?:type\s+)?(\w+)(?:\[.*\])?\s+struct \{$`)
	// goEmbeds is an embedded struct; goEmbedded is a field of which the mapper is told to
	// take the columns.
	goEmbeds   = regexp.MustCompile("^\\*?((?:\\w+\\.)?[A-Za-z]\\w*)\\s*(?:`([^`]*)`)?\\s*(?://.*)?$")
	goEmbedded = regexp.MustCompile("^\\w+\\s+\\*?((?:\\w+\\.)?[A-Za-z]\\w*)\\s+`([^`]*\\b(?:gorm:\"(?:[^\"]*;)?embedded\\b|bun:\"[^\"]*\\bembed:)[^`]*)`")
	goPrefix   = regexp.MustCompile(`\bembeddedPrefix:(\w+)|\bembed:(\w+)`)
)

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
	for at := 0; ; {
		n := bytes.Index(r.text[at:], structBegins)
		if n < 0 {
			return
		}
		s := Struct{Line: r.lineAt(at + n), Class: first(structName, r.lineOf(at+n))}
		at += n + len(structBegins)
		for depth := 1; depth > 0 && at < len(r.text); {
			line := r.text[at : at+lineEnd(r.text[at:])]
			number := r.lineAt(at)
			at = min(at+len(line)+1, len(r.text))
			line = bytes.TrimSpace(line)
			if bytes.HasPrefix(line, []byte("}")) {
				depth--
			}
			if bytes.HasSuffix(line, []byte("{")) {
				depth++
			}
			for _, name := range columnsOfField(line) {
				s.Fields = append(s.Fields, Word{Mark(name), number})
			}
			if base, ok := r.embeds(line); ok && depth == 1 {
				s.Bases = append(s.Bases, base)
			}
		}
		if len(s.Fields)+len(s.Bases) > 0 {
			r.facts.Structs = append(r.facts.Structs, s)
		}
	}
}

// columnsOfField are the names that a line of a struct has for a column.
func columnsOfField(line []byte) (out []string) {
	n := nameLen(line)
	if rest := bytes.TrimLeft(line[n:], " \t"); n > 0 && 'A' <= line[0] && line[0] <= 'Z' && len(rest) > 0 && len(rest) < len(line)-n && bytes.IndexByte([]byte("=:(,.`/"), rest[0]) < 0 {
		out = append(out, string(line[:n]))
	}
	if at := bytes.Index(line, rowTag); at >= 0 {
		tag := line[at+len(rowTag):]
		out = append(out, string(tag[:nameLen(tag)]))
	}
	return out
}

// embeds tells the struct whose columns a line of another one takes.
func (r *reader) embeds(line []byte) (Base, bool) {
	n := 0
	for n < len(line) && (nameByte[line[n]] || line[n] == '.' || line[n] == '*' && n == 0) {
		n++
	}
	var m [][]byte
	switch rest := bytes.TrimLeft(line[n:], " \t"); {
	case n == 0:
	case len(rest) == 0 || rest[0] == '`' || rest[0] == '/':
		m = goEmbeds.FindSubmatch(line)
	case bytes.Contains(rest, []byte("embed")):
		m = goEmbedded.FindSubmatch(line)
	}
	if m == nil || bytes.Contains(m[2], []byte(`:"-"`)) {
		return Base{}, false
	}
	return Base{Name: r.imported(string(m[1])), Prefix: first(goPrefix, string(m[2]))}, true
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
