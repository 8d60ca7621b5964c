package rails

import (
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/adapter/rubycode"
)

// addIndex sends the statement of add_index: add_index :a, :b sends CREATE INDEX "index_a_on_b" ON "a" ("b").
func (t *translator) addIndex(r *rubycode.Run, c *rubycode.Call) bool {
	if len(c.Arguments) != 2 || argumentName(c, 0) == "" {
		return false
	}
	return t.createIndex(r, argumentName(c, 0), c.Arguments[1], readOptions(c))
}

// createIndex sends CREATE INDEX as visit_CreateIndexDefinition does (connection_adapters/abstract/schema_creation.rb).
func (t *translator) createIndex(r *rubycode.Run, table string, columnList rubycode.Value, o *options) bool {
	columns, ok := readNames(columnList)
	if !ok {
		return false
	}
	name := o.takeText("name")
	if name == "" {
		name = t.indexName(table, columns)
	}
	sql := "CREATE "
	if o.takeFlag("unique") {
		sql += "UNIQUE "
	}
	sql += "INDEX "
	if o.takeText("algorithm") == "concurrently" {
		sql += "CONCURRENTLY "
	}
	if o.takeFlag("if_not_exists") {
		sql += "IF NOT EXISTS "
	}
	if kind := o.takeText("type"); kind != "" {
		sql += kind + " "
	}
	sql += quoteName(name) + " ON " + quoteTable(table) + " "
	if using := o.takeText("using"); using != "" {
		sql += "USING " + using + " "
	}
	sql += "(" + indexedColumns(columnList, columns, o) + ")"
	if include := o.takeNames("include"); len(include) > 0 {
		sql += " INCLUDE (" + quoteNames(include) + ")"
	}
	if o.takeFlag("nulls_not_distinct") {
		sql += " NULLS NOT DISTINCT"
	}
	if where := o.takeText("where"); where != "" {
		sql += " WHERE " + where
	}
	comment := o.takeText("comment")
	if o.unknown {
		return false
	}
	t.sendSQL(r, sql)
	if comment != "" {
		t.sendSQL(r, "COMMENT ON INDEX "+quoteName(name)+" IS "+quoteText(comment))
	}
	t.schema.addIndex(table, name, columns)
	return true
}

// indexedColumns returns the columns of an index with their operator classes and orders, or its expression.
func indexedColumns(columnList rubycode.Value, columns []string, o *options) string {
	if columnList.Kind == rubycode.String && strings.ContainsFunc(columnList.Text, func(c rune) bool { return !isWordRune(c) }) {
		return columnList.Text
	}
	out := make([]string, len(columns))
	for i, name := range columns {
		out[i] = quoteName(name)
		for _, option := range []string{"opclass", "order"} {
			v, isSet := o.takeValue(option)
			if isSet && v.Kind == rubycode.Hash {
				v, isSet = v.GetKey(name)
			}
			switch {
			case !isSet:
			case !v.IsName():
				o.unknown = true
			case option == "order":
				out[i] += " " + strings.ToUpper(v.Text)
			default:
				out[i] += " " + v.Text
			}
		}
	}
	return strings.Join(out, ", ")
}

// removeIndex sends what remove_index sends. Without a name, Rails looks for the index of the columns.
func (t *translator) removeIndex(r *rubycode.Run, c *rubycode.Call) bool {
	o := readOptions(c)
	table, name := argumentName(c, 0), o.takeText("name")
	if table == "" {
		return false
	}
	t.conditional = o.takeFlag("if_exists")
	if name == "" {
		columnNames := o.takeNames("column")
		if len(c.Arguments) > 1 {
			list, ok := readNames(c.Arguments[1])
			if !ok {
				return false
			}
			columnNames = list
		}
		if len(columnNames) == 0 {
			return false
		}
		found, known := t.findIndex(table, columnNames)
		name, t.conditional = found, t.conditional || !known
	}
	algorithm := ""
	if o.takeText("algorithm") == "concurrently" {
		algorithm = "CONCURRENTLY"
	}
	if o.unknown {
		return false
	}
	schema := ""
	if i := strings.LastIndexByte(table, '.'); i >= 0 && !strings.Contains(name, ".") {
		schema = quoteTable(table[:i]) + "."
	}
	t.schema.dropIndex(table, stripSchema(name))
	t.sendSQL(r, "DROP INDEX "+algorithm+" "+schema+quoteTable(name))
	return true
}

// findIndex returns the name of the index of columns; its usual name, and false, if the migrations that were read do not create it.
func (t *translator) findIndex(table string, columns []string) (string, bool) {
	for _, e := range t.schema.indexes[table] {
		if slices.Equal(e.columns, columns) || t.indexName(table, e.columns) == t.indexName(table, columns) {
			return e.name, true
		}
	}
	return t.indexName(table, columns), false
}

func (t *translator) renameIndex(r *rubycode.Run, c *rubycode.Call) bool {
	if !hasKnownArguments(c, readOptions(c), 3) {
		return false
	}
	t.sendRenameIndex(r, argumentName(c, 0), argumentName(c, 1), argumentName(c, 2))
	return true
}

// sendRenameIndex sends what rename_index sends.
func (t *translator) sendRenameIndex(r *rubycode.Run, table, from, to string) {
	schema := ""
	if i := strings.LastIndexByte(table, '.'); i >= 0 {
		schema = quoteTable(table[:i]) + "."
	}
	t.schema.renameIndex(table, from, to)
	t.sendSQL(r, "ALTER INDEX "+schema+quoteName(from)+" RENAME TO "+quoteTable(to))
}
