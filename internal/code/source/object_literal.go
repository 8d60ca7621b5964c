package source

import (
	"bytes"
	"path"
	"slices"

	"github.com/onward-sql/onward/internal/code/lexer"
	"github.com/onward-sql/onward/internal/lazyregexp"
)

// ScriptEndings are the extensions of JavaScript and TypeScript.
var ScriptEndings = []string{".ts", ".js", ".mts", ".mjs", ".cts", ".cjs", ".tsx"}

// Property is a key of an object, and the range of its value.
type Property struct {
	Key      string
	At       int // the offset of the key
	From, To int // of the value
}

// maxObject bounds the length of an object that is read.
const maxObject = 64 << 10

// ReadObject returns the properties of the object that begins at an offset, and the offset after it. If it is not closed, end is
// how far it was read.
func (r *File) ReadObject(start int) (list []Property, end int, closed bool) {
	text := r.Text[:min(len(r.Text), start+maxObject)]
	p := Property{At: -1}
	depth := 0
	value := false
	finish := func(to int) {
		if value {
			p.To = to
			list = append(list, p)
		}
		p, value = Property{At: -1}, false
	}
	for i := start; i < len(text); i++ {
		switch c := text[i]; {
		case c == '/' && bytes.HasPrefix(text[i:], []byte("//")):
			i += lexer.LineEnd(text[i:]) - 1
		case c == '/' && bytes.HasPrefix(text[i:], []byte("/*")):
			i += lexer.FindEnd(text[i:], "*/") - 1
		case c == '"' || c == '\'' || c == '`':
			from := i
			for i++; i < len(text) && text[i] != c; i++ {
				if text[i] == '\\' {
					i++
				}
			}
			if depth == 1 && !value && i < len(text) {
				p.Key, p.At = string(text[from+1:i]), from
			}
		case c == '{' || c == '[' || c == '(':
			depth++
		case c == '}' || c == ']' || c == ')':
			if depth--; depth == 0 {
				finish(i)
				return list, i + 1, true
			}
		case depth != 1:
		case c == ',':
			finish(i)
		case c == ':' && !value && p.At >= 0:
			value, p.From = true, i+1
		case !value && lexer.NameByte[c]:
			n := lexer.NameLength(text[i:])
			p.Key, p.At = string(text[i:i+n]), i
			i += n - 1
		}
	}
	return nil, len(text), false
}

// ValueOf returns the text of a value of an object; "" if it has none.
func (r *File) ValueOf(list []Property, key string) string {
	for _, p := range list {
		if p.Key == key {
			return string(bytes.TrimSpace(r.Text[p.From:p.To]))
		}
	}
	return ""
}

// nameText matches a name, which may have its schema.
var nameText = lazyregexp.New(`^[\w.]+$`)

// QuotedText returns the text of a literal; "" for another expression.
func QuotedText(value string) string {
	if n := len(value); n > 2 && n < 130 && (value[0] == '"' || value[0] == '\'' || value[0] == '`') && value[n-1] == value[0] {
		if inner := value[1 : n-1]; nameText.MatchString(inner) {
			return inner
		}
	}
	return ""
}

// DeclaresSchemas reports whether a script declares schemas to Drizzle.
func (r *File) DeclaresSchemas() bool {
	if !r.schemasRead {
		r.schemasRead = true
		r.schemas = slices.Contains(ScriptEndings, path.Ext(r.Path)) && bytes.Contains(r.Text, []byte("pgSchema(")) && bytes.Contains(r.Text, []byte("drizzle-orm"))
	}
	return r.schemas
}
