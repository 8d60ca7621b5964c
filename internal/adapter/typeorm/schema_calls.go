package typeorm

import (
	"strings"

	"github.com/onward-sql/onward/internal/adapter/jscode"
)

// schemaCall makes the statements of a method of the schema API, for a table. ok is false if an argument is no literal.
type schemaCall func(table string, arguments []jscode.Value) (statements []string, ok bool)

// schemaCalls are the methods that are read. Left out are those whose SQL depends on the schema that TypeORM finds, such as changeColumn.
var schemaCalls = map[string]schemaCall{
	"addColumn":               singleArgumentCall(buildAddColumn),
	"addColumns":              listArgumentCall(buildAddColumn),
	"dropColumn":              dropPartCall("DROP COLUMN "),
	"dropColumns":             dropColumns,
	"createIndex":             singleArgumentCall(createIndex),
	"createIndices":           listArgumentCall(createIndex),
	"dropIndex":               dropIndex,
	"createForeignKey":        singleArgumentCall(addForeignKey),
	"createForeignKeys":       listArgumentCall(addForeignKey),
	"dropForeignKey":          dropPartCall("DROP CONSTRAINT "),
	"createUniqueConstraint":  singleArgumentCall(addUnique),
	"createUniqueConstraints": listArgumentCall(addUnique),
	"dropUniqueConstraint":    dropPartCall("DROP CONSTRAINT "),
	"createCheckConstraint":   singleArgumentCall(addCheck),
	"createCheckConstraints":  listArgumentCall(addCheck),
	"dropCheckConstraint":     dropPartCall("DROP CONSTRAINT "),
	"createPrimaryKey":        addPrimaryKey,
	"renameColumn":            renameColumn,
	"renameTable":             renameTable,
	"dropTable":               dropTable,
	"clearTable":              clearTable,
}

// translateSchema returns the SQL of a method of the schema API. known is false for another method.
func translateSchema(method string, arguments []jscode.Value) (t jscode.Translation, known bool) {
	call := schemaCalls[method]
	if call == nil && method != "createTable" || len(arguments) == 0 {
		return t, false
	}
	var list []string
	var ok, conditional bool
	if method == "createTable" {
		list, ok = createTable(arguments[0])
		conditional = len(arguments) > 1 && arguments[1].IsWord("true")
		ok = ok && (conditional || len(arguments) == 1 || arguments[1].IsWord("false")) && len(arguments) < 3
	} else if table := readTableName(arguments[0]); table != "" {
		list, ok = call(table, arguments[1:])
	}
	if !ok {
		return jscode.Translation{Why: "not all of its arguments are literals"}, true
	}
	for _, sql := range list {
		t.Statements = append(t.Statements, jscode.Statement{SQL: sql, Conditional: conditional})
	}
	return t, true
}

// readTableName returns the name of a table that is named by a text, or made by new Table; "" if it is neither.
func readTableName(v jscode.Value) string {
	if v.Kind == jscode.Text {
		return v.Text
	}
	if t, ok := readTable(v); ok {
		return t.name
	}
	return ""
}

// singleArgumentCall returns the call of a method that has one argument.
func singleArgumentCall(part func(table string, v jscode.Value) ([]string, bool)) schemaCall {
	return func(table string, arguments []jscode.Value) ([]string, bool) {
		if len(arguments) != 1 {
			return nil, false
		}
		return part(table, arguments[0])
	}
}

// listArgumentCall returns the call of a method that gets a list.
func listArgumentCall(part func(table string, v jscode.Value) ([]string, bool)) schemaCall {
	return func(table string, arguments []jscode.Value) (out []string, ok bool) {
		if len(arguments) != 1 || arguments[0].Kind != jscode.List {
			return nil, false
		}
		for _, v := range arguments[0].Items {
			list, ok := part(table, v)
			if !ok {
				return nil, false
			}
			out = append(out, list...)
		}
		return out, true
	}
}

