package removal

import (
	"github.com/onward-sql/onward/internal/analysis"
	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/prose"
	"github.com/onward-sql/onward/internal/rule"
)

// findLostColumns returns, for a sentence, the columns that a successor lacks and that the deployed
// code uses or may use: "column a", "columns a and b". If there are none, it returns the
// first such column that a function names; "" if nothing does.
func findLostColumns(p *rule.Pass, t *rule.Tx, d *rule.Delta, names []string) (columns string, u analysis.Usage) {
	var list []string
	var uses []analysis.Usage
	for _, name := range names {
		switch x := p.UsesOfTaken(t, d, d.Before.Column(name)); {
		case !x.IsIdle():
			list, uses = append(list, name), append(uses, x)
		case len(x.Functions) > 0 && columns == "":
			columns, u = "column "+name, x
		}
	}
	switch len(list) {
	case 0:
		return columns, u
	case 1:
		return "column " + list[0], uses[0]
	}
	return "columns " + prose.EnumerateNames(list), analysis.MergeUsages(uses)
}

// isUpdatable reports whether what has a table's name takes INSERT, UPDATE and DELETE as the table did.
func isUpdatable(c *catalog.Catalog, r *catalog.Relation) bool {
	if r.Kind != catalog.View || r.View == nil {
		return r.Kind.IsTable()
	}
	return len(r.InsteadOf()) > 0 || r.View.Query.GetSelectStmt() != nil && c.ReadOnly(r) == ""
}
