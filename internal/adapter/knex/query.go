package knex

import (
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/adapter/jscode"
)

// queryBuilder makes the statement of a query builder. Knex sends values as parameters without a type: they are texts here.
type queryBuilder struct {
	*compiler
	table  string
	where  string
	method jscode.Link
	// columns are read by a SELECT, and returning follows RETURNING.
	columns, returning []string
	conflict           string
	// literal is set if values cannot be parameters, inline if Knex then writes them into the text.
	literal, inline bool
}

// operators are those that a condition may have.
var operators = map[string]bool{
	"=": true, "<": true, ">": true, "<=": true, ">=": true, "<>": true, "!=": true, "like": true, "not like": true, "ilike": true, "not ilike": true,
}

// translateQuery returns the SQL of a query builder: knex('a').whereNull('b').update({ b: 'c' }) sends
// update "a" set "b" = 'c' where "b" is null.
func translateQuery(links []jscode.Link) jscode.Translation {
	q := &queryBuilder{compiler: &compiler{}}
	if q.readQuery(links); q.unread {
		return unknown
	}
	return jscode.Translation{Statements: q.out}
}

// readQuery reads the calls of the query builder, and adds the statement.
func (q *queryBuilder) readQuery(links []jscode.Link) {
	if links[0].Called {
		q.failUnless(len(links[0].Arguments) == 1)
		q.table = q.textAt(links[0], 0)
	}
	for _, l := range links[1:] {
		if q.failUnless(l.Called && !l.Tagged); q.unread {
			return
		}
		q.readMethod(l)
	}
	if q.failUnless(q.table != ""); !q.unread {
		q.compileQuery()
	}
}

// readMethod reads a method of the query builder.
func (q *queryBuilder) readMethod(l jscode.Link) {
	switch l.Name {
	case "withSchema":
		q.schema = q.textAt(l, 0)
	case "from", "into", "table":
		q.failUnless(q.table == "")
		q.table = q.textAt(l, 0)
	case "update", "insert", "del", "delete", "truncate", "select":
		q.failUnless(q.method.Name == "")
		q.readVerb(l)
	case "returning":
		q.returning = q.namesAt(l, 0)
	case "onConflict":
		q.failUnless(q.conflict == "")
		q.conflict = " on conflict"
		if len(l.Arguments) > 0 {
			q.conflict += " (" + q.wrapNames(q.namesAt(l, 0)) + ")"
		}
	case "ignore":
		q.failUnless(strings.HasPrefix(q.conflict, " on conflict") && len(l.Arguments) == 0)
		q.conflict += " do nothing"
	default:
		q.failUnless(q.readWhere(l))
	}
}

// readVerb reads the method that says what the query does.
func (q *queryBuilder) readVerb(l jscode.Link) {
	q.method = l
	switch l.Name {
	case "select":
		for _, v := range l.Arguments {
			q.failUnless(v.Kind == jscode.Text && v.Text != "*")
			q.columns = append(q.columns, v.Text)
		}
	case "insert":
		q.failUnless(len(l.Arguments) > 0)
		if len(l.Arguments) > 1 {
			q.returning = q.namesAt(l, 1)
		}
	case "update":
		q.failUnless(len(l.Arguments) > 0)
		n := 1
		if len(l.Arguments) > 0 && l.Arguments[0].Kind == jscode.Text {
			n = 2
		}
		if len(l.Arguments) > n {
			q.returning = q.namesAt(l, n)
		}
	default:
		q.failUnless(len(l.Arguments) == 0)
	}
}

// compileQuery adds the statement.
func (q *queryBuilder) compileQuery() {
	table, where := q.wrapTable(q.table), ""
	if q.where != "" {
		where = " where " + q.where
	}
	if len(q.returning) > 0 {
		where += " returning " + q.wrapReturning()
	}
	q.failUnless(q.conflict == "" || q.method.Name == "insert" && strings.HasSuffix(q.conflict, " do nothing"))
	switch q.method.Name {
	case "update":
		q.addSQL("update " + table + " set " + q.assignValues() + where)
	case "del", "delete":
		q.addSQL("delete from " + table + where)
	case "truncate":
		q.addSQL("truncate " + table + " restart identity")
	case "insert":
		q.failUnless(q.where == "")
		q.addSQL("insert into " + table + " " + q.insertRows() + q.conflict + where)
	default:
		columns := "*"
		if len(q.columns) > 0 {
			columns = q.wrapNames(q.columns)
		}
		q.failUnless(len(q.returning) == 0)
		q.addSQL("select " + columns + " from " + table + where)
	}
}

func (q *queryBuilder) wrapReturning() string {
	if slices.Equal(q.returning, []string{"*"}) {
		return "*"
	}
	return q.wrapNames(q.returning)
}

