package recipe

import (
	"slices"

	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/onward"
)

// checkPhase returns the phase in which a condition on columns is added: after the backfill that
// fills one of them, and after the deployed code is gone if the condition might break it.
func (c *Change) checkPhase(columns ...string) onward.PlanPhase {
	if c.breaksDeployed() {
		return onward.Contract
	}
	switch t := c.changedTable(); {
	case t != nil && c.Release.removals[t.OID] != nil && !slices.Equal(columns, []string{""}): // the rows that are left satisfy it
		return onward.Contract
	case t != nil && slices.ContainsFunc(columns, func(column string) bool { return c.Release.derived[columnKey(t, column)] }):
		return onward.Contract
	case t != nil && c.Release.fillsAnyColumn(t, columns):
		return onward.Backfill
	}
	return onward.Expand
}

// breaksDeployed reports whether a change may break the deployed code.
func (c *Change) breaksDeployed() bool {
	if slices.ContainsFunc(c.Breaks, func(f onward.Finding) bool { return f.Severity >= onward.Warning }) {
		return true
	}
	if c.commandType() != pgparse.AlterTableType_AT_SetNotNull {
		return false
	}
	// That a new column is required is reported at the command that adds it.
	colChange := c.findColumnChange()
	return colChange != nil && colChange.old == nil && slices.ContainsFunc(colChange.changes, func(o *Change) bool {
		return o.commandType() == pgparse.AlterTableType_AT_AddColumn && o.breaksDeployed()
	})
}

// phaseAfterFills returns the phase of a statement that reads rows: not before the step that fills one of its tables.
func (c *Change) phaseAfterFills(phase onward.PlanPhase) onward.PlanPhase {
	seen := map[catalog.OID]bool{}
	var look func(r *catalog.Relation)
	look = func(r *catalog.Relation) {
		if r == nil || seen[r.OID] || phase == onward.Contract {
			return
		}
		seen[r.OID] = true
		if slices.ContainsFunc(r.Columns, func(col *catalog.Column) bool { return c.Release.filled[columnKey(r, col.Name)] }) {
			phase = onward.Backfill
		}
		if fillPhase, ok := c.Release.copied[r.OID]; ok && fillPhase != onward.Expand {
			phase = fillPhase
		}
		if r.View != nil { // a materialized view is filled from what its query reads
			for _, oid := range r.View.Reads {
				look(c.Before.Relation(oid))
			}
		}
	}
	pgparse.Walk(c.Node, func(m any) bool {
		if rv, ok := m.(*pgparse.RangeVar); ok {
			look(c.resolveRelation(rv))
		}
		return true
	})
	return phase
}
