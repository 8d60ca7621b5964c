package recipe

import (
	"strings"

	"github.com/onward-sql/onward/internal/analysis"
	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/onward"
)

// rowsUpdate does an UPDATE of many rows a few at a time.
var rowsUpdate = &Recipe{Name: "rows-update", Make: func(c *Change) *Made {
	stmt := c.Node.GetUpdateStmt()
	if stmt == nil || len(stmt.FromClause) > 0 || stmt.GetReturningClause() != nil || stmt.WithClause != nil || stmt.Relation.GetAlias() != nil {
		return nil
	}
	t := c.table()
	if t == nil || t.Kind != catalog.Table {
		return nil
	}
	set := analysis.IndexWord(c.SQL, " SET ")
	if set < 0 {
		return nil
	}
	text, where := c.SQL[set+len(" SET "):], ""
	if at := analysis.IndexWord(text, " WHERE "); at >= 0 {
		text, where = text[:at], text[at+len(" WHERE "):]
	} else if stmt.WhereClause != nil {
		return nil
	}
	m := &Made{}
	// Nothing tells afterwards which rows it has changed: they are not compared.
	if m.backfill(c, t, "changes a few rows at a time, each batch in a transaction of its own", strings.TrimSpace(text), strings.TrimSpace(where)) == nil {
		return m
	}
	for _, n := range stmt.TargetList {
		c.Release.fills(t, n.GetResTarget().GetName())
	}
	c.writesRows()
	for i := range m.Steps {
		if m.Steps[i].Phase == onward.Contract {
			m.Steps[i].Phase = onward.Backfill // nothing of it is needed when it is through
		}
	}
	m.note("an UPDATE of %s became a backfill: what the deployed code writes meanwhile is changed, too, where it stands behind the batch", t.Name)
	return m
}}
