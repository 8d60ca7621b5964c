package index

import (
	"fmt"
	"path"
	"slices"

	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/code/facts"
)

// LoadedBy returns the models that load all columns of a table when the program starts, as Active Record does: their classes,
// and for each the line of code that would make it ignore this column.
func (b *Bound) LoadedBy(n catalog.Name, column string) (classes []Use, ignores []string) {
	b.eachModelOrCall(n, func(file string, m *facts.Model) {
		if path.Ext(file) != ".rb" || !m.All || len(m.Bases) == 0 || slices.ContainsFunc(m.Without, func(p facts.Place) bool { return p.Name == column }) {
			return
		}
		classes = append(classes, Use{Path: file, Line: m.Line, How: facts.Maps, Grade: facts.Parsed, rank: rankModel})
		ignores = append(ignores, fmt.Sprintf("self.ignored_columns += [%q] in %s", column, fullName(m)))
	}, func(string, *facts.Call) {})
	return classes, ignores
}
