package usage

import (
	"bytes"
	"path"
	"slices"
)

// property is a key of an object, and the range of its value.
type property struct {
	key      string
	at       int
	from, to int
}

// maxObject bounds the length of an object that is read.
const maxObject = 64 << 10

// readObject returns the properties of the object that begins at an offset, and the offset after it. If it is not closed, end is
// how far it was read.
func (r *reader) readObject(at int) (list []property, end int, closed bool) {
	text := r.text[:min(len(r.text), at+maxObject)]
	p := property{at: -1}
	depth := 0
	value := false
	finish := func(to int) {
		if value {
			p.to = to
			list = append(list, p)
		}
		p, value = property{at: -1}, false
	}
	for i := at; i < len(text); i++ {
		switch c := text[i]; {
		case c == '/' && bytes.HasPrefix(text[i:], []byte("//")):
			i += lineEnd(text[i:]) - 1
		case c == '/' && bytes.HasPrefix(text[i:], []byte("/*")):
			i += endOf(text[i:], "*/") - 1
		case c == '"' || c == '\'' || c == '`':
			from := i
			for i++; i < len(text) && text[i] != c; i++ {
				if text[i] == '\\' {
					i++
				}
			}
			if depth == 1 && !value && i < len(text) {
				p.key, p.at = string(text[from+1:i]), from
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
		case c == ':' && !value && p.at >= 0:
			value, p.from = true, i+1
		case !value && nameByte[c]:
			n := nameLen(text[i:])
			p.key, p.at = string(text[i:i+n]), i
			i += n - 1
		}
	}
	return nil, len(text), false
}

// valueOf returns the text of a value of an object; "" if it has none.
func (r *reader) valueOf(list []property, key string) string {
	for _, p := range list {
		if p.key == key {
			return string(bytes.TrimSpace(r.text[p.from:p.to]))
		}
	}
	return ""
}

// quotedText returns the text of a literal; "" for another expression.
func quotedText(value string) string {
	if n := len(value); n > 2 && n < 130 && (value[0] == '"' || value[0] == '\'' || value[0] == '`') && value[n-1] == value[0] {
		if inner := value[1 : n-1]; nameText.MatchString(inner) {
			return inner
		}
	}
	return ""
}

// declaresSchemas reports whether a script declares schemas to Drizzle.
func (r *reader) declaresSchemas() bool {
	if !r.schemasRead {
		r.schemasRead = true
		r.schemas = slices.Contains(scripts, path.Ext(r.path)) && bytes.Contains(r.text, []byte("pgSchema(")) && bytes.Contains(r.text, []byte("drizzle-orm"))
	}
	return r.schemas
}
