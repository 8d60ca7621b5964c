package kysely

import (
	"strings"

	"github.com/onward-sql/onward/internal/adapter/jscode"
)

// unknown is what a call sends whose SQL is not read.
var unknown = jscode.Translation{Why: "its SQL is known only when it runs"}

// builder makes the SQL of one chain of calls. unread is set if an argument is no literal, or a method is not known.
type builder struct {
	unread bool
	// fixed is set if values cannot be parameters.
	fixed bool
}

// requireThat marks the call as unread if a condition does not hold.
func (b *builder) requireThat(ok bool) { b.unread = b.unread || !ok }

// executions are the methods that send what a chain has built.
var executions = map[string]bool{"execute": true, "executeTakeFirst": true, "executeTakeFirstOrThrow": true}

// translateCall returns the SQL of a chain of calls that begins with Kysely or with the tag sql.
func translateCall(call jscode.Value) jscode.Translation {
	links := call.Links
	last := links[len(links)-1]
	if links[0].Tagged || links[0].Name == "sql" {
		return translateTag(call)
	}
	if len(links) < 3 || links[0].Called || !last.Called || !executions[last.Name] || last.Tagged {
		return unknown
	}
	b := &builder{}
	links = links[1 : len(links)-1]
	for _, l := range links[1:] {
		if !l.Called || l.Tagged {
			return unknown
		}
	}
	var sql string
	switch {
	case links[0].Name == "schema" && !links[0].Called && len(links) > 1:
		sql = b.buildSchema(links[1:])
	case links[0].Called && !links[0].Tagged:
		sql = b.buildQuery(links)
	default:
		return unknown
	}
	if b.unread || sql == "" {
		return jscode.Translation{Why: "not all of its arguments are literals"}
	}
	return jscode.Translation{Statements: []jscode.Statement{{SQL: sql}}}
}

// translateTag returns the SQL of sql`…`.execute(db) and sql.raw("…").execute(db). Without execute they send nothing.
func translateTag(call jscode.Value) jscode.Translation {
	last := len(call.Links) - 1
	if call.Links[last].Name != "execute" || !call.Links[last].Called {
		return jscode.Translation{Idle: true}
	}
	call.Links = call.Links[:last]
	if isTag(call) {
		if items := call.Links[0].Arguments[0].Items; len(items) == 1 && items[0].Kind == jscode.Text {
			return jscode.Translation{Statements: []jscode.Statement{{Text: items[0]}}}
		}
	}
	b := &builder{}
	sql, ok := b.expression(call)
	if b.unread || !ok {
		return jscode.Translation{Why: "its text is put together when it runs"}
	}
	return jscode.Translation{Statements: []jscode.Statement{{SQL: sql}}}
}

// translateSnakeCase is translateCall for a project with CamelCasePlugin: names with capital letters get others.
func translateSnakeCase(call jscode.Value) jscode.Translation {
	return translateCall(call).RefuseIf(jscode.HasCamelName, "a plugin of the project changes names")
}

// translateWithSchema is translateCall for a project with WithSchemaPlugin: only texts are sent as they are.
func translateWithSchema(call jscode.Value) jscode.Translation {
	return translateCall(call).RefuseIf(jscode.IsBuilt, "a plugin of the project adds a schema")
}

// isTag reports whether a value is sql`…`.
func isTag(v jscode.Value) bool {
	return v.Kind == jscode.Chain && len(v.Links) == 1 && v.Links[0].Tagged && v.Links[0].Name == "sql"
}

// fillTemplate returns the text of a template of the tag sql: texts, and the values between them.
func (b *builder) fillTemplate(v jscode.Value) string {
	var out strings.Builder
	for i, item := range v.Items {
		if i%2 == 0 {
			b.requireThat(item.Kind == jscode.Text)
			out.WriteString(item.Text)
		} else {
			out.WriteString(b.bindValue(item))
		}
	}
	return out.String()
}

