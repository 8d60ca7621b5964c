package rails

import (
	"strings"

	"github.com/onward-sql/onward/internal/adapter/rubycode"
	"github.com/onward-sql/onward/internal/inflect"
)

// rows are rows of a model's table: User.where(a: nil) has the table "users" and the condition "users"."a" IS NULL.
type rows struct {
	t     *translator
	table string
	where []string
	// batches is set after in_batches.
	batches bool
	// unknown is set if a condition is not read.
	unknown bool
}

// callModel runs a method of a class whose table is certain: one that the migration defines itself, or a model of the project without
// scopes of its own.
func (t *translator) callModel(r *rubycode.Run, c *rubycode.Call) (rubycode.Value, bool) {
	if !isRowMethod(c.Name) {
		return rubycode.Value{}, false
	}
	table := t.modelTable(r, c.Receiver.Text)
	if table == "" {
		return rubycode.Value{}, false
	}
	b := &rows{t: t, table: table}
	return b.callMethod(r, c)
}

// isRowMethod reports whether a method selects or changes rows in a way that is read.
func isRowMethod(name string) bool {
	switch name {
	case "where", "unscoped", "all", "in_batches", "update_all", "delete_all", "not":
		return true
	}
	return false
}

// modelTable returns the table of a class; "" if it is not certain.
func (t *translator) modelTable(r *rubycode.Run, class string) string {
	if inner := r.FindClass(class); inner != nil {
		if inner.Above != "ApplicationRecord" && inner.Above != "ActiveRecord::Base" || inner.HasCall("default_scope") {
			return ""
		}
		name, found, ok := inner.ReadSetting("table_name")
		switch {
		case !ok:
			return ""
		case found:
			return name
		}
		return inflect.TableOf(class)
	}
	return t.project.modelTable(class)
}

// callMethod does a method of the rows.
func (b *rows) callMethod(r *rubycode.Run, c *rubycode.Call) (rubycode.Value, bool) {
	next := &rows{t: b.t, table: b.table, where: append([]string(nil), b.where...), batches: b.batches, unknown: b.unknown}
	value := rubycode.Value{Kind: rubycode.Object, Object: next}
	switch c.Name {
	case "unscoped", "all":
		return value, len(c.Arguments) == 0
	case "where":
		if len(c.Arguments) == 0 && c.Options.Kind != rubycode.Hash {
			return value, true // where.not
		}
		next.unknown = next.unknown || !next.addConditions(c, false)
		return value, true
	case "not":
		next.unknown = next.unknown || !next.addConditions(c, true)
		return value, true
	case "in_batches":
		next.batches = true
		if c.Block.Kind == rubycode.Proc {
			r.RunInLoop(c.Block, value)
			return rubycode.Value{}, true
		}
		return value, true
	case "update_all", "delete_all":
		sql, ok := b.buildRowChange(r, c)
		if !ok {
			return rubycode.Value{}, false
		}
		if !b.batches || r.IsConditional() {
			r.SendSQL(sql, rubycode.Value{}, false)
		} else {
			r.RunInLoop(rubycode.NewBlock(func() { r.SendSQL(sql, rubycode.Value{}, false) }))
		}
		return rubycode.Value{}, true
	}
	return rubycode.Value{}, false
}

// addConditions adds the conditions of a call of where.
func (b *rows) addConditions(c *rubycode.Call, negated bool) bool {
	var list []string
	switch {
	case len(c.Arguments) == 1 && c.Arguments[0].Kind == rubycode.String && c.Options.Kind != rubycode.Hash:
		list = append(list, "("+c.Arguments[0].Text+")")
	case len(c.Arguments) == 0 && c.Options.Kind == rubycode.Hash:
		for i := 0; i+1 < len(c.Options.Items); i += 2 {
			sql, ok := b.compareColumn(c.Options.Items[i], c.Options.Items[i+1], negated)
			if !ok {
				return false
			}
			list = append(list, sql)
		}
		if negated && len(list) > 1 { // NAND since 6.1
			return false
		}
	default:
		return false
	}
	b.where = append(b.where, list...)
	return true
}

// compareColumn writes a condition on a column.
func (b *rows) compareColumn(column, v rubycode.Value, negated bool) (string, bool) {
	if !column.IsName() || strings.Contains(column.Text, ".") {
		return "", false
	}
	name := quoteTable(b.table) + "." + quoteName(column.Text)
	typ := b.t.schema.columns[b.table][column.Text]
	nullTest, equals, in := " IS NULL", " = ", " IN "
	if negated {
		nullTest, equals, in = " IS NOT NULL", " != ", " NOT IN "
	}
	if v.IsWord("nil") {
		return name + nullTest, true
	}
	if v.Kind != rubycode.Array {
		sql, ok := quoteLiteral(v, typ)
		return name + equals + sql, ok
	}
	var list []string
	for _, item := range v.Items {
		sql, ok := quoteLiteral(item, typ)
		if !ok || item.IsWord("nil") {
			return "", false
		}
		list = append(list, sql)
	}
	return name + in + "(" + strings.Join(list, ", ") + ")", len(list) > 0
}

// quoteLiteral writes a value of a column.
func quoteLiteral(v rubycode.Value, typ columnType) (string, bool) {
	if v.IsWord("nil") {
		return "NULL", true
	}
	if !v.IsName() && v.Kind != rubycode.Number && !v.IsWord("true") && !v.IsWord("false") && !(v.IsLiteral() && typ.sql != "") {
		return "", false
	}
	if v.IsName() && typ.kind == "integer" { // an enum of the model
		return "", false
	}
	text, quoted, ok := serializeValue(v, typ)
	if quoted {
		text = quoteText(text)
	}
	return text, ok
}

// buildRowChange returns the statement of update_all or delete_all.
func (b *rows) buildRowChange(r *rubycode.Run, c *rubycode.Call) (string, bool) {
	if b.unknown {
		return "", false
	}
	sql := "DELETE FROM " + quoteTable(b.table)
	if c.Name == "update_all" {
		set, ok := b.formatAssignments(c)
		if !ok {
			return "", false
		}
		sql = "UPDATE " + quoteTable(b.table) + " SET " + set
	}
	where := strings.Join(b.where, " AND ")
	if b.batches { // the keys of a batch are in the statement
		where = quoteTable(b.table) + `."id" IN (SELECT ` + quoteTable(b.table) + `."id" FROM ` + quoteTable(b.table) + whereClause(where) + " LIMIT 1000)"
	}
	return sql + whereClause(where), true
}

func whereClause(where string) string {
	if where == "" {
		return ""
	}
	return " WHERE " + where
}

// formatAssignments writes what update_all sets.
func (b *rows) formatAssignments(c *rubycode.Call) (string, bool) {
	if len(c.Arguments) == 1 && c.Arguments[0].Kind == rubycode.String {
		return c.Arguments[0].Text, true
	}
	if len(c.Arguments) > 0 || c.Options.Kind != rubycode.Hash || len(c.Options.Items) == 0 {
		return "", false
	}
	var list []string
	for i := 0; i+1 < len(c.Options.Items); i += 2 {
		column := c.Options.Items[i]
		sql, ok := quoteLiteral(c.Options.Items[i+1], b.t.schema.columns[b.table][column.Text])
		if !ok || !column.IsName() {
			return "", false
		}
		list = append(list, quoteName(column.Text)+" = "+sql)
	}
	return strings.Join(list, ", "), true
}
