package sequelize

import (
	"strings"

	"github.com/onward-sql/onward/internal/adapter/jscode"
	"github.com/onward-sql/onward/internal/lazyregexp"
)

var upperCase = lazyregexp.New(`[A-Z]`)

// indexName returns the name that Sequelize gives to an index: for the columns b and c of a, it is a_b_c.
func (c *compiler) indexName(table tableName, columns []string) string {
	name := table.name + "_" + strings.Join(columns, "_")
	c.requireThat(!strings.Contains(name, "::"))
	return strings.ToLower(strings.TrimPrefix(upperCase.ReplaceAllString(name, "_$0"), "_"))
}

// formatIndexField returns a column or an expression of an index, and its name.
func (c *compiler) formatIndexField(v jscode.Value, operator string) (sql, name string) {
	if sql, ok := c.rawValue(v); ok {
		return sql, "undefined"
	}
	order, collation := "", ""
	switch v.Kind {
	case jscode.Text:
		name = v.Text
	case jscode.Object:
		for _, field := range [...]string{"name", "attribute"} {
			if text := c.optionText(v, field); text != "" {
				name = text
			}
		}
		order, collation = c.optionText(v, "order"), c.optionText(v, "collate")
		if fieldOperator := c.optionText(v, "operator"); fieldOperator != "" {
			operator = fieldOperator
		}
	}
	c.requireThat(name != "")
	sql = quoteIdentifier(name)
	if collation != "" {
		sql += " COLLATE " + quoteIdentifier(collation)
	}
	if operator != "" {
		sql += " " + operator
	}
	if order != "" {
		sql += " " + order
	}
	return sql, name
}

func addIndex(c *compiler, arguments []jscode.Value) {
	table := c.readTable(arguments)
	if c.requireThat(len(arguments) > 1); c.unread {
		return
	}
	fields, options := arguments[1], jscode.Value{Kind: jscode.Object}
	if fields.Kind == jscode.Object {
		options = fields
		fields, _ = options.Field("fields")
	} else if len(arguments) > 2 && !arguments[2].IsMissing() {
		options = arguments[2]
	}
	c.requireThat(fields.Kind == jscode.List && len(fields.Items) > 0 && options.Kind == jscode.Object && len(arguments) <= 3)
	var columns, names []string
	operator := c.optionText(options, "operator")
	for _, v := range fields.Items {
		sql, name := c.formatIndexField(v, operator)
		columns, names = append(columns, sql), append(names, name)
	}
	sql, name, kind := "CREATE", c.optionText(options, "name"), c.optionText(options, "type")
	if _, set := options.Field("name"); !set {
		c.requireThat(c.optionText(options, "prefix") == "")
		name = c.indexName(table, names)
	}
	unique := strings.EqualFold(kind, "unique")
	if unique || c.isOptionSet(options, "unique") {
		sql += " UNIQUE"
	}
	c.requireThat(name != "" && !strings.Contains(name, ".") && (unique || kind == ""))
	if sql += " INDEX"; c.isOptionSet(options, "concurrently") {
		sql += " CONCURRENTLY"
	}
	sql += " " + quoteIdentifier(name) + " ON " + table.String()
	if using := c.optionText(options, "using"); using != "" {
		sql += " USING " + using
	}
	sql += " (" + strings.Join(columns, ", ") + ")"
	if where, set := options.Field("where"); set && !where.IsMissing() {
		sql += " WHERE " + c.compareFields(where, c.escapeLiteral)
	}
	c.addSQL(sql)
}

func removeIndex(c *compiler, arguments []jscode.Value) {
	table := c.readTable(arguments)
	if c.requireThat(len(arguments) > 1 && table.schema == ""); c.unread {
		return
	}
	name := arguments[1].Text
	if arguments[1].Kind == jscode.List {
		fields, ok := jscode.ReadTexts(arguments[1])
		c.requireThat(ok)
		name = c.indexName(table, fields)
	} else {
		c.requireThat(arguments[1].Kind == jscode.Text)
	}
	c.requireThat(!strings.Contains(name, "."))
	sql := "DROP INDEX "
	if len(arguments) > 2 && c.isOptionSet(arguments[2], "concurrently") {
		sql += "CONCURRENTLY "
	}
	c.addSQL(sql + "IF EXISTS " + quoteIdentifier(name))
}

// constraintEndings are the ends of the names that Sequelize gives to constraints.
var constraintEndings = map[string]string{"UNIQUE": "_uk", "CHECK": "_ck", "PRIMARY KEY": "_pk", "FOREIGN KEY": "_fk"}

func addConstraint(c *compiler, arguments []jscode.Value) {
	table := c.readTable(arguments)
	if c.requireThat(len(arguments) == 2 && arguments[1].Kind == jscode.Object); c.unread {
		return
	}
	options := arguments[1]
	list, _ := options.Field("fields")
	fields, ok := jscode.ReadTexts(list)
	kind := strings.ToUpper(c.optionText(options, "type"))
	c.requireThat(ok && constraintEndings[kind] != "" && table.schema == "")
	columns, sql, other := quoteIdentifierList(fields, ", "), "", ""
	switch kind {
	case "UNIQUE", "PRIMARY KEY":
		sql = kind + " (" + columns + ")"
	case "CHECK":
		where, _ := options.Field("where")
		condition, isRaw := c.rawValue(where)
		if !isRaw {
			condition = c.compareFields(where, c.escapeLiteral)
		}
		sql = "CHECK (" + condition + ")"
	case "FOREIGN KEY":
		sql, other = c.formatForeignKey(columns, options)
		other = "_" + other
	}
	name := c.optionText(options, "name")
	if name == "" {
		name = table.name + "_" + strings.Join(fields, "_") + other + constraintEndings[kind]
	}
	if kind != "CHECK" {
		sql += c.readDeferral(options)
	}
	c.addSQL("ALTER TABLE " + table.String() + " ADD CONSTRAINT " + quoteIdentifier(name) + " " + sql + ";")
}

// formatForeignKey returns the definition of a foreign key, and the table that it references.
func (c *compiler) formatForeignKey(columns string, options jscode.Value) (sql, other string) {
	r, _ := options.Field("references")
	table, _ := r.Field("table")
	other = c.readTable([]jscode.Value{table}).String()
	c.requireThat(table.Kind == jscode.Text)
	keys := []string{c.optionText(r, "field")}
	if list, set := r.Field("fields"); keys[0] == "" && set {
		texts, ok := jscode.ReadTexts(list)
		c.requireThat(ok)
		keys = texts
	}
	c.requireThat(len(keys) > 0 && keys[0] != "")
	sql = "FOREIGN KEY (" + columns + ") REFERENCES " + other + " (" + quoteIdentifierList(keys, ", ") + ")"
	for _, x := range [][2]string{{"onUpdate", " ON UPDATE "}, {"onDelete", " ON DELETE "}} {
		if action := c.optionText(options, x[0]); action != "" {
			sql += x[1] + strings.ToUpper(action)
		}
	}
	return sql, table.Text
}

func removeConstraint(c *compiler, arguments []jscode.Value) {
	name := c.requiredText(arguments, 1)
	c.requireThat(!strings.Contains(name, "."))
	c.addSQL("ALTER TABLE " + c.readTable(arguments).String() + " DROP CONSTRAINT " + quoteIdentifier(name))
}
