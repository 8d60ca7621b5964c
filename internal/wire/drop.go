package wire

import (
	"bytes"
	"strings"

	"github.com/onward-sql/onward/internal/lazyregexp"
)

// dropText finds what drops a database or a schema. It is asked only of texts that have the
// words, and takes comments for white space.
var (
	dropText    = lazyregexp.New(`(?is)\bdrop\s+(database|schema)\s+(?:if\s+exists\s+)?((?:"(?:[^"]|"")+"|[^\s,;("]+)(?:\s*,\s*(?:"(?:[^"]|"")+"|[^\s,;("]+))*)([^;]*)`)
	dropName    = lazyregexp.New(`"(?:[^"]|"")+"|[^\s,"]+`)
	dropComment = lazyregexp.New(`(?s)/\*.*?\*/|--[^\n]*`)
)

// appendDrops appends the databases and schemas that a message drops: a and b for DROP SCHEMA a, b CASCADE.
func appendDrops(list []Drop, kind byte, body []byte, database string) []Drop {
	if kind == 'P' {
		_, body, _ = bytes.Cut(body, []byte{0})
	}
	body, _, _ = bytes.Cut(body, []byte{0})
	if !hasDrop(body) {
		return list
	}
	text := dropComment.ReplaceAllString(string(body), " ")
	for _, m := range dropText.FindAllStringSubmatch(text, -1) {
		schema := strings.EqualFold(m[1], "schema")
		if schema && !strings.Contains(strings.ToLower(m[3]), "cascade") {
			continue
		}
		for _, name := range dropName.FindAllString(m[2], -1) {
			if name = unquoteName(name); schema {
				list = append(list, Drop{Database: database, Schema: name})
			} else {
				list = append(list, Drop{Database: name})
			}
		}
	}
	return list
}

// hasDrop is quick: nearly no text has the words.
func hasDrop(text []byte) bool {
	for i := 0; ; {
		offset := bytes.IndexAny(text[i:], "dD")
		if offset < 0 || i+offset+4 > len(text) {
			return false
		}
		if i += offset; bytes.EqualFold(text[i:i+4], []byte("drop")) {
			return true
		}
		i++
	}
}

// unquoteName is the name that a written one means.
func unquoteName(name string) string {
	if strings.HasPrefix(name, `"`) {
		return strings.ReplaceAll(name[1:len(name)-1], `""`, `"`)
	}
	return strings.ToLower(name)
}
