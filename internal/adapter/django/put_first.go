package django

import (
	"github.com/onward-sql/onward/internal/adapter"
	"github.com/onward-sql/onward/internal/adapter/pycode"
	"github.com/onward-sql/onward/internal/lazyregexp"
)

// operationsBegin matches the line "operations = [" of a migration.
var operationsBegin = lazyregexp.New(`(?m)^([ \t]+)operations(?:[ \t]*:[^=\n]+)?[ \t]*=[ \t]*\[[ \t]*\r?\n`)

// PutFirst returns the text of a migration with a RunSQL of a statement before all other operations; "" if it finds no operations.
func (*Adapter) PutFirst(_ adapter.Tree, m *adapter.Migration, sql string) string {
	text := m.Source.Text
	place := operationsBegin.FindStringIndex(text)
	if place == nil {
		return ""
	}
	operation := "migrations.RunSQL(\n    sql=" + pycode.QuoteString(sql+";\n") + ",\n    reverse_sql=migrations.RunSQL.noop,\n    elidable=True,\n),\n"
	return text[:place[1]] + indentPython(operation, 2) + text[place[1]:]
}
