package kysely

import (
	"strings"

	"github.com/onward-sql/onward/internal/adapter/jscode"
)

// clauses are parts of a statement that a chain of calls sets, in the order in which Kysely writes them.
type clauses map[string]string

// buildSchema returns the statement of a chain of the schema builder.
func (b *builder) buildSchema(links []jscode.Link) string {
	first, rest := links[0], links[1:]
	switch first.Name {
	case "createTable":
		return b.createTable(first, rest)
	case "alterTable":
		return b.alterTable(first, rest)
	case "createView":
		return b.createView(first, rest)
	case "createIndex":
		return b.createIndex(first, rest)
	case "createType":
		if b.requireThat(len(rest) == 1 && rest[0].Name == "asEnum" && len(rest[0].Arguments) == 1); b.unread {
			return ""
		}
		values, ok := jscode.ReadTexts(rest[0].Arguments[0])
		b.requireThat(ok)
		for i, v := range values {
			values[i] = jscode.QuoteSQLText(v)
		}
		return "create type " + b.quoteTable(b.textAt(first, 0)) + " as enum (" + strings.Join(values, ", ") + ")"
	case "createSchema":
		return "create schema " + b.readOptionalWord(rest, "ifNotExists") + jscode.QuoteSQLName(b.textAt(first, 0))
	case "dropSchema":
		return b.dropObject("schema", first, rest)
	case "dropTable":
		return b.dropObject("table", first, rest)
	case "dropType":
		return b.dropObject("type", first, rest)
	case "dropView":
		return b.dropObject("view", first, rest)
	case "dropIndex":
		return b.dropObject("index", first, rest)
	case "refreshMaterializedView":
		return "refresh materialized view " + b.readOptionalWord(rest, "concurrently") + b.quoteUnsplitName(b.textAt(first, 0)) + " with data"
	}
	b.unread = true
	return ""
}

// words are the words of calls without arguments.
var words = map[string]string{"ifNotExists": "if not exists ", "ifExists": "if exists ", "concurrently": "concurrently "}

// readOptionalWord returns the word of the only method that a chain may have after its first; "" if it has none.
func (b *builder) readOptionalWord(rest []jscode.Link, method string) (word string) {
	for _, l := range rest {
		b.requireThat(l.Name == method && len(l.Arguments) == 0)
		word = words[method]
	}
	return word
}

// dropObject returns a DROP statement.
func (b *builder) dropObject(kind string, first jscode.Link, rest []jscode.Link) string {
	sql, ending, table, materialized := "", "", "", ""
	for _, l := range rest {
		switch l.Name {
		case "ifExists":
			sql = "if exists "
		case "cascade":
			b.requireThat(kind != "type")
			ending = " cascade"
		case "on":
			b.requireThat(kind == "index")
			table = " on " + b.quoteTable(b.textAt(l, 0))
		case "materialized":
			b.requireThat(kind == "view")
			materialized = "materialized "
		default:
			b.unread = true
		}
	}
	name := b.textAt(first, 0)
	quoted := b.quoteTable(name)
	switch kind {
	case "schema":
		quoted = jscode.QuoteSQLName(name)
	case "view", "index":
		quoted = b.quoteUnsplitName(name)
	}
	return "drop " + materialized + kind + " " + sql + quoted + table + ending
}

// dataType returns the type of a column: a text, or sql`…`.
func (b *builder) dataType(l jscode.Link, n int) string {
	return b.writeWithoutParameters(l, n, b.textOf)
}

// fixedExpression returns an expression of a statement that cannot have parameters.
func (b *builder) fixedExpression(l jscode.Link, n int) string {
	return b.writeWithoutParameters(l, n, func(jscode.Value) string {
		b.unread = true
		return ""
	})
}

// defaultOf returns the default of a column.
func (b *builder) defaultOf(l jscode.Link) string {
	b.requireThat(len(l.Arguments) == 1)
	return b.writeWithoutParameters(l, 0, b.writeLiteral)
}

// writeWithoutParameters writes an argument where parameters are not possible: an expression as it is, another value by a function.
func (b *builder) writeWithoutParameters(l jscode.Link, n int, write func(jscode.Value) string) string {
	if n >= len(l.Arguments) {
		b.unread = true
		return ""
	}
	b.refusesParameters = true
	defer func() { b.refusesParameters = false }()
	if sql, ok := b.readExpression(l.Arguments[n]); ok {
		return sql
	}
	return write(l.Arguments[n])
}

// columnOrder is the order in which Kysely writes the clauses of a column.
var columnOrder = []string{
	"modifyFront", "generated", "stored", "defaultTo", "notNull", "unique", "nullsNotDistinct", "primaryKey", "references",
	"onDelete", "onUpdate", "check", "modifyEnd",
}

// defineColumn returns the definition of a column: name, type and what the callback adds.
func (b *builder) defineColumn(l jscode.Link) string {
	sql := jscode.QuoteSQLName(b.textAt(l, 0)) + " " + b.dataType(l, 1)
	c := clauses{}
	if len(l.Arguments) > 2 {
		for _, m := range b.listCallbackCalls(l.Arguments[2]) {
			if b.addColumnClause(c, m); b.unread {
				return ""
			}
		}
	}
	if c["ifNotExists"] != "" {
		sql = "if not exists " + sql
	}
	for _, name := range columnOrder {
		sql += c[name]
	}
	return sql
}

