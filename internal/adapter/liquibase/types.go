package liquibase

import (
	"strings"

	"github.com/onward-sql/onward/internal/lazyregexp"
)

// typeParts matches a type: its name, its parameters, and what follows.
var typeParts = lazyregexp.New(`^\s*([A-Za-z_][\w.]*(?:\s+(?:precision|varying))?)\s*(?:\(([^)]*)\))?\s*(.*?)\s*$`)

// typeNames are Postgres' names of the types that Liquibase knows (4.33). A '+' keeps the parameters.
var typeNames = map[string]string{
	"bigint": "BIGINT", "int8": "BIGINT", "integer8": "BIGINT", "bigserial": "BIGINT", "serial8": "BIGINT",
	"int": "INTEGER", "integer": "INTEGER", "int4": "INTEGER", "serial": "INTEGER", "serial4": "INTEGER",
	"smallint": "SMALLINT", "int2": "SMALLINT", "tinyint": "SMALLINT", "smallserial": "SMALLINT", "serial2": "SMALLINT",
	"boolean": "BOOLEAN", "bool": "BOOLEAN", "bit": "BIT+",
	"varchar": "VARCHAR+", "varchar2": "VARCHAR+", "nvarchar": "VARCHAR+", "nvarchar2": "VARCHAR+", "character varying": "VARCHAR+", "string": "VARCHAR+",
	"char": "CHAR+", "character": "CHAR+", "nchar": "CHAR+",
	"clob": "TEXT", "text": "TEXT", "longtext": "TEXT", "mediumtext": "TEXT", "tinytext": "TEXT", "nclob": "TEXT", "longvarchar": "TEXT",
	"longnvarchar": "TEXT", "ntext": "TEXT",
	"blob": "OID", "longblob": "BYTEA", "longvarbinary": "BYTEA", "varbinary": "BYTEA", "binary": "BYTEA", "bytea": "BYTEA", "image": "BYTEA",
	"tinyblob": "BYTEA", "mediumblob": "BYTEA",
	"double": "DOUBLE PRECISION", "double precision": "DOUBLE PRECISION", "float": "FLOAT+", "currency": "DECIMAL", "money": "MONEY",
	"decimal": "DECIMAL+", "numeric": "numeric+", "number": "numeric+",
	"date": "date", "uuid": "UUID", "uniqueidentifier": "UUID",
}

// serials are the types whose columns get their values from a sequence.
var serials = map[string]bool{
	"bigserial": true, "serial8": true, "serial": true, "serial4": true, "smallserial": true, "serial2": true,
}

// javaTypes are names of java.sql.Types that differ from names of SQL.
var javaTypes = map[string]string{
	"java.lang.string": "varchar", "java.lang.integer": "int", "java.lang.long": "bigint", "java.lang.boolean": "boolean",
	"java.util.date": "timestamp", "java.math.bigdecimal": "decimal", "java.math.biginteger": "bigint", "java.util.uuid": "uuid",
	"java.sql.timestamp": "timestamp", "java.sql.date": "date",
}

// columnType is the type of a column.
type columnType struct {
	sql string
	// base is its name in Liquibase, in small letters. counts is set for a serial type.
	base   string
	counts bool
}

// translateType translates a type to the one that Liquibase sends to Postgres.
func translateType(written string) columnType {
	m := typeParts.FindStringSubmatch(written)
	if m == nil || strings.HasSuffix(written, "[]") {
		return columnType{sql: strings.TrimSpace(written)}
	}
	base := strings.Join(strings.Fields(strings.ToLower(m[1])), " ")
	base = strings.TrimPrefix(base, "java.sql.types.")
	if sql := javaTypes[base]; sql != "" {
		base = sql
	}
	params, rest := m[2], m[3]
	t := columnType{base: base, counts: serials[base]}
	if params != "" {
		parts := strings.Split(params, ",")
		for i := range parts {
			parts[i] = strings.TrimSpace(parts[i])
		}
		params = "(" + strings.Join(parts, ", ") + ")"
	}
	switch name, known := typeNames[base]; {
	case base == "timestamp" || base == "datetime" || base == "time":
		t.sql = translateTimeType(base, params, rest)
		return t
	case base == "timestamptz" || base == "timetz":
		t.sql = strings.TrimSuffix(base, "tz") + params + " WITH TIME ZONE"
		return t
	case !known:
		t.sql = strings.TrimSpace(written)
		return t
	case strings.HasSuffix(name, "+"):
		t.sql = strings.TrimSuffix(name, "+") + params
	default:
		t.sql = name
	}
	if strings.HasPrefix(strings.ToLower(rest), "collate") {
		t.sql += " " + rest
	}
	return t
}