// bindValue returns a value as the parameter that Knex sends, or the SQL of knex.raw.
func (q *queryBuilder) bindValue(v jscode.Value) string {
	if sql, ok := rawText(v); ok {
		return sql
	}
	if l, ok := asRawCall(v); ok && hasBindings(l) {
		return q.bindText(l)
	}
	if q.inline {
		return q.escapeValue(v)
	}
	q.failUnless(!q.literal)
	switch v.Kind {
	case jscode.Text:
		return jscode.QuoteSQLText(v.Text)
	case jscode.Number:
		number, ok := v.PlainNumber()
		q.failUnless(ok)
		return "'" + number + "'"
	case jscode.Word:
		if v.Text == "null" {
			return "NULL"
		}
		q.failUnless(v.Text != "undefined")
		return "'" + v.Text + "'"
	case jscode.Object:
		text, ok := jscode.StringifyValue(v)
		q.failUnless(ok)
		return jscode.QuoteSQLText(text)
	}
	q.unread = true
	return ""
}

// assignValues returns the assignments of an UPDATE.
func (q *queryBuilder) assignValues() string {
	arguments := q.method.Arguments
	if arguments[0].Kind == jscode.Text {
		q.failUnless(len(arguments) > 1)
		if q.unread {
			return ""
		}
		return q.wrapName(arguments[0].Text) + " = " + q.bindValue(arguments[1])
	}
	q.failUnless(arguments[0].Kind == jscode.Object && len(arguments[0].Fields) > 0)
	var parts []string
	for _, f := range arguments[0].Fields {
		if !f.Value.IsWord("undefined") {
			parts = append(parts, q.wrapName(f.Name)+" = "+q.bindValue(f.Value))
		}
	}
	return strings.Join(parts, ", ")
}

// insertRows returns the columns and values of an INSERT. Knex sorts the columns; a row without one has its default.
func (q *queryBuilder) insertRows() string {
	rows := q.method.Arguments[:1]
	if rows[0].Kind == jscode.List {
		rows = rows[0].Items
	}
	columns, ok := jscode.ListColumns(rows)
	if q.failUnless(ok); q.unread {
		return ""
	}
	slices.Sort(columns)
	var tuples []string
	for _, r := range rows {
		values := make([]string, len(columns))
		for i, c := range columns {
			v, set := r.Field(c)
			if values[i] = "DEFAULT"; set && !v.IsWord("undefined") {
				values[i] = q.bindValue(v)
			}
		}
		tuples = append(tuples, strings.Join(values, ", "))
	}
	return "(" + q.wrapNames(columns) + ") values (" + strings.Join(tuples, "), (") + ")"
}

// readWhere reads a condition. It reports whether the method is one.
func (q *queryBuilder) readWhere(l jscode.Link) bool {
	word := " and "
	name := strings.TrimPrefix(l.Name, "and")
	if rest, ok := strings.CutPrefix(l.Name, "or"); ok {
		name, word = rest, " or "
	}
	name = strings.ToLower(name)
	if !strings.HasPrefix(name, "where") {
		return false
	}
	condition := q.formatCondition(name, l, word)
	if q.failUnless(len(q.where) <= jscode.MostCondition); q.unread {
		return true
	}
	if q.where != "" {
		q.where += word
	}
	q.where += condition
	return true
}

// formatCondition returns the SQL of a condition.
func (q *queryBuilder) formatCondition(name string, l jscode.Link, word string) string {
	switch name {
	case "wherenull":
		return q.wrapName(q.textAt(l, 0)) + " is null"
	case "wherenotnull":
		return q.wrapName(q.textAt(l, 0)) + " is not null"
	case "wherein":
		return q.wrapName(q.textAt(l, 0)) + " in (" + q.bindList(l) + ")"
	case "wherenotin":
		return q.wrapName(q.textAt(l, 0)) + " not in (" + q.bindList(l) + ")"
	case "whereraw":
		if hasBindings(l) {
			q.failUnless(!q.literal)
			return q.bindText(l)
		}
		sent := translateRawText(l)
		if q.failUnless(len(sent.Statements) == 1); q.unread {
			return ""
		}
		return sent.Statements[0].Text.Text
	case "where":
		if len(l.Arguments) == 1 && l.Arguments[0].Kind == jscode.Object {
			q.failUnless(word == " and " && len(l.Arguments[0].Fields) > 0)
			var parts []string
			for _, f := range l.Arguments[0].Fields {
				parts = append(parts, q.compareColumn(f.Name, "=", f.Value))
			}
			return strings.Join(parts, " and ")
		}
		switch len(l.Arguments) {
		case 2:
			return q.compareColumn(q.textAt(l, 0), "=", l.Arguments[1])
		case 3:
			operator := strings.ToLower(q.textAt(l, 1))
			q.failUnless(operators[operator] && !l.Arguments[2].IsMissing())
			return q.compareColumn(q.textAt(l, 0), operator, l.Arguments[2])
		}
	}
	q.unread = true
	return ""
}

// compareColumn returns a comparison with a value.
func (q *queryBuilder) compareColumn(column, operator string, v jscode.Value) string {
	if v.IsWord("null") {
		return q.wrapName(column) + " is null"
	}
	return q.wrapName(column) + " " + operator + " " + q.bindValue(v)
}

// bindList returns the values of IN.
func (q *queryBuilder) bindList(l jscode.Link) string {
	if q.failUnless(len(l.Arguments) == 2 && len(l.Arguments[1].Items) > 0); q.unread {
		return ""
	}
	var values []string
	for _, v := range l.Arguments[1].Items {
		values = append(values, q.bindValue(v))
	}
	return strings.Join(values, ", ")
}
