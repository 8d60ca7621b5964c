package sequelize

import (
	"strings"

	"github.com/onward-sql/onward/internal/adapter/jscode"
)

// compareFields returns a condition on the fields of an object: { a: 1, b: null } is "a" = 1 AND "b" IS NULL. write writes the value of
// an equality.
func (c *compiler) compareFields(v jscode.Value, write func(jscode.Value) string) string {
	if c.requireThat(v.Kind == jscode.Object && len(v.Fields) > 0); c.unread {
		return ""
	}
	var parts []string
	for _, f := range v.Fields {
		c.requireThat(!strings.ContainsAny(f.Name, ".$"))
		switch {
		case f.Value.IsWord("null"):
			parts = append(parts, quoteIdentifier(f.Name)+" IS NULL")
		case f.Value.Kind == jscode.Object:
			parts = append(parts, quoteIdentifier(f.Name)+" "+c.compareOperator(f.Value))
		case f.Value.Kind == jscode.List:
			parts = append(parts, quoteIdentifier(f.Name)+" IN "+c.writeList(f.Value))
		default:
			isMethod := f.Value.Kind == jscode.Chain && f.Value.Links[len(f.Value.Links)-1].Name != "fn"
			c.requireThat(!f.Value.IsWord("undefined") && !isMethod) // of a literal the name of the column is not sent
			parts = append(parts, quoteIdentifier(f.Name)+" = "+write(f.Value))
		}
	}
	return strings.Join(parts, " AND ")
}

// operators are the operators of Sequelize whose form does not depend on the value.
var operators = map[string]string{"Op.gt": ">", "Op.gte": ">=", "Op.lt": "<", "Op.lte": "<=", "Op.in": "IN", "Op.notIn": "NOT IN"}

// writeList writes the values of a list, which are never parameters.
func (c *compiler) writeList(v jscode.Value) string {
	c.requireThat(len(v.Items) > 0)
	var items []string
	for _, item := range v.Items {
		items = append(items, c.escapeLiteral(item))
	}
	return "(" + strings.Join(items, ", ") + ")"
}

// compareOperator writes the comparison of a column by one operator: { [Op.ne]: null }. Its value is never a parameter.
// https://sequelize.org/docs/v6/core-concepts/model-querying-basics/#operators
func (c *compiler) compareOperator(v jscode.Value) string {
	if c.requireThat(len(v.Fields) == 1); c.unread {
		return ""
	}
	name, value := v.Fields[0].Name, v.Fields[0].Value
	isNull, isTruth := value.IsWord("null"), value.IsWord("true") || value.IsWord("false")
	c.requireThat(!value.IsWord("undefined"))
	switch operator := operators[name]; {
	case operator != "" && value.Kind == jscode.List:
		c.requireThat(strings.HasSuffix(operator, "IN"))
		return operator + " " + c.writeList(value)
	case operator != "":
		c.requireThat(!isNull && !strings.HasSuffix(operator, "IN"))
		return operator + " " + c.escapeLiteral(value)
	case isNull && (name == "Op.is" || name == "Op.eq"):
		return "IS NULL"
	case isNull && (name == "Op.not" || name == "Op.ne"):
		return "IS NOT NULL"
	case isTruth && name == "Op.is":
		return "IS " + value.Text
	case isTruth && name == "Op.not":
		return "IS NOT " + value.Text
	case name == "Op.eq":
		return "= " + c.escapeLiteral(value)
	case name == "Op.ne" || name == "Op.not":
		return "!= " + c.escapeLiteral(value)
	}
	c.requireThat(false)
	return ""
}

// bindValue writes a value as a parameter, which has no type.
func (c *compiler) bindValue(v jscode.Value) string {
	if sql, ok := c.rawValue(v); ok {
		return sql
	}
	switch text := c.escapeLiteral(v); {
	case v.Kind == jscode.Text || text == "NULL":
		return text
	default:
		return "'" + text + "'"
	}
}

func bulkInsert(c *compiler, arguments []jscode.Value) {
	table := c.readTable(arguments)
	if c.requireThat(len(arguments) > 1 && arguments[1].Kind == jscode.List && len(arguments[1].Items) > 0 && len(arguments) <= 3); c.unread {
		return
	}
	ending := ""
	if len(arguments) == 3 {
		for _, f := range arguments[2].Fields {
			c.requireThat(f.Name == "transaction" || f.Name == "ignoreDuplicates")
		}
		if c.isOptionSet(arguments[2], "ignoreDuplicates") {
			ending = " ON CONFLICT DO NOTHING"
		}
	}
	rows := arguments[1].Items
	columns, ok := jscode.ListColumns(rows)
	if c.requireThat(ok); c.unread {
		return
	}
	var tuples []string
	for _, r := range rows {
		values := make([]string, len(columns))
		for i, name := range columns {
			v, set := r.Field(name)
			sql, isRaw := c.rawValue(v)
			switch {
			case !set:
				values[i] = "NULL"
			case isRaw:
				values[i] = sql
			default:
				values[i] = c.escapeLiteral(v)
			}
		}
		tuples = append(tuples, "("+strings.Join(values, ",")+")")
	}
	c.addSQL("INSERT INTO " + table.String() + " (" + quoteIdentifierList(columns, ",") + ") VALUES " + strings.Join(tuples, ",") + ending + ";")
}

func bulkUpdate(c *compiler, arguments []jscode.Value) {
	table := c.readTable(arguments)
	if c.requireThat(len(arguments) > 2 && arguments[1].Kind == jscode.Object && len(arguments[1].Fields) > 0); c.unread {
		return
	}
	var sets []string
	for _, f := range arguments[1].Fields {
		sets = append(sets, quoteIdentifier(f.Name)+"="+c.bindValue(f.Value))
	}
	sql := "UPDATE " + table.String() + " SET " + strings.Join(sets, ",")
	if where := arguments[2]; where.Kind != jscode.Object || len(where.Fields) > 0 {
		sql += " WHERE " + c.compareFields(where, c.bindValue)
	}
	c.addSQL(sql)
}

func bulkDelete(c *compiler, arguments []jscode.Value) {
	table := c.readTable(arguments)
	where := jscode.Value{Kind: jscode.Object}
	if len(arguments) > 1 && !arguments[1].IsMissing() {
		where = arguments[1]
	}
	if len(arguments) > 2 {
		for _, f := range arguments[2].Fields {
			c.requireThat(f.Name == "transaction")
		}
	}
	sql := "DELETE FROM " + table.String()
	if where.Kind != jscode.Object || len(where.Fields) > 0 {
		sql += " WHERE " + c.compareFields(where, c.escapeLiteral)
	}
	c.addSQL(sql)
}
