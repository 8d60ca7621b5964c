package kysely

import (
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/adapter/jscode"
)

// unknown is what a call sends whose SQL is not read.
var unknown = jscode.Translation{Why: "its SQL is known only when it runs"}

// builder makes the SQL of one chain of calls. unread is set if an argument is no literal, or a method is not known.
type builder struct {
	unread bool
	// refusesParameters is set while an argument is written for which the server takes no parameters.
	refusesParameters bool
	// inView is set in the query of a view, whose values are written into it.
	inView bool
	// schema is the one that withSchema gives to the tables of a statement; tables are their names.
	schema string
	tables map[string]bool
}

// requireThat marks the call as unread if a condition does not hold.
func (b *builder) requireThat(ok bool) { b.unread = b.unread || !ok }

const (
	// callbackParameter is the name that the records of a run give to the parameter of every callback, such as eb in
	// (eb) => eb.ref("a"). It has the methods of an expression builder.
	callbackParameter = ""
	// alias separates a table and its other name.
	alias = " as "
)

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
	links = b.takeSchema(links[1 : len(links)-1])
	ofSchema := len(links) > 1 && links[0].Name == "schema" && !links[0].Called
	if ofSchema {
		links = b.takeSchema(links[1:])
	}
	if len(links) == 0 || slices.ContainsFunc(links, func(l jscode.Link) bool { return !l.Called || l.Tagged }) {
		return unknown
	}
	b.findTables(links)
	var sql string
	if ofSchema {
		sql = b.buildSchema(links)
	} else {
		sql = b.buildQuery(links)
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
	var texts []jscode.Value
	switch {
	case isTag(call):
		texts = call.Links[0].Arguments[0].Items
	case len(call.Links) == 2 && call.Links[1].Name == "raw":
		texts = call.Links[1].Arguments
	}
	if len(texts) == 1 && texts[0].Kind == jscode.Text {
		return jscode.Translation{Statements: []jscode.Statement{{Text: texts[0]}}}
	}
	b := &builder{}
	sql, ok := b.readExpression(call)
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

// readExpression returns the SQL of sql`…`, sql.raw("…"), sql.ref("…"), sql.lit(…) and the like. ok is false for another value.
func (b *builder) readExpression(v jscode.Value) (sql string, ok bool) {
	if isTag(v) {
		return b.fillTemplate(v.Links[0].Arguments[0]), true
	}
	if v.Kind != jscode.Chain || len(v.Links) != 2 || v.Links[0].Called || !v.Links[1].Called || len(v.Links[1].Arguments) == 0 {
		return "", false
	}
	l := v.Links[1]
	if !isExpressionRoot(v.Links[0].Name, l.Name) {
		return "", false
	}
	switch l.Name {
	case "raw":
		b.requireThat(l.Arguments[0].Kind == jscode.Text && len(l.Arguments) == 1)
		return l.Arguments[0].Text, true
	case "lit", "literal":
		return b.writeLiteral(l.Arguments[0]), true
	case "val", "value":
		return b.bindValue(l.Arguments[0]), true
	case "join":
		return b.joinValues(l.Arguments), true
	case "ref":
		return b.quoteColumn(b.textOf(l.Arguments[0])), true
	case "table":
		return b.quoteTable(b.textOf(l.Arguments[0])), true
	case "id":
		var parts []string
		for _, a := range l.Arguments {
			parts = append(parts, jscode.QuoteSQLName(b.textOf(a)))
		}
		return strings.Join(parts, "."), true
	}
	return "", false
}

// isExpressionRoot reports whether a method of a name makes an expression: every one of sql, and three of an expression builder.
func isExpressionRoot(root, method string) bool {
	if root == callbackParameter {
		return method == "ref" || method == "val" || method == "lit"
	}
	return root == "sql"
}

// joinValues returns the values of a list with a separator between them, as sql.join does.
func (b *builder) joinValues(arguments []jscode.Value) string {
	b.requireThat(arguments[0].Kind == jscode.List)
	separator := ", "
	if len(arguments) > 1 {
		var ok bool
		separator, ok = b.readExpression(arguments[1])
		b.requireThat(ok)
	}
	var parts []string
	for _, item := range arguments[0].Items {
		parts = append(parts, b.bindValue(item))
	}
	return strings.Join(parts, separator)
}

// bindValue writes a value as the parameter that Kysely sends, which has no type; an expression as it is.
func (b *builder) bindValue(v jscode.Value) string {
	if sql, ok := b.readExpression(v); ok {
		return sql
	}
	if b.inView {
		return b.writeLiteral(v)
	}
	b.requireThat(!b.refusesParameters)
	switch v.Kind {
	case jscode.Text, jscode.Number:
		_, plain := v.PlainNumber()
		b.requireThat(v.Kind == jscode.Text || plain)
		return jscode.QuoteSQLText(v.Text)
	case jscode.Word:
		// null is NULL, and true the text 'true'. What Kysely does with undefined depends on the place.
		if v.IsMissing() {
			b.requireThat(v.IsWord("null"))
			return "NULL"
		}
		return jscode.QuoteSQLText(v.Text)
	}
	b.unread = true
	return ""
}

// writeLiteral writes a value into the statement.
func (b *builder) writeLiteral(v jscode.Value) string {
	if sql, ok := b.readExpression(v); ok {
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

// takeSchema removes the calls of withSchema that a chain begins with. The last one counts.
func (b *builder) takeSchema(links []jscode.Link) []jscode.Link {
	for len(links) > 0 && links[0].Name == "withSchema" && links[0].Called {
		b.schema = b.textAt(links[0], 0)
		links = links[1:]
	}
	return links
}

// findTables finds the tables of a statement to which withSchema gives a schema.
func (b *builder) findTables(links []jscode.Link) {
	b.tables = map[string]bool{}
	for i, l := range links {
		isNamed := i == 0 && l.Name != "createIndex" && l.Name != "createSchema" && l.Name != "dropSchema"
		if (isNamed || l.Name == "on" || l.Name == "from") && len(l.Arguments) > 0 && l.Arguments[0].Kind == jscode.Text {
			name, _, _ := strings.Cut(l.Arguments[0].Text, alias)
			b.tables[strings.TrimSpace(name[strings.LastIndex(name, ".")+1:])] = true
		}
	}
}

// The five functions that quote names differ in what a dot means, and in what withSchema adds its schema to:
//
//   - quoteTable: a table of the statement gets the schema; a dot separates a schema of its own.
//   - quoteAliased: a table as quoteTable, perhaps with another name after " as ".
//   - quoteColumn: the table before a dot gets the schema.
//   - quoteInSchema: the table of a foreign key gets the schema, also if the statement does not name it elsewhere.
//   - quoteUnsplitName: a view or an index; a dot is a part of the name.

func (b *builder) quoteTable(name string) string {
	if b.schema != "" && b.tables[name] {
		return jscode.QuoteSQLName(b.schema) + "." + jscode.QuoteSQLName(name)
	}
	return b.quotePath(name)
}

func (b *builder) quoteAliased(name string) string {
	table, other, aliased := strings.Cut(name, alias)
	if !aliased {
		return b.quoteTable(name)
	}
	return b.quoteTable(strings.TrimSpace(table)) + alias + jscode.QuoteSQLName(strings.TrimSpace(other))
}

func (b *builder) quoteColumn(name string) string {
	if table, _, ok := strings.Cut(name, "."); ok && b.schema != "" && strings.Count(name, ".") == 1 && b.tables[strings.TrimSpace(table)] {
		return jscode.QuoteSQLName(b.schema) + "." + b.quotePath(name)
	}
	return b.quotePath(name)
}

func (b *builder) quoteInSchema(name string) string {
	if b.schema != "" && !strings.Contains(name, ".") {
		return jscode.QuoteSQLName(b.schema) + "." + b.quotePath(name)
	}
	return b.quotePath(name)
}

func (b *builder) quoteUnsplitName(name string) string {
	if b.schema != "" && b.tables[name] {
		return jscode.QuoteSQLName(b.schema) + "." + jscode.QuoteSQLName(name)
	}
	return jscode.QuoteSQLName(name)
}

// quotePath writes the name of an object with its schema and table, which dots separate.
func (b *builder) quotePath(name string) string {
	b.requireThat(!strings.Contains(name, alias) && name != "")
	parts := strings.Split(name, ".")
	for i, p := range parts {
		parts[i] = jscode.QuoteSQLName(strings.TrimSpace(p))
	}
	return strings.Join(parts, ".")
}

// listCallbackCalls returns the calls of a callback that builds something with its parameter: (col) => col.notNull().
func (b *builder) listCallbackCalls(v jscode.Value) []jscode.Link {
	if v.Kind != jscode.Callback {
		b.unread = true
		return nil
	}
	if b.requireThat(v.Read && len(v.Calls) <= 1); b.unread || len(v.Calls) == 0 {
		return nil
	}
	for _, l := range v.Calls[0].Links[1:] {
		b.requireThat(l.Called && !l.Tagged)
	}
	return v.Calls[0].Links[1:]
}
