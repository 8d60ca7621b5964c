package knex

import (
	"strings"

	"github.com/onward-sql/onward/internal/adapter/jscode"
)

// unknown is what a call sends whose SQL is not read.
var unknown = jscode.Translation{Why: "its SQL is known only when it runs"}

// translateCall returns the SQL of a chain of calls that begins with Knex.
func translateCall(call jscode.Value) jscode.Translation {
	links := call.Links[1:]
	switch {
	case call.Links[0].Called || len(links) == 0:
		return unknown
	case links[0].Name == "schema" && !links[0].Called:
		return translateSchema(links[1:])
	case links[0].Name == "raw" && links[0].Called && len(links) == 1:
		return sendText(links[0])
	case links[0].Name == "transaction" && links[0].Called && len(links) == 1 && len(links[0].Arguments) > 0:
		if first := links[0].Arguments[0]; first.Kind == jscode.Callback {
			return jscode.Translation{Body: first.Function, Senders: []int{0}, InTransaction: true}
		}
	}
	return unknown
}

// translateSchema returns the SQL of calls of the schema builder, each of which sends statements of its own.
func translateSchema(links []jscode.Link) jscode.Translation {
	var out jscode.Translation
	schema := ""
	for _, l := range links {
		if !l.Called {
			return unknown
		}
		switch l.Name {
		case "withSchema":
			if len(l.Arguments) != 1 || l.Arguments[0].Kind != jscode.Text {
				return unknown
			}
			schema = l.Arguments[0].Text
		case "hasTable", "hasColumn":
			out.Idle = true
			if len(l.Arguments) > 0 && l.Arguments[0].Kind == jscode.Text {
				out.Needs = quoteName(schema, l.Arguments[0].Text)
			}
		case "raw":
			sent := sendText(l)
			if sent.Why != "" {
				return sent
			}
			out.Statements = append(out.Statements, sent.Statements...)
		default:
			return unknown
		}
	}
	out.Idle = out.Idle && len(out.Statements) == 0
	return out
}

// sendText returns the statement of a call of raw.
func sendText(l jscode.Link) jscode.Translation {
	if len(l.Arguments) == 0 || l.Arguments[0].Kind != jscode.Text {
		return jscode.Translation{Why: "its text is put together when it runs"}
	}
	text := l.Arguments[0]
	if len(l.Arguments) > 1 || hasPlace(text.Text) {
		return jscode.Translation{Why: "its text has places for values"}
	}
	if strings.Contains(text.Text, `\?`) {
		text = text.WithText(strings.ReplaceAll(text.Text, `\?`, "?"))
	}
	return jscode.Translation{Statements: []jscode.Statement{{Text: text}}}
}

// hasPlace reports whether Knex replaces a question mark of a text: it has an even number of backslashes before it.
func hasPlace(text string) bool {
	backslashes := 0
	for _, c := range []byte(text) {
		switch {
		case c == '\\':
			backslashes++
			continue
		case c == '?' && backslashes%2 == 0:
			return true
		}
		backslashes = 0
	}
	return false
}

// quoteName writes the name of a table, which may have a schema.
func quoteName(schema, name string) string {
	if schema != "" {
		name = schema + "." + name
	}
	return `"` + strings.ReplaceAll(strings.ReplaceAll(name, `"`, `""`), ".", `"."`) + `"`
}
