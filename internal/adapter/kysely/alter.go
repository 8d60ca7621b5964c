package kysely

import (
	"strings"

	"github.com/onward-sql/onward/internal/adapter/jscode"
)

// alterTable returns the statement of alterTable: one change of the table, or a list of changes of its columns.
// For alterTable('a').dropColumn('b') it is alter table "a" drop column "b".
func (b *builder) alterTable(first jscode.Link, rest []jscode.Link) string {
	begin := "alter table " + b.quoteTable(b.textAt(first, 0)) + " "
	if len(rest) == 0 {
		b.unread = true
		return ""
	}
	l := rest[0]
	if sql, isConstraint := b.buildConstraint(l, rest[1:]); isConstraint {
		return begin + "add " + sql
	}
	switch l.Name {
	case "renameTo":
		b.requireThat(len(rest) == 1)
		return begin + "rename to " + b.quoteTable(b.textAt(l, 0))
	case "setSchema":
		b.requireThat(len(rest) == 1)
		return begin + "set schema " + jscode.QuoteSQLName(b.textAt(l, 0))
	case "renameConstraint":
		b.requireThat(len(rest) == 1)
		return begin + "rename constraint " + jscode.QuoteSQLName(b.textAt(l, 0)) + " to " + jscode.QuoteSQLName(b.textAt(l, 1))
	case "dropConstraint":
		return begin + b.dropConstraint(l, rest[1:])
	}
	var parts []string
	for _, l := range rest {
		parts = append(parts, b.alterColumns(l))
	}
	return begin + strings.Join(parts, ", ")
}

// dropConstraint returns the change that drops a constraint.
func (b *builder) dropConstraint(l jscode.Link, rest []jscode.Link) string {
	exists, ending := "", ""
	for _, m := range rest {
		switch m.Name {
		case "ifExists":
			exists = words[m.Name]
		case "cascade", "restrict":
			ending = " " + m.Name
		default:
			b.unread = true
		}
	}
	return "drop constraint " + exists + jscode.QuoteSQLName(b.textAt(l, 0)) + ending
}

// alterColumns returns a change of a column.
func (b *builder) alterColumns(l jscode.Link) string {
	switch l.Name {
	case "addColumn":
		return "add column " + b.defineColumn(l)
	case "dropColumn":
		return "drop column " + jscode.QuoteSQLName(b.textAt(l, 0))
	case "renameColumn":
		return "rename column " + jscode.QuoteSQLName(b.textAt(l, 0)) + " to " + jscode.QuoteSQLName(b.textAt(l, 1))
	case "alterColumn":
		if b.requireThat(len(l.Arguments) == 2); b.unread {
			return ""
		}
		changes := b.listCallbackCalls(l.Arguments[1])
		if b.requireThat(len(changes) == 1); b.unread {
			return ""
		}
		return "alter column " + jscode.QuoteSQLName(b.textAt(l, 0)) + " " + b.buildColumnAlteration(changes[0])
	}
	b.unread = true
	return ""
}

// buildColumnAlteration returns what ALTER COLUMN does.
func (b *builder) buildColumnAlteration(m jscode.Link) string {
	switch m.Name {
	case "setDataType":
		return "type " + b.dataType(m, 0)
	case "setDefault":
		return "set default " + b.defaultOf(m)
	case "dropDefault":
		return "drop default"
	case "setNotNull":
		return "set not null"
	case "dropNotNull":
		return "drop not null"
	}
	b.unread = true
	return ""
}

// createIndex returns the statement of createIndex.
func (b *builder) createIndex(first jscode.Link, rest []jscode.Link) string {
	c := clauses{}
	var columns []string
	where := ""
	for _, l := range rest {
		switch l.Name {
		case "unique":
			c[l.Name] = "unique "
		case "ifNotExists":
			c[l.Name] = words[l.Name]
		case "nullsNotDistinct":
			c[l.Name] = " nulls not distinct"
		case "on":
			c[l.Name] = " on " + b.quoteTable(b.textAt(l, 0))
		case "using":
			c[l.Name] = " using " + b.textAt(l, 0)
		case "column":
			columns = append(columns, b.orderedColumn(b.textAt(l, 0)))
		case "columns":
			if b.requireThat(len(l.Arguments) == 1 && l.Arguments[0].Kind == jscode.List); b.unread {
				return ""
			}
			for _, v := range l.Arguments[0].Items {
				columns = append(columns, b.orderedColumn(b.textOf(v)))
			}
		case "expression":
			columns = append(columns, b.fixedExpression(l, 0))
		case "where":
			where = b.addCondition(where, l, b.writeLiteral)
		default:
			b.unread = true
		}
	}
	b.requireThat(len(columns) > 0 && c["on"] != "")
	return "create " + c["unique"] + "index " + c["ifNotExists"] + jscode.QuoteSQLName(b.textAt(first, 0)) + c["on"] + c["using"] + " (" +
		strings.Join(columns, ", ") + ")" + c["nullsNotDistinct"] + where
}

// orderedColumn returns a column of an index, which may have a direction.
func (b *builder) orderedColumn(text string) string {
	name, order, ordered := strings.Cut(text, " ")
	if !ordered {
		return jscode.QuoteSQLName(name)
	}
	order = strings.TrimSpace(order)
	b.requireThat(order == "asc" || order == "desc")
	return jscode.QuoteSQLName(name) + " " + order
}
