package kysely

import (
	"strings"

	"github.com/onward-sql/onward/internal/adapter/jscode"
)

// operators are those that a condition may have.
var operators = map[string]bool{
	"=": true, "<": true, ">": true, "<=": true, ">=": true, "<>": true, "!=": true, "like": true, "not like": true, "ilike": true, "not ilike": true,
	"is": true, "is not": true, "in": true, "not in": true,
}

// addCondition adds the condition of a where() to the ones before it: where('a', '=', 1) adds "a" = 1. write writes a value.
func (b *builder) addCondition(where string, l jscode.Link, write func(jscode.Value) string) string {
	var condition string
	switch b.requireThat(len(where) <= jscode.MostCondition); len(l.Arguments) {
	case 1:
		condition = b.fixedExpression(l, 0)
	case 3:
		operator := b.textAt(l, 1)
		b.requireThat(operators[operator])
		condition = b.formatOperand(l.Arguments[0]) + " " + operator + " " + b.formatComparedValue(operator, l.Arguments[2], write)
	default:
		b.unread = true
	}
	if where == "" || b.unread {
		return " where " + condition
	}
	return where + " and " + condition
}

// formatOperand returns the left side of a condition.
func (b *builder) formatOperand(v jscode.Value) string {
	if sql, ok := b.readExpression(v); ok {
		return sql
	}
	name := b.textOf(v)
	b.requireThat(!strings.Contains(name, "->"))
	return b.quoteColumn(name)
}

// formatComparedValue returns the right side of a condition.
func (b *builder) formatComparedValue(operator string, v jscode.Value, write func(jscode.Value) string) string {
	switch {
	case strings.HasPrefix(operator, "is"):
		b.requireThat(v.IsWord("null") || v.IsWord("true") || v.IsWord("false"))
		return v.Text
	case strings.HasSuffix(operator, "in"):
		b.requireThat(v.Kind == jscode.List && len(v.Items) > 0)
		var parts []string
		for _, item := range v.Items {
			parts = append(parts, write(item))
		}
		return "(" + strings.Join(parts, ", ") + ")"
	}
	return write(v)
}

// buildQuery returns the statement of a query builder: insertInto, updateTable, deleteFrom, selectFrom.
func (b *builder) buildQuery(links []jscode.Link) string {
	first := links[0]
	if first.Name == "selectFrom" {
		return b.buildSelect(links)
	}
	where, sets, rows, ending, conflict, from := "", "", "", "", "", ""
	quote := b.quoteAliased
	if first.Name == "insertInto" {
		quote = b.quoteTable
	}
	table := quote(b.textAt(first, 0))
	for _, l := range links[1:] {
		switch {
		case l.Name == "where" && first.Name != "insertInto":
			where = b.addCondition(where, l, b.bindValue)
		case l.Name == "whereRef" && first.Name != "insertInto":
			where = b.addReference(where, l)
		case l.Name == "from" && first.Name == "updateTable" && from == "":
			from = " from " + b.quoteAliased(b.textAt(l, 0))
		case l.Name == "onConflict" && first.Name == "insertInto" && conflict == "":
			conflict = b.buildOnConflict(l)
		case l.Name == "set" && first.Name == "updateTable" && sets == "":
			sets = b.formatAssignments(l)
		case l.Name == "values" && first.Name == "insertInto":
			rows = b.formatInsertedRows(l)
		case l.Name == "returningAll" && len(l.Arguments) == 0:
			ending = " returning *"
		default:
			b.unread = true
		}
	}
	switch first.Name {
	case "updateTable":
		b.requireThat(sets != "")
		return "update " + table + " set " + sets + from + where + ending
	case "deleteFrom":
		return "delete from " + table + where + ending
	case "insertInto":
		b.requireThat(rows != "")
		return "insert into " + table + rows + conflict + ending
	}
	b.unread = true
	return ""
}

// addReference adds the condition of whereRef(), which compares two columns.
func (b *builder) addReference(where string, l jscode.Link) string {
	operator := b.textAt(l, 1)
	b.requireThat(operators[operator] && len(l.Arguments) == 3 && len(where) <= jscode.MostCondition)
	if b.unread {
		return ""
	}
	condition := b.formatOperand(l.Arguments[0]) + " " + operator + " " + b.formatOperand(l.Arguments[2])
	if where == "" {
		return " where " + condition
	}
	return where + " and " + condition
}

// buildOnConflict returns the clause of the callback of onConflict().
func (b *builder) buildOnConflict(l jscode.Link) string {
	if b.requireThat(len(l.Arguments) == 1); b.unread {
		return ""
	}
	var columns []string
	constraint, action := "", ""
	for _, m := range b.listCallbackCalls(l.Arguments[0]) {
		b.requireThat(action == "")
		switch m.Name {
		case "column":
			columns = append(columns, jscode.QuoteSQLName(b.textAt(m, 0)))
		case "columns":
			columns = append(columns, b.quotedList(m, 0))
		case "constraint":
			constraint = " on constraint " + jscode.QuoteSQLName(b.textAt(m, 0))
		case "doNothing":
			action = " do nothing"
		case "doUpdateSet":
			b.requireThat(len(m.Arguments) == 1)
			action = " do update set " + b.formatAssignments(m)
		default:
			b.unread = true
		}
	}
	b.requireThat(action != "")
	if len(columns) > 0 {
		constraint = " (" + strings.Join(columns, ", ") + ")"
	}
	return " on conflict" + constraint + action
}

// formatAssignments returns the assignments of an UPDATE.
func (b *builder) formatAssignments(l jscode.Link) string {
	if len(l.Arguments) == 2 {
		return jscode.QuoteSQLName(b.textAt(l, 0)) + " = " + b.bindValue(l.Arguments[1])
	}
	if b.requireThat(len(l.Arguments) == 1 && l.Arguments[0].Kind == jscode.Object); b.unread {
		return ""
	}
	var parts []string
	for _, f := range l.Arguments[0].Fields {
		parts = append(parts, jscode.QuoteSQLName(f.Name)+" = "+b.bindValue(f.Value))
	}
	return strings.Join(parts, ", ")
}

// formatInsertedRows returns the columns and values of an INSERT. A row without one of the columns has its default.
func (b *builder) formatInsertedRows(l jscode.Link) string {
	if b.requireThat(len(l.Arguments) == 1); b.unread {
		return ""
	}
	rows := l.Arguments
	if rows[0].Kind == jscode.List {
		rows = rows[0].Items
	}
	columns, ok := jscode.ListColumns(rows)
	if b.requireThat(ok); b.unread {
		return ""
	}
	var tuples, names []string
	for _, c := range columns {
		names = append(names, jscode.QuoteSQLName(c))
	}
	for _, r := range rows {
		values := make([]string, len(columns))
		for i, name := range columns {
			v, set := r.Field(name)
			if values[i] = "default"; set {
				values[i] = b.bindValue(v)
			}
		}
		tuples = append(tuples, "("+strings.Join(values, ", ")+")")
	}
	return " (" + strings.Join(names, ", ") + ") values " + strings.Join(tuples, ", ")
}
