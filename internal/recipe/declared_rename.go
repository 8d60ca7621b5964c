package recipe

import (
	"slices"

	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/pgparse"
)

// joinDeclaredRenames makes one change of the drop of a column and the addition of another, if a comment or
// onward.yaml says "renamed to". The two columns are then kept in step as in a rename, and no value is lost.
func (r *Release) joinDeclaredRenames() {
	for _, old := range slices.Clone(r.columnOrder) {
		now := r.findRenameTarget(old)
		if now == nil {
			continue
		}
		old.newColumn, old.declaredByComment = now.newColumn, true
		old.changes = append(old.changes, now.changes...)
		slices.SortFunc(old.changes, func(a, b *Change) int { return slices.Index(r.changes, a) - slices.Index(r.changes, b) })
		r.columnChanges[now.columnID] = old
		r.columnOrder = slices.DeleteFunc(r.columnOrder, func(colChange *columnChange) bool { return colChange == now })
		t := r.head.Relation(now.table)
		r.Filled[qualifiedColumn(t, now.newColumn.Name)] = true
	}
}

// findRenameTarget returns the added column to which a dropped one is renamed, according to its deprecation.
func (r *Release) findRenameTarget(old *columnChange) *columnChange {
	declared := r.findDeprecation(old)
	if declared == nil || declared.RenamedTo == "" {
		return nil
	}
	return r.findAddedColumn(old.table, declared.RenamedTo)
}

// isColumnCopy reports whether a change only fills a column from another one, just as the trigger and the
// backfill do.
func (c *Change) isColumnCopy(from, to string) bool {
	stmt := c.Node.GetUpdateStmt()
	if stmt == nil || len(stmt.TargetList) != 1 || len(stmt.FromClause) > 0 {
		return false
	}
	target := stmt.TargetList[0].GetResTarget()
	value := target.GetVal().GetColumnRef()
	return target.GetName() == to && value != nil && pgparse.LastText(value.Fields) == from
}

// writesColumn reports whether a change writes to a column of a table.
func (c *Change) writesColumn(table catalog.OID, column string) bool {
	return c.changesRows(table) && slices.Contains(pgparse.ListNames(c.SQL), column)
}
