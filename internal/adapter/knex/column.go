package knex

import (
	"cmp"
	"strings"

	"github.com/onward-sql/onward/internal/adapter/jscode"
)

// column is a column that a table builder adds or alters.
type column struct {
	name, kind string
	// modifiers are the arguments of the last call of each.
	modifiers map[string]jscode.Link
	// altered is set if the column exists, and alter() changes it.
	altered bool
	// keepsNull and keepsType are set if alter leaves them as they are.
	keepsNull, keepsType bool
	// definition is the call that makes the column: string('a', 10). at is the chain of calls in which it is.
	definition jscode.Link
	at         *jscode.Value
}

// simpleTypes are the types without arguments, by the method of the builder.
var simpleTypes = map[string]string{
	"tinyint": "smallint", "smallint": "smallint", "mediumint": "integer", "integer": "integer", "bigint": "bigint", "biginteger": "bigint", "bigInteger": "bigint",
	"float": "real", "double": "double precision", "boolean": "boolean", "bool": "boolean", "date": "date", "time": "time", "text": "text",
	"binary": "bytea", "json": "json", "jsonb": "jsonb", "geometry": "geometry", "geography": "geography", "point": "point",
}

// typeMethods are the types with arguments.
var typeMethods = map[string]func(t *tableBuilder, l jscode.Link) string{
	"string": varcharType, "varchar": varcharType, "decimal": decimalType, "timestamp": timestampType, "datetime": timestampType, "dateTime": timestampType,
	"enu": (*tableBuilder).enumType, "enum": (*tableBuilder).enumType, "specificType": specificType,
	"increments": serialType("serial"), "bigIncrements": serialType("bigserial"), "bigincrements": serialType("bigserial"), "uuid": uuidType,
}

// isColumnType reports whether a method of the table builder makes a column.
func isColumnType(method string) bool { return simpleTypes[method] != "" || typeMethods[method] != nil }

func (c *column) isSerial() bool {
	return strings.Contains(strings.ToLower(c.definition.Name), "increments")
}

// numberAt returns the argument of a call at a position, a number; fallback if it is missing.
func (t *tableBuilder) numberAt(l jscode.Link, n int, fallback string) string {
	if n >= len(l.Arguments) || l.Arguments[n].IsMissing() {
		return fallback
	}
	number, ok := l.Arguments[n].PlainNumber()
	t.failUnless(ok && !strings.Contains(number, "."))
	return number
}

func varcharType(t *tableBuilder, l jscode.Link) string {
	return "varchar(" + t.numberAt(l, 1, "255") + ")"
}

func decimalType(t *tableBuilder, l jscode.Link) string {
	if len(l.Arguments) > 1 && l.Arguments[1].IsWord("null") {
		return "decimal"
	}
	return "decimal(" + t.numberAt(l, 1, "8") + ", " + t.numberAt(l, 2, "2") + ")"
}

func specificType(t *tableBuilder, l jscode.Link) string { return t.textAt(l, 1) }

func timestampType(t *tableBuilder, l jscode.Link) string {
	var precision string
	var plain bool
	if o := takeObject(l, 1); o != nil {
		plain = o.TakeText("useTz") == "false"
		precision = o.TakeText("precision")
		t.failUnless(o.IsRead())
	} else {
		plain, precision = t.boolAt(l, 1), t.numberAt(l, 2, "")
	}
	kind := "timestamptz"
	if plain {
		kind = "timestamp"
	}
	if precision != "" {
		kind += "(" + precision + ")"
	}
	return kind
}

// makesPrimaryKey reports whether the options of a column make it the primary key, if the builder names no other.
func (t *tableBuilder) makesPrimaryKey(l jscode.Link, usual bool) bool {
	if len(l.Arguments) > 1 && !l.Arguments[1].IsWord("undefined") {
		o := takeObject(l, 1)
		if o == nil {
			t.unread = true
			return false
		}
		usual = o.TakeFlag("primaryKey")
		o.TakeFlag("useBinaryUuid")
		t.failUnless(o.IsRead())
	}
	return usual && len(t.primary) == 0
}

func serialType(kind string) func(*tableBuilder, jscode.Link) string {
	return func(t *tableBuilder, l jscode.Link) string {
		if t.makesPrimaryKey(l, true) {
			return kind + " primary key"
		}
		return kind
	}
}

func uuidType(t *tableBuilder, l jscode.Link) string {
	if t.makesPrimaryKey(l, false) {
		return "uuid primary key"
	}
	return "uuid"
}

