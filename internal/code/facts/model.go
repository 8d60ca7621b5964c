package facts

import (
	"slices"
)

// ColumnLine returns the line in which a model declares a column.
func (m *Model) ColumnLine(column string) (line int, found bool) {
	if m.IgnoresColumn(column) {
		return m.Line, false
	}
	for _, f := range m.Fields {
		if f.Column == column || f.Column == "" && slices.Contains(Spellings(column), f.Field) {
			return f.Line, !f.Left
		}
	}
	return m.Line, m.All
}

// IgnoresColumn reports whether a model is configured to ignore a column.
func (m *Model) IgnoresColumn(column string) bool {
	return slices.ContainsFunc(m.Without, func(p Place) bool { return p.Name == column })
}
