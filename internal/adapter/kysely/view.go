package kysely

import (
	"strings"

	"github.com/onward-sql/onward/internal/adapter/jscode"
)

// createView returns the statement of createView. Its query cannot have parameters.
func (b *builder) createView(first jscode.Link, rest []jscode.Link) string {
	c := clauses{}
	columns, query := "", ""
	for _, l := range rest {
		switch l.Name {
		case "orReplace":
			c[l.Name] = "or replace "
		case "materialized", "temporary":
			c[l.Name] = l.Name + " "
		case "ifNotExists":
			c[l.Name] = words[l.Name]
		case "columns":
			columns = "(" + b.quotedList(l, 0) + ") "
		case "as":
			if b.requireThat(len(l.Arguments) == 1 && query == "" && b.schema == ""); b.unread {
				return ""
			}
			query = b.viewQuery(l.Arguments[0])
		default:
			b.unread = true
		}
	}
	b.requireThat(query != "")
	return "create " + c["orReplace"] + c["materialized"] + c["temporary"] + "view " + c["ifNotExists"] + b.quoteUnsplitName(b.textAt(first, 0)) +
		" " + columns + "as " + query
}

// viewQuery returns the query of a view: db.selectFrom("a")…, or an expression of the tag sql.
func (b *builder) viewQuery(v jscode.Value) string {
	b.inView = true
	defer func() { b.inView = false }()
	if sql, ok := b.readExpression(v); ok {
		return sql
	}
	isQuery := v.Kind == jscode.Chain && len(v.Links) > 2 && !v.Links[0].Called && v.Links[1].Name == "selectFrom"
	if b.requireThat(isQuery); b.unread {
		return ""
	}
	for _, l := range v.Links[1:] {
		b.requireThat(l.Called && !l.Tagged)
	}
	return b.buildSelect(v.Links[1:])
}

// buildSelect returns the query of selectFrom.
func (b *builder) buildSelect(links []jscode.Link) string {
	table, where := b.quoteAliased(b.textAt(links[0], 0)), ""
	var selected, groups []string
	for _, l := range links[1:] {
		switch l.Name {
		case "where":
			where = b.addCondition(where, l, b.bindValue)
		case "whereRef":
			where = b.addReference(where, l)
		case "selectAll":
			b.requireThat(len(l.Arguments) == 0)
			selected = append(selected, "*")
		case "select":
			selected = append(selected, b.listOperands(l, b.writeSelection)...)
		case "groupBy":
			groups = append(groups, b.listOperands(l, b.formatOperand)...)
		default:
			b.unread = true
		}
	}
	b.requireThat(len(selected) > 0)
	sql := "select " + strings.Join(selected, ", ") + " from " + table + where
	if len(groups) > 0 {
		sql += " group by " + strings.Join(groups, ", ")
	}
	return sql
}

// listOperands returns the only argument of a call, which may be a list of such.
func (b *builder) listOperands(l jscode.Link, write func(jscode.Value) string) (out []string) {
	if b.requireThat(len(l.Arguments) == 1); b.unread {
		return nil
	}
	list := l.Arguments
	if list[0].Kind == jscode.List {
		list = list[0].Items
	}
	for _, v := range list {
		out = append(out, write(v))
	}
	return out
}

// writeSelection returns what select() takes: a column, or an expression with a name.
func (b *builder) writeSelection(v jscode.Value) string {
	if v.Kind != jscode.Chain {
		return b.formatOperand(v)
	}
	last := len(v.Links) - 1
	if b.requireThat(last > 0 && v.Links[last].Name == "as" && v.Links[last].Called); b.unread {
		return ""
	}
	name := b.textAt(v.Links[last], 0)
	v.Links = v.Links[:last]
	sql, ok := b.readExpression(v)
	b.requireThat(ok)
	return sql + alias + jscode.QuoteSQLName(name)
}
