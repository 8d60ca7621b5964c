package rails

import (
	"strings"

	"github.com/onward-sql/onward/internal/adapter/rubycode"
)

// version is a version of Rails: 701 for 7.1.
type version int

// natives are the SQL types of Rails' kinds of columns; other kinds are types of Postgres.
var natives = map[string]string{
	"primary_key": "bigserial primary key", "string": "character varying", "text": "text", "integer": "integer", "bigint": "bigint", "float": "float",
	"decimal": "decimal", "numeric": "decimal", "datetime": "timestamp", "timestamp": "timestamp", "timestamptz": "timestamptz", "time": "time",
	"date":   "date",
	"binary": "bytea", "blob": "bytea", "boolean": "boolean", "bit_varying": "bit varying",
}

// kinds are the methods of a table that add columns of a kind.
var kinds = map[string]bool{
	"bigint": true, "binary": true, "boolean": true, "date": true, "datetime": true, "decimal": true, "numeric": true, "float": true, "integer": true,
	"json":   true,
	"string": true, "text": true, "time": true, "timestamp": true, "virtual": true, "bigserial": true, "bit": true, "bit_varying": true, "cidr": true,
	"citext":    true,
	"daterange": true, "hstore": true, "inet": true, "interval": true, "int4range": true, "int8range": true, "jsonb": true, "ltree": true,
	"macaddr": true,
	"money":   true, "numrange": true, "oid": true, "point": true, "line": true, "lseg": true, "box": true, "path": true, "polygon": true, "circle": true,
	"serial": true, "tsrange": true, "tstzrange": true, "tsvector": true, "uuid": true, "xml": true, "timestamptz": true, "enum": true, "blob": true,
	"primary_key": true, "vector": true, "geometry": true, "geography": true, "st_point": true, "virtual_column": false, "halfvec": true,
	"sparsevec": true,
}

// column is the definition of a column.
type column struct {
	name string
	kind string
	typ  columnType
	// rest is what follows the type: collation, default, NOT NULL, key.
	rest, comment string
	// serialKey is set for a primary key that is a serial.
	serialKey bool
}

// definitionSQL is the definition in SQL.
func (c *column) definitionSQL() string { return quoteName(c.name) + " " + c.typ.sql + c.rest }

// defineColumn makes the definition of a column as new_column_definition and visit_ColumnDefinition do
// (connection_adapters/abstract/schema_definitions.rb and schema_creation.rb, and postgresql/).
func (t *translator) defineColumn(r *rubycode.Run, name, kind string, o *options) *column {
	c := &column{name: name, kind: kind, comment: o.takeText("comment")}
	key := o.takeFlag("primary_key") || kind == "primary_key"
	if kind == "virtual" {
		kind = o.takeText("type")
	}
	c.typ = t.columnType(kind, key, o)
	c.serialKey = key && (kind == "primary_key" || strings.Contains(c.typ.sql, "serial"))
	if kind == "primary_key" {
		return c
	}
	var b strings.Builder
	if collation := o.takeText("collation"); collation != "" {
		b.WriteString(` COLLATE "` + collation + `"`)
	}
	if expression := o.takeText("as"); expression != "" {
		b.WriteString(" GENERATED ALWAYS AS (" + expression + ")")
		if o.takeFlag("stored") {
			b.WriteString(" STORED")
		}
	}
	notNull := o.isFalse("null") || key
	if v, hasDefault := o.hash.GetKey("default"); hasDefault && !(notNull && v.IsWord("nil")) {
		b.WriteString(" DEFAULT " + t.quoteDefault(r, v, c.typ, o))
	}
	if notNull {
		b.WriteString(" NOT NULL")
	}
	if key {
		b.WriteString(" PRIMARY KEY")
	}
	c.rest = b.String()
	return c
}

// columnType returns the type of a column as type_to_sql does.
func (t *translator) columnType(kind string, key bool, o *options) columnType {
	if key && !o.hasOption("default") {
		switch {
		case kind == "bigint", kind == "integer" && o.takeText("limit") == "8":
			kind = "bigserial"
		case kind == "integer":
			kind = "serial"
		}
	}
	out := columnType{kind: kind, sql: kind}
	if native, ok := natives[kind]; ok {
		out.sql = native
	}
	limit, precision, scale := o.takeText("limit"), o.takeText("precision"), o.takeText("scale")
	switch kind {
	case "enum":
		out.sql = o.takeText("enum_type")
		o.unknown = o.unknown || out.sql == ""
	case "integer":
		switch limit {
		case "1", "2":
			out.sql = "smallint"
		case "5", "6", "7", "8":
			out.sql = "bigint"
		}
	case "decimal", "numeric":
		if precision != "" && scale != "" {
			out.sql += "(" + precision + "," + scale + ")"
		} else if precision != "" {
			out.sql += "(" + precision + ")"
		}
	case "datetime", "timestamp", "time", "interval":
		if kind == "datetime" && t.version >= 700 {
			if out.sql = t.project.datetime; !o.hasOption("precision") {
				precision = "6"
			}
		}
		if precision != "" {
			out.sql += "(" + precision + ")"
		}
	case "text", "binary", "blob", "primary_key":
	default:
		if _, native := natives[kind]; limit != "" && (native || kinds[kind]) {
			out.sql += "(" + limit + ")"
		}
	}
	if o.takeFlag("array") && kind != "primary_key" {
		out.sql, out.array = out.sql+"[]", true
	}
	return out
}