// createTable returns the statements of createTable.
func createTable(v jscode.Value) (out []string, ok bool) {
	t, ok := readTable(v)
	if !ok {
		return nil, false
	}
	var parts, primary, unique []string
	key, comments := "", ""
	for _, c := range t.columns {
		if c.isEnum() {
			out = append(out, c.createEnumStatement(t.name))
		}
		parts = append(parts, c.defineColumn(t.name))
		if c.primary {
			if primary = append(primary, c.name); len(primary) == 1 {
				key = c.primaryKey
			}
		}
		if c.unique {
			unique = append(unique, "CONSTRAINT "+quoteName(makeColumnsName("UQ_", t.name, 27, []string{c.name}))+" UNIQUE ("+quoteName(c.name)+")")
		}
		if c.comment != "" {
			comments += "; COMMENT ON COLUMN " + quotePath(t.name) + "." + quoteName(c.name) + " IS " + quoteText(c.comment)
		}
	}
	constraints, ok := tableConstraints(t, unique)
	if !ok {
		return nil, false
	}
	parts = append(parts, constraints...)
	if len(primary) > 0 {
		if key == "" {
			key = makeColumnsName("PK_", t.name, 27, primary)
		}
		parts = append(parts, "CONSTRAINT "+quoteName(key)+" PRIMARY KEY ("+quoteNames(primary, ", ")+")")
	}
	out = append(out, "CREATE TABLE "+quotePath(t.name)+" ("+strings.Join(parts, ", ")+")"+comments)
	for _, v := range t.indexes {
		list, ok := createIndex(t.name, v)
		if !ok {
			return nil, false
		}
		out = append(out, list...)
	}
	if t.comment != "" {
		out = append(out, "COMMENT ON TABLE "+quotePath(t.name)+" IS "+quoteText(t.comment))
	}
	return out, true
}

// tableConstraints returns the constraints of a new table: the unique ones, of which single columns have some already, checks and foreign
// keys.
func tableConstraints(t *tableOptions, unique []string) (out []string, ok bool) {
	var constraints []string
	for _, v := range t.uniques {
		sql, ok := formatUniqueConstraint(t.name, v)
		if !ok {
			return nil, false
		}
		constraints = append(constraints, sql)
	}
	for _, sql := range unique {
		columns := sql[strings.LastIndex(sql, " UNIQUE "):]
		if !strings.Contains(strings.Join(constraints, "\n")+"\n", columns+"\n") {
			constraints = append(constraints, sql)
		}
	}
	out = append(out, constraints...)
	for _, v := range t.checks {
		sql, ok := formatCheckConstraint(t.name, v)
		if !ok {
			return nil, false
		}
		out = append(out, sql)
	}
	for _, v := range t.keys {
		sql, ok := formatForeignKey(t.name, v, " (", ", ")
		if !ok {
			return nil, false
		}
		out = append(out, sql)
	}
	return out, true
}

// buildAddColumn returns the statements of addColumn. One for the primary key depends on the columns that the table has.
func buildAddColumn(table string, v jscode.Value) (out []string, ok bool) {
	c, ok := readColumn(v)
	if !ok || c.primary {
		return nil, false
	}
	if c.isEnum() {
		out = append(out, c.createEnumStatement(table))
	}
	out = append(out, alterTablePrefix(table)+"ADD "+c.defineColumn(table))
	if c.unique {
		out = append(out, alterTablePrefix(table)+"ADD CONSTRAINT "+quoteName(makeColumnsName("UQ_", table, 27, []string{c.name}))+" UNIQUE ("+quoteName(c.name)+")")
	}
	if c.comment != "" {
		out = append(out, "COMMENT ON COLUMN "+quotePath(table)+"."+quoteName(c.name)+" IS "+quoteText(c.comment))
	}
	return out, true
}

