package sequelize

import (
	"strings"

	"github.com/onward-sql/onward/internal/adapter/jscode"
	"github.com/onward-sql/onward/internal/lazyregexp"
)

// mostColumns is how many columns a table of Postgres can have.
const mostColumns = 1600

// createTable adds the statements of createTable: enums first, each of them in a message.
func createTable(c *compiler, arguments []jscode.Value) {
	table := c.readTable(arguments)
	if c.requireThat(len(arguments) > 1 && arguments[1].Kind == jscode.Object && len(arguments[1].Fields) <= mostColumns); c.unread {
		return
	}
	var columns, keys []string
	comments := ""
	for _, f := range arguments[1].Fields {
		a := c.readAttribute(table, f.Name, f.Value)
		if c.unread {
			return
		}
		if a.kind == "ENUM" {
			c.addSQL(a.createEnumStatement(table))
		}
		if strings.Contains(a.definition, "PRIMARY KEY") {
			keys = append(keys, quoteIdentifier(a.name))
		}
		definition := a.resolveColumnType(table)
		if a.comment != "" {
			definition += " "
		}
		columns = append(columns, quoteIdentifier(a.name)+" "+definition)
		comments += a.commentStatement(table.String())
	}
	sql, comment := strings.Join(columns, ", "), ""
	if len(arguments) > 2 && arguments[2].Kind == jscode.Object {
		sql += c.formatUniqueKeys(arguments[2])
		c.requireThat(c.optionText(arguments[2], "schema") == "" && !c.isOptionSet(arguments[2], "withoutForeignKeyConstraints"))
		if text := c.optionText(arguments[2], "comment"); text != "" {
			comment = "; COMMENT ON TABLE " + table.String() + " IS " + jscode.QuoteSQLText(text)
		}
	}
	if len(keys) > 0 {
		sql += ", PRIMARY KEY (" + strings.Join(keys, ",") + ")"
	}
	c.addSQL("CREATE TABLE IF NOT EXISTS " + table.String() + " (" + sql + ")" + comment + comments + ";")
}

// formatUniqueKeys returns the constraints of the option uniqueKeys.
func (c *compiler) formatUniqueKeys(options jscode.Value) (sql string) {
	keys, set := options.Field("uniqueKeys")
	if c.requireThat(!set || keys.Kind == jscode.Object && len(keys.Fields) <= mostColumns); c.unread {
		return ""
	}
	for _, k := range keys.Fields {
		fields, _ := k.Value.Field("fields")
		names, ok := jscode.ReadTexts(fields)
		_, custom := k.Value.Field("customIndex")
		c.requireThat(ok && (!custom || c.isOptionSet(k.Value, "customIndex")))
		sql += ", UNIQUE (" + quoteIdentifierList(names, ", ") + ")"
	}
	return sql
}

func dropTable(c *compiler, arguments []jscode.Value) {
	sql := "DROP TABLE IF EXISTS " + c.readTable(arguments).String()
	if len(arguments) > 1 && (c.isOptionSet(arguments[1], "cascade") || c.isOptionSet(arguments[1], "force")) {
		sql += " CASCADE"
	}
	c.addSQL(sql + ";")
}

func renameTable(c *compiler, arguments []jscode.Value) {
	table := c.readTable(arguments)
	if c.requireThat(len(arguments) > 1); !c.unread {
		c.addSQL("ALTER TABLE " + table.String() + " RENAME TO " + c.readTable(arguments[1:]).String() + ";")
	}
}

func addColumn(c *compiler, arguments []jscode.Value) {
	table, name := c.readTable(arguments), c.requiredText(arguments, 1)
	if c.requireThat(len(arguments) > 2); c.unread {
		return
	}
	a := c.readAttribute(table, name, arguments[2])
	a.name = name // the option field has no effect here
	sql := "ALTER TABLE " + table.formatQualified() + " ADD COLUMN " + quoteIdentifier(name) + " " + a.resolveColumnType(table) +
		a.commentStatement(table.String()) + ";"
	if a.kind == "ENUM" {
		sql = a.createEnumStatement(table) + sql
	}
	c.addSQL(sql)
}

func removeColumn(c *compiler, arguments []jscode.Value) {
	c.addSQL("ALTER TABLE " + c.readTable(arguments).formatQualified() + " DROP COLUMN " + quoteIdentifier(c.requiredText(arguments, 1)) + ";")
}

func renameColumn(c *compiler, arguments []jscode.Value) {
	c.addSQL("ALTER TABLE " + c.readTable(arguments).String() + " RENAME COLUMN " + quoteIdentifier(c.requiredText(arguments, 1)) + " TO " +
		quoteIdentifier(c.requiredText(arguments, 2)) + ";")
}

var (
	defaultValue = lazyregexp.New(`DEFAULT ([^;]+)`)
	lastUnique   = lazyregexp.New(`UNIQUE;*$`)
)

// changeColumn adds the message of changeColumn, as Sequelize makes it from the text of the column.
func changeColumn(c *compiler, arguments []jscode.Value) {
	table, name := c.readTable(arguments), c.requiredText(arguments, 1)
	if c.requireThat(len(arguments) > 2); c.unread {
		return
	}
	a := c.readAttribute(table, name, arguments[2])
	if c.requireThat(a.name == name); c.unread {
		return
	}
	begin := "ALTER TABLE " + table.String() + " "
	alter := begin + "ALTER COLUMN " + quoteIdentifier(name) + " "
	text := a.resolveColumnType(table) + a.commentStatement(table.String())
	references := strings.Contains(text, "REFERENCES")
	sql := ""
	switch {
	case strings.Contains(text, "NOT NULL"):
		sql = alter + "SET NOT NULL;"
		text = strings.TrimSpace(strings.Replace(text, "NOT NULL", "", 1))
	case !references:
		sql = alter + "DROP NOT NULL;"
	}
	if match := defaultValue.FindStringSubmatchIndex(text); match != nil {
		sql += alter + "SET DEFAULT " + text[match[2]:match[3]] + ";"
		text = strings.TrimSpace(text[:match[0]] + text[match[1]:])
	} else if !references {
		sql += alter + "DROP DEFAULT;"
	}
	if strings.HasPrefix(a.definition, "ENUM(") {
		sql += a.createEnumStatement(table)
		text += " USING (" + quoteIdentifier(name) + "::" + table.enumTypeName(name) + ")"
	}
	if match := lastUnique.FindStringIndex(text); match != nil {
		text = text[:match[0]]
		sql += begin + " ADD UNIQUE (" + quoteIdentifier(name) + ");"
	}
	if index := strings.Index(text, "REFERENCES"); index >= 0 {
		sql += begin + " ADD FOREIGN KEY (" + quoteIdentifier(name) + ") " + text[index:] + ";"
	} else {
		sql += alter + "TYPE " + text + ";"
	}
	c.addSQL(sql)
}

func createSchema(c *compiler, arguments []jscode.Value) {
	c.addSQL("CREATE SCHEMA IF NOT EXISTS " + quoteIdentifier(c.requiredText(arguments, 0)) + ";")
}

func dropSchema(c *compiler, arguments []jscode.Value) {
	c.addSQL("DROP SCHEMA IF EXISTS " + quoteIdentifier(c.requiredText(arguments, 0)) + " CASCADE;")
}
