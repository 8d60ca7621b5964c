package sequelize

import (
	"strings"

	"github.com/onward-sql/onward/internal/adapter/jscode"
)

// dataType is the type of a column.
type dataType struct {
	// sql is the type as Sequelize writes it before it gives an enum its name.
	sql string
	// kind is its name among Sequelize's types; "" for SQL of the migration.
	kind string
	// values belong to an enum. array is set for a list of them, or of another type.
	values []string
	array  bool
}

// plainTypes are the types whose arguments Postgres does not get.
var plainTypes = map[string]string{
	"TEXT": "TEXT", "CITEXT": "CITEXT", "INTEGER": "INTEGER", "BIGINT": "BIGINT", "SMALLINT": "SMALLINT", "MEDIUMINT": "MEDIUMINT", "TINYINT": "TINYINT",
	"REAL": "REAL", "DOUBLE": "DOUBLE PRECISION", "BOOLEAN": "BOOLEAN", "TIME": "TIME", "DATE": "TIMESTAMP WITH TIME ZONE", "DATEONLY": "DATE",
	"JSON": "JSON", "JSONB": "JSONB", "UUID": "UUID", "BLOB": "BYTEA", "HSTORE": "HSTORE", "INET": "INET", "CIDR": "CIDR", "MACADDR": "MACADDR",
	"TSVECTOR": "TSVECTOR",
}

// findTypeLink returns the link of a chain that names a type: Sequelize.STRING, DataTypes.STRING(10), Sequelize.DataTypes.UUID.
func findTypeLink(v jscode.Value) (l jscode.Link, ok bool) {
	if v.Kind != jscode.Chain || v.New {
		return l, false
	}
	links := v.Links
	if links[0].Name != "DataTypes" && links[0].Name != "DataType" && links[0].Name != "Sequelize" && links[0].Name != "sequelize" || links[0].Called {
		return l, false
	}
	if links = links[1:]; len(links) > 1 && links[0].Name == "DataTypes" {
		links = links[1:]
	}
	if len(links) == 2 && links[1].Name == "UNSIGNED" && !links[1].Called {
		links = links[:1] // Postgres has none
	}
	if len(links) != 1 {
		return l, false
	}
	return links[0], true
}

// readType reads the type of a column.
func (c *compiler) readType(v jscode.Value) (t dataType) {
	if v.Kind == jscode.Text {
		return dataType{sql: v.Text}
	}
	l, ok := findTypeLink(v)
	if c.requireThat(ok); c.unread {
		return t
	}
	t.kind = l.Name
	switch l.Name {
	case "STRING", "CHAR":
		t.sql = map[string]string{"STRING": "VARCHAR", "CHAR": "CHAR"}[l.Name] + "(" + c.wholeNumber(l.Arguments, "255") + ")"
	case "FLOAT":
		if t.sql = "FLOAT"; len(l.Arguments) > 0 {
			c.requireThat(len(l.Arguments) == 1)
			t.sql += "(" + c.wholeNumber(l.Arguments, "") + ")"
		}
	case "DECIMAL", "NUMERIC":
		t.sql = "DECIMAL" + c.decimalDigits(l.Arguments)
	case "ENUM":
		t.values = c.enumValues(l.Arguments)
	case "ARRAY":
		if c.requireThat(len(l.Arguments) == 1); c.unread {
			return t
		}
		t = c.readType(l.Arguments[0])
		c.requireThat(t.kind != "" && !t.array)
		t.array = true
		t.sql += "[]"
	default:
		t.sql = plainTypes[l.Name]
		c.requireThat(t.sql != "")
	}
	return t
}

// wholeNumber returns the first of arguments, a number; fallback if it is missing.
func (c *compiler) wholeNumber(arguments []jscode.Value, fallback string) string {
	if len(arguments) == 0 {
		return fallback
	}
	number, ok := arguments[0].PlainNumber()
	c.requireThat(ok && len(arguments) == 1 && number != "0" && !strings.ContainsAny(number, ".-"))
	return number
}

// decimalDigits returns the precision and scale of a decimal.
func (c *compiler) decimalDigits(arguments []jscode.Value) string {
	var digits []string
	c.requireThat(len(arguments) <= 2)
	for _, v := range arguments {
		number, ok := v.PlainNumber()
		c.requireThat(ok)
		if number != "0" {
			digits = append(digits, number)
		}
	}
	if len(digits) == 0 {
		return ""
	}
	return "(" + strings.Join(digits, ",") + ")"
}

// enumValues returns the values of an enum: ENUM('a', 'b'), ENUM(['a']), ENUM({values: ['a']}).
func (c *compiler) enumValues(arguments []jscode.Value) (out []string) {
	if len(arguments) == 1 && arguments[0].Kind == jscode.Object {
		values, _ := arguments[0].Field("values")
		arguments = []jscode.Value{values}
	}
	if len(arguments) == 1 && arguments[0].Kind == jscode.List {
		arguments = arguments[0].Items
	}
	for _, v := range arguments {
		c.requireThat(v.Kind == jscode.Text)
		out = append(out, v.Text)
	}
	return out
}

// rawValue returns the SQL of Sequelize.literal("…"), Sequelize.fn("…") and Sequelize.col("…").
func (c *compiler) rawValue(v jscode.Value) (sql string, ok bool) {
	if v.Kind != jscode.Chain || v.New || v.Links[0].Called {
		return "", false
	}
	l := v.Links[len(v.Links)-1]
	if !l.Called || l.Tagged || len(v.Links) > 3 || len(l.Arguments) == 0 || l.Arguments[0].Kind != jscode.Text {
		return "", false
	}
	first := l.Arguments[0].Text
	switch {
	case l.Name == "literal" && len(l.Arguments) == 1:
		return first, true
	case l.Name == "col" && len(l.Arguments) == 1:
		return quoteIdentifier(first), !strings.ContainsAny(first, ".*")
	case l.Name != "fn":
		return "", false
	}
	var parts []string
	for _, a := range l.Arguments[1:] {
		part, ok := c.rawValue(a)
		if !ok {
			part = c.escapeLiteral(a)
		}
		parts = append(parts, part)
	}
	return first + "(" + strings.Join(parts, ", ") + ")", true
}

// escapeLiteral writes a text, number or word as Sequelize does.
func (c *compiler) escapeLiteral(v jscode.Value) string {
	if sql, ok := v.SQLConstant(); ok {
		return sql
	}
	if v.IsMissing() {
		return "NULL"
	}
	c.requireThat(v.Kind == jscode.Word)
	return v.Text
}

// escapeDefault writes the default of a column of a type.
func (c *compiler) escapeDefault(v jscode.Value, t dataType) string {
	if sql, ok := c.rawValue(v); ok {
		return sql
	}
	switch {
	case v.IsMissing():
		return "NULL"
	case t.kind == "JSON" || t.kind == "JSONB":
		text, ok := jscode.StringifyValue(v)
		c.requireThat(ok && !t.array)
		return jscode.QuoteSQLText(text)
	case t.array:
		c.requireThat(v.Kind == jscode.List && len(v.Items) == 0 && t.kind != "ENUM")
		return "ARRAY[]::" + t.sql
	case t.kind == "DATE" || t.kind == "DATEONLY" || t.kind == "BLOB" || t.kind == "HSTORE":
		c.unread = true
		return ""
	case t.kind == "BOOLEAN" || t.kind == "STRING" || t.kind == "TEXT":
		c.requireThat(v.Kind != jscode.Number)
	}
	return c.escapeLiteral(v)
}
