package recipe

import (
	"strings"

	"github.com/onward-sql/onward/internal/analysis"
	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/pgparse"
)

// rowsUpdate splits an UPDATE of many rows into small batches.
var rowsUpdate = &Recipe{Name: "rows-update", Make: func(c *Change) *Steps {
	stmt := c.Node.GetUpdateStmt()
	if stmt == nil || len(stmt.FromClause) > 0 || stmt.GetReturningClause() != nil || stmt.WithClause != nil || stmt.Relation.GetAlias() != nil ||
		!c.writesManyRows() {
		return nil
	}
	t := c.changedTable()
	if t == nil || t.Kind != catalog.Table || c.readsTargetAgain(t) || needsOwnNames(c.Node) {
		return nil
	}
	set := analysis.IndexWord(c.SQL, " SET ")
	if set < 0 {
		return nil
	}
	text, where := c.SQL[set+len(" SET "):], ""
	if whereStart := analysis.IndexWord(text, " WHERE "); whereStart >= 0 {
		text, where = text[:whereStart], text[whereStart+len(" WHERE "):]
	} else if stmt.WhereClause != nil {
		return nil
	}
	m := &Steps{}
	// The changed rows cannot be recognized afterwards, so they are not compared.
	if m.addBackfill(c, t, "update "+t.Name.Name+" in batches, each in its own transaction", strings.TrimSpace(text), strings.TrimSpace(where)) == nil {
		return m
	}
	for _, n := range stmt.TargetList {
		c.Release.markFilled(t, n.GetResTarget().GetName())
	}
	c.recordRowEffects()
	m.endAfterBackfill()
	m.addNote("an UPDATE of %s became a backfill: rows that the deployed code writes meanwhile are changed, too, if the backfill has not passed them", t.Name)
	return m
}}

// needsOwnNames reports whether a statement may name its table, or have other tables: the table's alias in a backfill would hide its
// name, or be hidden.
func needsOwnNames(n *pgparse.Node) (needs bool) {
	pgparse.Walk(n, func(m any) bool {
		switch x := m.(type) {
		case *pgparse.SubLink:
			needs = true
		case *pgparse.ColumnRef:
			needs = needs || len(x.GetFields()) > 1
		}
		return !needs
	})
	return needs
}