// alterTablePrefix returns the beginning of ALTER TABLE.
func alterTablePrefix(table string) string { return "ALTER TABLE " + quotePath(table) + " " }

// createIndex returns the statement of createIndex.
func createIndex(table string, v jscode.Value) (out []string, ok bool) {
	o, ok := jscode.NewOptions(v, "TableIndex")
	if !ok {
		return nil, false
	}
	name, columns, where, kind := o.TakeText("name"), o.TakeTexts("columnNames"), o.TakeText("where"), o.TakeText("type")
	sql := "CREATE "
	if o.TakeFlag("isUnique") {
		sql += "UNIQUE "
	}
	if sql += "INDEX "; o.TakeFlag("isConcurrent") {
		sql += "CONCURRENTLY "
	}
	if o.TakeFlag("isSpatial") {
		kind = "gist"
	}
	if kind != "" {
		kind = "USING " + kind
	}
	if name == "" {
		sorted := makeColumnsName("IDX_", table, 26, columns)
		if where != "" {
			sorted = makePartialIndexName(table, columns, where)
		}
		name = sorted
	}
	sql += quoteName(name) + " ON " + quotePath(table) + " " + kind + " (" + quoteNames(columns, ", ") + ") "
	if where != "" {
		sql += "WHERE " + where
	}
	return []string{sql}, o.IsRead() && len(columns) > 0
}

// formatForeignKey returns the definition of a foreign key, with what is written around the columns that it references.
func formatForeignKey(table string, v jscode.Value, open, separator string) (sql string, ok bool) {
	o, ok := jscode.NewOptions(v, "TableForeignKey")
	if !ok {
		return "", false
	}
	name, columns, other, otherColumns := o.TakeText("name"), o.TakeTexts("columnNames"), o.TakeText("referencedTableName"), o.TakeTexts("referencedColumnNames")
	if schema := o.TakeText("referencedSchema"); schema != "" {
		other = schema + "." + other
	}
	if name == "" {
		name = makeColumnsName("FK_", table, 27, columns)
	}
	sql = "CONSTRAINT " + quoteName(name) + " FOREIGN KEY (" + quoteNames(columns, ", ") + ") REFERENCES " + quotePath(other) + open +
		quoteNames(otherColumns, separator) + ")"
	for _, x := range [][2]string{{"onDelete", " ON DELETE "}, {"onUpdate", " ON UPDATE "}, {"deferrable", " DEFERRABLE "}} {
		if action := o.TakeText(x[0]); action != "" {
			sql += x[1] + action
		}
	}
	return sql, o.IsRead() && len(columns) > 0 && other != "" && len(otherColumns) > 0
}

// formatUniqueConstraint returns the definition of a unique constraint.
func formatUniqueConstraint(table string, v jscode.Value) (sql string, ok bool) {
	o, ok := jscode.NewOptions(v, "TableUnique")
	if !ok {
		return "", false
	}
	name, columns, deferrable := o.TakeText("name"), o.TakeTexts("columnNames"), o.TakeText("deferrable")
	if name == "" {
		name = makeColumnsName("UQ_", table, 27, columns)
	}
	if sql = "CONSTRAINT " + quoteName(name) + " UNIQUE (" + quoteNames(columns, ", ") + ")"; deferrable != "" {
		sql += " DEFERRABLE " + deferrable
	}
	return sql, o.IsRead() && len(columns) > 0
}

// formatCheckConstraint returns the definition of a check constraint.
func formatCheckConstraint(table string, v jscode.Value) (sql string, ok bool) {
	o, ok := jscode.NewOptions(v, "TableCheck")
	if !ok {
		return "", false
	}
	name, expression := o.TakeText("name"), o.TakeText("expression")
	o.TakeTexts("columnNames")
	if name == "" {
		name = makeHashedName("CHK_", table, 26, expression)
	}
	return "CONSTRAINT " + quoteName(name) + " CHECK (" + expression + ")", o.IsRead() && expression != ""
}
