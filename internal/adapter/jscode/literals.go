package jscode

import (
	"bytes"
	"encoding/json"
	"strings"

	"github.com/onward-sql/onward/internal/lazyregexp"
)

// QuoteSQLName writes an identifier with double quotes.
func QuoteSQLName(name string) string { return `"` + strings.ReplaceAll(name, `"`, `""`) + `"` }

// QuoteSQLText writes a text with single quotes.
func QuoteSQLText(text string) string { return "'" + strings.ReplaceAll(text, "'", "''") + "'" }

// StringifyValue writes a value of literals as JSON.stringify does. ok is false if it has something else.
func StringifyValue(v Value) (text string, ok bool) {
	var b strings.Builder
	ok = stringifyInto(&b, v)
	return b.String(), ok
}

func stringifyInto(b *strings.Builder, v Value) bool {
	switch v.Kind {
	case Text:
		b.WriteString(stringifyText(v.Text))
	case Number:
		number, ok := v.PlainNumber()
		b.WriteString(number)
		return ok
	case Word:
		b.WriteString(v.Text)
		return v.Text != "undefined"
	case List:
		b.WriteByte('[')
		for i, item := range v.Items {
			if i > 0 {
				b.WriteByte(',')
			}
			if !stringifyInto(b, item) {
				return false
			}
		}
		b.WriteByte(']')
	case Object:
		b.WriteByte('{')
		for i, f := range v.Fields {
			if i > 0 {
				b.WriteByte(',')
			}
			b.WriteString(stringifyText(f.Name) + ":")
			if !stringifyInto(b, f.Value) {
				return false
			}
		}
		b.WriteByte('}')
	default:
		return false
	}
	return true
}

// stringifyText writes a text as JSON.stringify does: with fewer escapes than Go.
func stringifyText(text string) string {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(text); err != nil {
		return `""`
	}
	return strings.NewReplacer(`\u2028`, "\u2028", `\u2029`, "\u2029").Replace(strings.TrimSuffix(b.String(), "\n"))
}

// MostRows and MostColumns bound the rows of literals that are read, and MostCondition the length of a condition of many calls.
const (
	MostRows      = 10_000
	MostColumns   = 200
	MostCondition = 64 << 10
)

// ListColumns returns the properties of rows, which are objects, in the order in which they first occur. ok is false if a row is no such
// object, or if there are too many.
func ListColumns(rows []Value) (columns []string, ok bool) {
	seen := map[string]bool{}
	for _, r := range rows {
		if r.Kind != Object || len(r.Fields) == 0 {
			return nil, false
		}
		for _, f := range r.Fields {
			if !seen[f.Name] {
				seen[f.Name] = true
				columns = append(columns, f.Name)
			}
		}
		if len(columns) > MostColumns {
			return nil, false
		}
	}
	return columns, len(rows) > 0 && len(rows) <= MostRows
}

// quotedName matches an identifier with quotes.
var quotedName = lazyregexp.New(`"(?:[^"]|"")*"`)

// HasCamelName reports whether a statement has a name with a capital letter, which a plugin for snake_case would change.
func HasCamelName(sql string) bool {
	for _, name := range quotedName.FindAllString(sql, -1) {
		if strings.ToLower(name) != name {
			return true
		}
	}
	return false
}