// enumType returns the type of an enum: a text with a check, or a type of its own, which Knex creates first.
func (t *tableBuilder) enumType(l jscode.Link) string {
	o := takeObject(l, 2)
	t.failUnless(o != nil || len(l.Arguments) <= 2)
	var native, existing bool
	var name, schema string
	if o != nil {
		native, existing = o.TakeFlag("useNative"), o.TakeFlag("existingType")
		name, schema = o.TakeText("enumName"), cmp.Or(o.TakeText("schemaName"), t.schema)
		t.failUnless(o.IsRead())
	}
	values := ""
	if !native || !existing {
		if len(l.Arguments) < 2 || l.Arguments[1].Kind != jscode.List {
			t.unread = true
			return ""
		}
		texts := make([]string, len(l.Arguments[1].Items))
		for i, v := range l.Arguments[1].Items {
			texts[i] = v.Text
			_, isNumber := v.PlainNumber()
			t.failUnless(v.Kind == jscode.Text || isNumber)
		}
		values = "'" + strings.Join(texts, "', '") + "'"
	}
	if !native {
		return "text check (" + t.wrapName(t.textAt(l, 0)) + " in (" + values + "))"
	}
	kind := `"` + name + `"`
	if schema != "" {
		kind = `"` + schema + `".` + kind
	}
	if !existing {
		t.types = append(t.types, "create type "+kind+" as enum ("+values+")")
	}
	return kind
}

// makeDefault returns the default of a column.
func (t *tableBuilder) makeDefault(c *column) string {
	l := c.modifiers["defaultTo"]
	if len(l.Arguments) == 0 || l.Arguments[0].IsWord("undefined") {
		t.unread = true
		return ""
	}
	v := l.Arguments[0]
	if sql, ok := rawText(v); ok {
		return "default " + sql
	}
	_, isNumber := v.PlainNumber()
	method := c.definition.Name
	switch {
	case v.IsWord("null"):
		return "default null"
	case v.Kind == jscode.Chain || v.Kind == jscode.Unknown || v.Kind == jscode.Number && !isNumber:
		t.unread = true
	case method == "boolean" || method == "bool":
		if v.IsWord("false") || v.Text == "0" && isNumber || v.Kind == jscode.Text && (v.Text == "" || v.Text == "false") {
			return "default '0'"
		}
		return "default '1'"
	case v.Kind == jscode.Object || v.Kind == jscode.List:
		text, ok := jscode.StringifyValue(v)
		t.failUnless(ok && (method == "json" || method == "jsonb"))
		return "default '" + text + "'"
	}
	return "default " + escapeText(v.Text)
}

// isNotNull reports whether the last call about null values says that there are none.
func (t *tableBuilder) isNotNull(c *column) bool {
	l := c.modifiers["nullable"]
	switch {
	case l.Name == "nullable" && len(l.Arguments) > 0:
		return !t.boolAt(l, 0)
	case l.Name == "nullable":
		return false
	}
	return true
}

// defineColumn returns the definition of a column.
func (t *tableBuilder) defineColumn(c *column) string {
	sql := t.wrapName(c.name) + " " + c.kind
	if c.isSerial() {
		return sql
	}
	if _, set := c.modifiers["nullable"]; set {
		if t.isNotNull(c) {
			sql += " not null"
		} else {
			sql += " null"
		}
	}
	if _, set := c.modifiers["defaultTo"]; set {
		sql += " " + t.makeDefault(c)
	}
	for _, method := range checkOrder {
		l, set := c.modifiers[method]
		if !set || c.altered {
			continue
		}
		condition, name := t.columnCheck(c, l)
		if name != "" {
			sql += " constraint " + name
		}
		sql += " check (" + condition + ")"
	}
	return sql
}

// addComment returns the statement for the comment of a column.
func (t *tableBuilder) addComment(c *column) {
	l, set := c.modifiers["comment"]
	if !set {
		return
	}
	text := "NULL"
	if comment := t.optionalText(l, 0); comment != "" {
		text = "'" + escapeComment(comment) + "'"
	}
	t.addSQL("comment on column " + t.wrapTable(t.name) + "." + t.wrapName(c.name) + " is " + text)
}

// escapeComment doubles the quotes that have no other beside them.
func escapeComment(comment string) string {
	var b strings.Builder
	for i := range len(comment) {
		b.WriteByte(comment[i])
		alone := comment[i] == '\'' && (i == 0 || comment[i-1] != '\'') && (i+1 == len(comment) || comment[i+1] != '\'')
		if alone {
			b.WriteByte('\'')
		}
	}
	return b.String()
}

// alterColumn adds the statements of alter().
func (t *tableBuilder) alterColumn(c *column) {
	t.failUnless(!c.isSerial())
	begin := "alter table " + t.wrapTable(t.name) + " alter column " + t.wrapName(c.name) + " "
	t.addSQL(begin + "drop default")
	if !c.keepsNull {
		t.addSQL(begin + "drop not null")
	}
	if !c.keepsType {
		cast := "::"
		if c.definition.Name == "enu" || c.definition.Name == "enum" {
			cast = "::text::"
		}
		t.addSQL(begin + "type " + c.kind + " using (" + t.wrapName(c.name) + cast + c.kind + ")")
	}
	if _, set := c.modifiers["defaultTo"]; set {
		t.addSQL(begin + "set " + t.makeDefault(c))
	}
	if _, set := c.modifiers["nullable"]; set && !c.keepsNull && t.isNotNull(c) {
		t.addSQL(begin + "set not null")
	}
}