// expression returns the SQL of sql`…`, sql.raw("…"), sql.ref("…"), sql.lit(…) and the like. ok is false for another value.
func (b *builder) expression(v jscode.Value) (sql string, ok bool) {
	if isTag(v) {
		return b.fillTemplate(v.Links[0].Arguments[0]), true
	}
	if v.Kind != jscode.Chain || len(v.Links) != 2 || v.Links[0].Name != "sql" || v.Links[0].Called || !v.Links[1].Called || len(v.Links[1].Arguments) == 0 {
		return "", false
	}
	l := v.Links[1]
	switch l.Name {
	case "raw":
		b.requireThat(l.Arguments[0].Kind == jscode.Text && len(l.Arguments) == 1)
		return l.Arguments[0].Text, true
	case "lit", "literal":
		return b.immediate(l.Arguments[0]), true
	case "ref", "table":
		return b.quotePath(b.textOf(l.Arguments[0])), true
	case "id":
		var parts []string
		for _, a := range l.Arguments {
			parts = append(parts, jscode.QuoteSQLName(b.textOf(a)))
		}
		return strings.Join(parts, "."), true
	}
	return "", false
}

// bindValue writes a value as the parameter that Kysely sends, which has no type; an expression as it is.
func (b *builder) bindValue(v jscode.Value) string {
	if sql, ok := b.expression(v); ok {
		return sql
	}
	b.requireThat(!b.fixed)
	switch v.Kind {
	case jscode.Text, jscode.Number:
		_, plain := v.PlainNumber()
		b.requireThat(v.Kind == jscode.Text || plain)
		return jscode.QuoteSQLText(v.Text)
	case jscode.Word:
		if v.IsMissing() {
			b.requireThat(v.IsWord("null"))
			return "NULL"
		}
		return jscode.QuoteSQLText(v.Text)
	}
	b.unread = true
	return ""
}

// immediate writes a value into the statement.
func (b *builder) immediate(v jscode.Value) string {
	if sql, ok := b.expression(v); ok {
		return sql
	}
	if sql, ok := v.SQLConstant(); ok {
		return sql
	}
	b.requireThat(v.Kind == jscode.Word && !v.IsWord("undefined"))
	return v.Text
}

// textOf returns a text.
func (b *builder) textOf(v jscode.Value) string {
	b.requireThat(v.Kind == jscode.Text)
	return v.Text
}

// textAt returns the argument of a call at a position, a text.
func (b *builder) textAt(l jscode.Link, n int) string {
	if n >= len(l.Arguments) {
		b.unread = true
		return ""
	}
	return b.textOf(l.Arguments[n])
}

// quotedList returns the argument of a call at a position, a list of names, with quotes.
func (b *builder) quotedList(l jscode.Link, n int) string {
	if n >= len(l.Arguments) {
		b.unread = true
		return ""
	}
	names, ok := jscode.ReadTexts(l.Arguments[n])
	b.requireThat(ok && len(names) > 0)
	for i, name := range names {
		names[i] = jscode.QuoteSQLName(name)
	}
	return strings.Join(names, ", ")
}

// quotePath writes the name of a table, which may have a schema.
func (b *builder) quotePath(name string) string {
	b.requireThat(!strings.Contains(name, " as ") && name != "")
	parts := strings.Split(name, ".")
	for i, p := range parts {
		parts[i] = jscode.QuoteSQLName(strings.TrimSpace(p))
	}
	return strings.Join(parts, ".")
}

// chainOf returns the calls of a callback that builds something with its parameter: (col) => col.notNull().
func (b *builder) chainOf(v jscode.Value) []jscode.Link {
	if v.Kind != jscode.Callback {
		b.unread = true
		return nil
	}
	if v.Function.IsIdentity() {
		return nil
	}
	calls, ok := v.Function.Calls()
	if b.requireThat(ok && len(calls) <= 1); b.unread || len(calls) == 0 {
		return nil
	}
	for _, l := range calls[0].Links[1:] {
		b.requireThat(l.Called && !l.Tagged)
	}
	return calls[0].Links[1:]
}
