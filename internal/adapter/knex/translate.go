package knex

import (
	"strings"

	"github.com/onward-sql/onward/internal/adapter/jscode"
)

// unknown is what a call sends whose SQL is not read.
var unknown = jscode.Translation{Why: "its SQL is known only when it runs"}

// queryStarts are the methods of Knex that begin a query.
var queryStarts = map[string]bool{"from": true, "into": true, "table": true, "withSchema": true, "insert": true, "select": true}

// clientProperties are what a migration reads of Knex's client without a query: which database, driver and version it is.
var clientProperties = map[string]bool{"config": true, "driverName": true, "dialect": true, "version": true, "connectionSettings": true}

// translateCall returns the SQL of a chain of calls that begins with Knex.
func translateCall(call jscode.Value) jscode.Translation {
	links := call.Links[1:]
	switch {
	case call.Links[0].Called:
		return translateQuery(call.Links)
	case len(links) == 0:
		return unknown
	case links[0].Name == "client" && !links[0].Called && len(links) > 1 && clientProperties[links[1].Name] && !links[1].Called:
		return jscode.Translation{Idle: true}
	case links[0].Name == "schema" && !links[0].Called:
		return translateSchema(links[1:])
	case links[0].Name == "raw" && links[0].Called && len(links) == 1:
		return translateRaw(links[0])
	case queryStarts[links[0].Name] && links[0].Called:
		return translateQuery(call.Links)
	}
	return unknown
}

// translateRaw returns the statement of a call of raw that Knex sends.
func translateRaw(l jscode.Link) jscode.Translation {
	if !hasBindings(l) || l.Arguments[0].Kind != jscode.Text {
		return translateRawText(l)
	}
	q := &queryBuilder{compiler: &compiler{}}
	sql := q.bindText(l)
	if q.unread {
		return jscode.Translation{Why: "not all of its values are known"}
	}
	return jscode.Translation{Statements: []jscode.Statement{{SQL: sql}}}
}

// translateRawText returns the statement of a call of raw without values.
func translateRawText(l jscode.Link) jscode.Translation {
	if len(l.Arguments) == 0 || l.Arguments[0].Kind != jscode.Text {
		return jscode.Translation{Why: "its text is put together when it runs"}
	}
	text := l.Arguments[0]
	if hasBindings(l) || hasPlaceholder(text.Text) {
		return jscode.Translation{Why: "its text has places for values"}
	}
	if strings.Contains(text.Text, `\?`) {
		text.Text = strings.ReplaceAll(text.Text, `\?`, "?")
	}
	return jscode.Translation{Statements: []jscode.Statement{{Text: text}}}
}

// hasPlaceholder reports whether Knex replaces a question mark of a text: it has an even number of backslashes before it.
func hasPlaceholder(text string) bool {
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

// translateRenamed is translateCall for a project whose Knex gives identifiers other names: only texts are sent as they are.
func translateRenamed(call jscode.Value) jscode.Translation {
	return translateCall(call).RefuseIf(jscode.IsBuilt, "the project's Knex gives identifiers other names (wrapIdentifier)")
}

// translateSnakeCase is translateCall for a project with knexSnakeCaseMappers: identifiers with capital letters get other names.
func translateSnakeCase(call jscode.Value) jscode.Translation {
	return translateCall(call).RefuseIf(jscode.HasCamelName, "the project's Knex gives identifiers other names (knexSnakeCaseMappers)")
}