// quoteDefault writes a default as quote_default_expression does (postgresql/quoting.rb).
func (t *translator) quoteDefault(r *rubycode.Run, v rubycode.Value, c columnType, o *options) string {
	switch v.Kind {
	case rubycode.Proc:
		text, ok := r.ProcText(v)
		o.unknown = o.unknown || !ok
		return text
	case rubycode.String, rubycode.Symbol, rubycode.Number, rubycode.Keyword, rubycode.Array, rubycode.Hash:
	default:
		o.unknown = true
		return ""
	}
	if c.kind == "uuid" && v.Kind == rubycode.String && strings.Contains(v.Text, "()") {
		return v.Text
	}
	if v.IsWord("nil") {
		return "NULL"
	}
	text, quoted, ok := serializeValue(v, c)
	o.unknown = o.unknown || !ok
	if quoted {
		return quoteText(text)
	}
	return text
}

// serializeValue returns a value in the form that a column's type gives it, and whether it is quoted.
func serializeValue(v rubycode.Value, c columnType) (text string, quoted, ok bool) {
	switch {
	case c.array:
		return serializeArray(v)
	case c.kind == "json" || c.kind == "jsonb":
		text, ok = encodeJSON(v)
		return text, true, ok
	case c.kind == "hstore" && v.Kind == rubycode.Hash && len(v.Items) == 0:
		return "", true, true
	case v.Kind == rubycode.Array || v.Kind == rubycode.Hash:
		return "", false, false
	}
	switch c.kind {
	case "boolean":
		switch strings.ToLower(v.Text) {
		case "false", "f", "0", "off":
			return "FALSE", false, true
		case "":
			return "NULL", false, true
		}
		return "TRUE", false, true
	case "integer", "bigint", "serial", "bigserial":
		if v.Kind == rubycode.Keyword {
			return map[string]string{"true": "1", "false": "0"}[v.Text], false, true
		}
		return leadingInteger(v.Text), false, true
	case "float":
		return ensureFraction(v.Text), false, true
	case "decimal", "numeric":
		return ensureFraction(v.Text), false, true
	case "string", "text", "citext", "character varying", "binary":
		if v.Kind == rubycode.Keyword {
			return v.Text[:1], true, true
		}
		return v.Text, true, true
	}
	if v.Kind == rubycode.Keyword {
		return strings.ToUpper(v.Text), false, true
	}
	return v.Text, v.Kind != rubycode.Number, true
}

// leadingInteger returns the integer at the beginning of a text, as to_i does; NULL for an empty text.
func leadingInteger(s string) string {
	if s == "" {
		return "NULL"
	}
	end := 0
	for end < len(s) && (s[end] >= '0' && s[end] <= '9' || end == 0 && s[end] == '-') {
		end++
	}
	if end == 0 || s[:end] == "-" {
		return "0"
	}
	return s[:end]
}

// ensureFraction writes a number with a fraction.
func ensureFraction(s string) string {
	if s == "" || strings.ContainsAny(s, ".eE") {
		return s
	}
	return s + ".0"
}

// serializeArray writes an array of Postgres.
func serializeArray(v rubycode.Value) (text string, quoted, ok bool) {
	if v.Kind == rubycode.String {
		return v.Text, true, true
	}
	if v.Kind != rubycode.Array {
		return "", false, false
	}
	var list []string
	for _, item := range v.Items {
		if !item.IsName() && item.Kind != rubycode.Number {
			return "", false, false
		}
		s := item.Text
		if s == "" || strings.ContainsAny(s, ` ,{}"\`) || strings.EqualFold(s, "null") {
			s = `"` + strings.ReplaceAll(strings.ReplaceAll(s, `\`, `\\`), `"`, `\"`) + `"`
		}
		list = append(list, s)
	}
	return "{" + strings.Join(list, ",") + "}", true, true
}

// encodeJSON writes a value as Active Support does.
func encodeJSON(v rubycode.Value) (string, bool) {
	switch v.Kind {
	case rubycode.String, rubycode.Symbol:
		return encodeJSONText(v.Text), true
	case rubycode.Number:
		return v.Text, true
	case rubycode.Keyword:
		return strings.Replace(v.Text, "nil", "null", 1), true
	case rubycode.Array:
		var list []string
		for _, item := range v.Items {
			s, ok := encodeJSON(item)
			if !ok {
				return "", false
			}
			list = append(list, s)
		}
		return "[" + strings.Join(list, ",") + "]", true
	case rubycode.Hash:
		var list []string
		for i := 0; i+1 < len(v.Items); i += 2 {
			s, ok := encodeJSON(v.Items[i+1])
			if !ok {
				return "", false
			}
			list = append(list, encodeJSONText(v.Items[i].Text)+":"+s)
		}
		return "{" + strings.Join(list, ",") + "}", true
	}
	return "", false
}

// escapesJSON are the characters that Active Support writes otherwise in JSON.
var escapesJSON = strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`, "\t", `\t`, "\r", `\r`, "<", `\u003c`, ">", `\u003e`, "&", `\u0026`)

func encodeJSONText(s string) string { return `"` + escapesJSON.Replace(s) + `"` }