// translateTimeType translates a type of times.
func translateTimeType(base, params, rest string) string {
	if base == "datetime" {
		base = "timestamp"
	}
	zone := " WITHOUT TIME ZONE"
	if lower := strings.ToLower(rest); strings.Contains(lower, "with time zone") {
		zone = " WITH TIME ZONE"
	}
	return strings.ToUpper(base) + params + zone
}

// isNumber reports whether the values of a type are written without quotes.
func (t columnType) isNumber() bool {
	switch typeNames[t.base] {
	case "BIGINT", "INTEGER", "SMALLINT", "DOUBLE PRECISION", "FLOAT+", "DECIMAL", "DECIMAL+", "numeric+":
		return true
	}
	return false
}

// currentTime matches the values that Liquibase takes for the present time.
var currentTime = lazyregexp.New(`(?i)^(?:current_timestamp(?:\(\))?|now\(\)|current_datetime|sysdate|getdate\(\))$`)

// writeExpression writes an expression of the author.
func writeExpression(text string) string {
	if text = strings.TrimSpace(text); currentTime.MatchString(text) {
		return "NOW()"
	}
	return text
}

// timeValue matches a date or a time as the formats of Liquibase allow it.
var timeValue = lazyregexp.New(`^\d{4}-\d\d-\d\d|^\d\d:\d\d`)

// writeTime writes a date or a time.
func writeTime(text string) string {
	text = strings.TrimSpace(text)
	if !timeValue.MatchString(text) {
		return writeExpression(text)
	}
	if len(text) > 10 && text[10] == 'T' {
		text = text[:10] + " " + text[11:]
	}
	return quoteText(text)
}

// writeBoolean writes a truth value.
func writeBoolean(text string) string {
	switch strings.ToLower(strings.TrimSpace(text)) {
	case "true", "1", "t", "yes", "y":
		return "TRUE"
	}
	return "FALSE"
}

// formatAttributeValue writes the value that attributes with a prefix give: "value", or "defaultValue". ok is false if there is none, or if it is known
// only when Liquibase runs; then reason says so.
func formatAttributeValue(e *element, prefix string, t columnType) (sql string, ok bool, reason string) {
	isBoolean := t.base == "boolean" || t.base == "bool"
	switch {
	case e.hasAttribute(prefix+"Numeric") && isBoolean:
		return writeBoolean(e.getText(prefix + "Numeric")), true, ""
	case e.hasAttribute(prefix + "Numeric"):
		return strings.TrimSpace(e.getText(prefix + "Numeric")), true, ""
	case e.hasAttribute(prefix + "Boolean"):
		return writeBoolean(e.getText(prefix + "Boolean")), true, ""
	case e.hasAttribute(prefix + "Date"):
		return writeTime(e.getText(prefix + "Date")), true, ""
	case e.hasAttribute(prefix + "Computed"):
		return writeExpression(e.getText(prefix + "Computed")), true, ""
	case e.hasAttribute(prefix + "SequenceNext"):
		return "nextval(" + quoteText(qualifyName("", e.getText(prefix+"SequenceNext"))) + ")", true, ""
	case e.hasAttribute(prefix+"ClobFile") || e.hasAttribute(prefix+"BlobFile"):
		return "", false, "the value is in a file"
	case !e.hasAttribute(prefix):
		return "", false, ""
	}
	text := e.getText(prefix)
	switch {
	case strings.EqualFold(text, "null"):
		return "NULL", true, ""
	case t.isNumber():
		return strings.TrimSpace(text), true, ""
	case isBoolean:
		return writeBoolean(text), true, ""
	case strings.HasPrefix(t.base, "timestamp") || t.base == "datetime" || t.base == "date" || t.base == "time":
		return writeTime(text), true, ""
	}
	return quoteText(text), true, ""
}
