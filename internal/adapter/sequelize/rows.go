package sequelize

import (
	"strings"

	"github.com/onward-sql/onward/internal/adapter/jscode"
)

// compareFields returns a condition on the fields of an object: equality, and IS NULL.
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
		default:
			c.requireThat(!f.Value.IsWord("undefined"))
			parts = append(parts, quoteIdentifier(f.Name)+" = "+write(f.Value))
		}
	}
	return strings.Join(parts, " AND ")
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