// addColumnClause reads a method of the column builder.
func (b *builder) addColumnClause(c clauses, m jscode.Link) {
	switch m.Name {
	case "notNull":
		c[m.Name] = " not null"
	case "unique", "stored":
		c[m.Name] = " " + m.Name
	case "nullsNotDistinct":
		c[m.Name] = " nulls not distinct"
	case "primaryKey":
		c[m.Name] = " primary key"
	case "ifNotExists":
		c[m.Name] = m.Name
	case "generatedAlwaysAsIdentity":
		c["generated"] = " generated always as identity"
	case "generatedByDefaultAsIdentity":
		c["generated"] = " generated by default as identity"
	case "generatedAlwaysAs":
		c["generated"] = " generated always as (" + b.fixedExpression(m, 0) + ")"
	case "defaultTo":
		c[m.Name] = " default " + b.defaultOf(m)
	case "check":
		c[m.Name] = " check (" + b.fixedExpression(m, 0) + ")"
	case "modifyEnd", "modifyFront":
		b.requireThat(c[m.Name] == "")
		c[m.Name] = " " + b.fixedExpression(m, 0)
	case "references":
		target := b.textAt(m, 0)
		dot := strings.LastIndex(target, ".")
		if b.requireThat(dot > 0); !b.unread {
			c[m.Name] = " references " + b.quoteInSchema(target[:dot]) + " (" + jscode.QuoteSQLName(strings.TrimSpace(target[dot+1:])) + ")"
		}
	case "onDelete", "onUpdate":
		b.requireThat(c["references"] != "")
		c[m.Name] = actionClause(m.Name) + b.textAt(m, 0)
	default:
		b.unread = true
	}
}

// actionClause returns the words before the action of a foreign key.
func actionClause(method string) string {
	if method == "onDelete" {
		return " on delete "
	}
	return " on update "
}

// createTable returns the statement of createTable.
func (b *builder) createTable(first jscode.Link, rest []jscode.Link) string {
	begin, exists := "create table ", ""
	var columns, constraints []string
	for _, l := range rest {
		switch l.Name {
		case "ifNotExists":
			exists = words[l.Name]
		case "temporary":
			begin = "create temporary table "
		case "addColumn":
			columns = append(columns, b.defineColumn(l))
		default:
			sql, isConstraint := b.buildConstraint(l, nil)
			b.requireThat(isConstraint)
			constraints = append(constraints, sql)
		}
	}
	return begin + exists + b.quoteTable(b.textAt(first, 0)) + " (" + strings.Join(append(columns, constraints...), ", ") + ")"
}

// buildConstraint returns the definition of a constraint. after are the calls that follow it. isConstraint is false for another method.
func (b *builder) buildConstraint(l jscode.Link, after []jscode.Link) (sql string, isConstraint bool) {
	build := 2
	var kind string
	switch l.Name {
	case "addPrimaryKeyConstraint":
		kind = "primary key (" + b.quotedList(l, 1) + ")"
	case "addUniqueConstraint":
		kind = "unique (" + b.quotedList(l, 1) + ")"
	case "addCheckConstraint":
		kind = "check (" + b.fixedExpression(l, 1) + ")"
	case "addForeignKeyConstraint":
		kind = "foreign key (" + b.quotedList(l, 1) + ") references " + b.quoteInSchema(b.textAt(l, 2)) + " (" + b.quotedList(l, 3) + ")"
		build = 4
	default:
		return "", false
	}
	c := clauses{}
	if len(l.Arguments) > build {
		after = append(b.listCallbackCalls(l.Arguments[build]), after...)
	}
	for _, m := range after {
		if b.unread {
			return "", true
		}
		switch {
		case (m.Name == "onDelete" || m.Name == "onUpdate") && build == 4:
			c[m.Name] = actionClause(m.Name) + b.textAt(m, 0)
		case m.Name == "nullsNotDistinct" && l.Name == "addUniqueConstraint":
			b.requireThat(c[m.Name] == "")
			c[m.Name] = m.Name
			kind = strings.Replace(kind, "unique (", "unique nulls not distinct (", 1)
		case m.Name == "deferrable" || m.Name == "notDeferrable":
			c["deferrable"] = map[string]string{"deferrable": " deferrable", "notDeferrable": " not deferrable"}[m.Name]
		case m.Name == "initiallyDeferred" || m.Name == "initiallyImmediate":
			c["initially"] = map[string]string{"initiallyDeferred": " initially deferred", "initiallyImmediate": " initially immediate"}[m.Name]
		default:
			b.unread = true
		}
	}
	return "constraint " + jscode.QuoteSQLName(b.textAt(l, 0)) + " " + kind + c["onDelete"] + c["onUpdate"] + c["deferrable"] + c["initially"], true
}
