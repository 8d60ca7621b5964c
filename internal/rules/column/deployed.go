package column

import (
	"slices"

	"github.com/onward-sql/onward/internal/analysis"
	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/prose"
	"github.com/onward-sql/onward/internal/rule"
	"github.com/onward-sql/onward/onward"
)

// isInsertRequired reports whether an INSERT that leaves the column out fails. A
// domain may have the default that the column lacks.
func isInsertRequired(c *catalog.Catalog, col *catalog.Column) bool {
	if !col.IsRequired() {
		return false
	}
	t := c.Type(col.Type.OID)
	return t == nil || t.Kind != catalog.Domain || t.Default == nil
}

// severityIfFilled is the severity of columns that INSERTs leave out: only a warning when
// a trigger may fill one, else the rule's own.
func severityIfFilled(c *catalog.Catalog, r *catalog.Relation, columns ...string) onward.Severity {
	if analysis.FindFiller(c, r, columns) != nil {
		return onward.Warning
	}
	return onward.Off
}

// describeFiller names the trigger that may fill a column that INSERTs leave out, as the
// end of a sentence that says they fail.
func describeFiller(c *catalog.Catalog, r *catalog.Relation, columns ...string) string {
	if t := analysis.FindFiller(c, r, columns); t != nil {
		return ", unless trigger " + t.Name + " fills " + prose.PickForm(len(columns), "it", "them")
	}
	return ""
}

// isFilledByTriggers reports whether only triggers put rows into the table of a change, and each of their functions names a column:
// no INSERT leaves it out.
func isFilledByTriggers(p *rule.Pass, after *catalog.Catalog, d *rule.Delta, column string) bool {
	if !p.UsesTable(d).ByTriggers {
		return false
	}
	mentionsColumn := true
	after.EachRelation(func(r *catalog.Relation) bool {
		for _, x := range r.Triggers {
			for _, fn := range after.Functions(x.Function.Schema, x.Function.Name) {
				words := fn.ListBodyWords()
				mentionsColumn = mentionsColumn && (!slices.Contains(words, d.After.Name.Name) || slices.Contains(words, column))
			}
		}
		return mentionsColumn
	})
	return mentionsColumn
}
