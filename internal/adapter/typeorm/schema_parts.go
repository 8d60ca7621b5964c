package typeorm

import (
	"slices"

	"github.com/onward-sql/onward/internal/adapter/jscode"
)

// makePartialIndexName returns the name of a partial index.
func makePartialIndexName(table string, columns []string, where string) string {
	sorted := slices.Clone(columns)
	slices.Sort(sorted)
	return makeHashedName("IDX_", table, 26, append(sorted, where)...)
}

// addForeignKey returns the statement of createForeignKey: ALTER TABLE … ADD CONSTRAINT … FOREIGN KEY ….
func addForeignKey(table string, v jscode.Value) ([]string, bool) {
	sql, ok := formatForeignKey(table, v, "(", ",")
	return []string{alterTablePrefix(table) + "ADD " + sql}, ok
}

// addUnique returns the statement of createUniqueConstraint.
func addUnique(table string, v jscode.Value) ([]string, bool) {
	sql, ok := formatUniqueConstraint(table, v)
	return []string{alterTablePrefix(table) + "ADD " + sql}, ok
}

// addCheck returns the statement of createCheckConstraint.
func addCheck(table string, v jscode.Value) ([]string, bool) {
	sql, ok := formatCheckConstraint(table, v)
	return []string{alterTablePrefix(table) + "ADD " + sql}, ok
}

// addPrimaryKey returns the statement of createPrimaryKey.
func addPrimaryKey(table string, arguments []jscode.Value) ([]string, bool) {
	if len(arguments) == 0 || len(arguments) > 2 || len(arguments) == 2 && arguments[1].Kind != jscode.Text {
		return nil, false
	}
	columns, ok := jscode.ReadTexts(arguments[0])
	name := makeColumnsName("PK_", table, 27, columns)
	if len(arguments) == 2 {
		name = arguments[1].Text
	}
	return []string{alterTablePrefix(table) + "ADD CONSTRAINT " + quoteName(name) + " PRIMARY KEY (" + quoteNames(columns, ", ") + ")"}, ok && len(columns) > 0
}

// ifExistsClause returns the clause that the last argument of a method asks for. ok is false if it is no literal.
func ifExistsClause(arguments []jscode.Value, index int) (clause string, ok bool) {
	switch {
	case len(arguments) <= index:
		return "", true
	case arguments[index].IsWord("true"):
		return "IF EXISTS ", len(arguments) == index+1
	}
	return "", arguments[index].IsWord("false") && len(arguments) == index+1
}

// dropPartCall returns the method that drops a part of a table by its name. The indexes of a column go with it, so that TypeORM's statements
// for them are left out.
func dropPartCall(action string) schemaCall {
	return func(table string, arguments []jscode.Value) ([]string, bool) {
		if len(arguments) == 0 || arguments[0].Kind != jscode.Text {
			return nil, false
		}
		clause, ok := ifExistsClause(arguments, 1)
		return []string{alterTablePrefix(table) + action + clause + quoteName(arguments[0].Text)}, ok
	}
}

// dropColumns returns the statements of dropColumns.
func dropColumns(table string, arguments []jscode.Value) (out []string, ok bool) {
	if len(arguments) == 0 {
		return nil, false
	}
	columns, isList := jscode.ReadTexts(arguments[0])
	clause, ok := ifExistsClause(arguments, 1)
	for _, name := range columns {
		out = append(out, alterTablePrefix(table)+"DROP COLUMN "+clause+quoteName(name))
	}
	return out, ok && isList
}

// dropIndex returns the statement of dropIndex. An index is in the schema of its table.
func dropIndex(table string, arguments []jscode.Value) ([]string, bool) {
	if len(arguments) == 0 || arguments[0].Kind != jscode.Text {
		return nil, false
	}
	clause, ok := ifExistsClause(arguments, 1)
	name := quoteName(arguments[0].Text)
	if schema, _ := splitName(table); schema != "" {
		name = quoteName(schema) + "." + name
	}
	return []string{"DROP INDEX " + clause + name}, ok
}

// renameColumn returns the statement of renameColumn. TypeORM also gives new names to constraints that have its own.
func renameColumn(table string, arguments []jscode.Value) ([]string, bool) {
	if len(arguments) != 2 || arguments[0].Kind != jscode.Text || arguments[1].Kind != jscode.Text {
		return nil, false
	}
	return []string{alterTablePrefix(table) + "RENAME COLUMN " + quoteName(arguments[0].Text) + " TO " + quoteName(arguments[1].Text)}, true
}

// renameTable returns the statement of renameTable. TypeORM also gives new names to constraints that have its own.
func renameTable(table string, arguments []jscode.Value) ([]string, bool) {
	if len(arguments) != 1 || arguments[0].Kind != jscode.Text {
		return nil, false
	}
	return []string{alterTablePrefix(table) + "RENAME TO " + quoteName(arguments[0].Text)}, true
}

// dropTable returns the statement of dropTable. Its indexes and foreign keys go with it, so that TypeORM's statements for them are left out.
func dropTable(table string, arguments []jscode.Value) ([]string, bool) {
	clause, ok := ifExistsClause(arguments[:min(1, len(arguments))], 0)
	return []string{"DROP TABLE " + clause + quotePath(table)}, ok
}

// clearTable returns the statement of clearTable.
func clearTable(table string, arguments []jscode.Value) ([]string, bool) {
	return []string{"TRUNCATE TABLE " + quotePath(table)}, len(arguments) == 0
}
