package jscode

import (
	"strings"

	"github.com/onward-sql/onward/internal/adapter"
	"github.com/onward-sql/onward/internal/lazyregexp"
)

// ended matches a call with a text that a ';' ends.
var ended = lazyregexp.New("[`'\"]\\);")

// PutFirst puts a statement before all others of a migration, if the function "up" can await it.
func (a Adapter) PutFirst(_ adapter.Tree, m *adapter.Migration, sql string) string {
	text := m.Source.Text
	forward := ReadUp(text, a.Sends)
	if a.Call == nil || forward.Body == 0 || a.Sends.Parameter && forward.Parameter == "" {
		return ""
	}
	rest := text[forward.Body:]
	space := rest[:len(rest)-len(strings.TrimLeft(rest, " \t\r\n"))]
	end, indent := "", space[strings.LastIndexByte(space, '\n')+1:]
	if ended.MatchString(rest) { // the style of the program
		end = ";"
	}
	if !strings.Contains(space, "\n") {
		rest = "\n" + rest
	}
	return text[:forward.Body] + "\n" + indent + a.Call(forward.Parameter) + QuoteTemplate(sql) + ")" + end + rest
}
