package recipe

import (
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/catalog"
)

// findForeignKeyActions notes which foreign keys write the new column: the server runs their actions on it, as
// it does on the old column. The trigger must then copy in this direction, too. Which of two foreign
// keys acts first depends on their OIDs, and one of them may have no counterpart on the old column.
func (w *replacement) findForeignKeyActions() {
	for _, con := range w.head.Constraints {
		if con.Kind != catalog.ForeignKey || !slices.Contains(con.Columns, w.newColumn.Attnum) {
			continue
		}
		byUpdate := con.OnUpdate != "" && con.OnUpdate != "restrict"
		byDefault := con.OnDelete == "set default" || con.OnUpdate == "set default"
		w.writtenByForeignKey = w.writtenByForeignKey || byUpdate || byDefault || con.OnDelete == "set null"
		w.needsDefault = w.needsDefault || byDefault && w.old.DefaultText != ""
		if _, using, err := w.convertValue("$1"); err == nil && using && (byUpdate || byDefault) {
			w.addObstacle("foreign key %s of %s writes %s, and USING gives no value for the old column. Change the type in a release without this action", con.Name,
				w.t.Name, w.old.Name)
		}
		if w.copiesBack && w.needsDefault {
			w.addObstacle("foreign key %s of %s sets %s to its default. A new name beside the old one has no default until the last step. "+
				"Change the name in a release without SET DEFAULT", con.Name, w.t.Name, w.old.Name)
		}
	}
}

// earlyDefaultStatements returns the statement that gives the new column its default at once, for foreign keys that set it. An INSERT does
// not keep it: the trigger copies the old column.
func (w *replacement) earlyDefaultStatements(alter string) []string {
	if !w.needsDefault {
		return nil
	}
	return []string{alter + "ALTER COLUMN " + quoteIdent(w.newName) + " SET DEFAULT " +
		w.castValue(strings.ReplaceAll(w.conversion, "$1", "("+w.old.DefaultText+")"))}
}
