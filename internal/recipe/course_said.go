package recipe

import (
	"slices"

	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/pgparse"
)

// annotated makes one of two columns: of one that is dropped, and that its comment or onward.yaml
// calls "renamed to" the other, which the release adds. What is dropped and added is then kept alike,
// as under a new name, and no value is lost.
func (r *Release) annotated() {
	for _, old := range slices.Clone(r.order) {
		now := r.renamedTo(old)
		if now == nil {
			continue
		}
		old.now, old.said = now.now, true
		old.changes = append(old.changes, now.changes...)
		slices.SortFunc(old.changes, func(a, b *Change) int { return slices.Index(r.changes, a) - slices.Index(r.changes, b) })
		r.courses[now.place] = old
		r.order = slices.DeleteFunc(r.order, func(is *course) bool { return is == now })
		t := r.head.Relation(now.table)
		r.Filled[full(t, now.now.Name)] = true
	}
}

// renamedTo is the column, added by the release, that a dropped one is said to be renamed to.
func (r *Release) renamedTo(old *course) *course {
	said := r.saidOf(old)
	if said == nil || said.RenamedTo == "" {
		return nil
	}
	return r.addedBy(old.table, said.RenamedTo)
}

// copies reports whether a change does nothing but fill a column from another one, as the
// trigger and the backfill do.
func (c *Change) copies(from, to string) bool {
	stmt := c.Node.GetUpdateStmt()
	if stmt == nil || len(stmt.TargetList) != 1 || len(stmt.FromClause) > 0 {
		return false
	}
	target := stmt.TargetList[0].GetResTarget()
	value := target.GetVal().GetColumnRef()
	return target.GetName() == to && value != nil && pgparse.Last(value.Fields) == from
}

// fills reports whether a change gives a column of a table values.
func (c *Change) fills(table catalog.OID, column string) bool {
	return c.changesRows(table) && slices.Contains(pgparse.Names(c.SQL), column)
}
