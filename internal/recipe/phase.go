package recipe

import (
	"slices"
	"strings"

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

// phaseOfBody returns the phase in which a change replaces a function, a procedure or a view that the deployed code uses: not before the step that
// fills a new column or table which its text names. A function of triggers that gives the column its value is needed before.
func (c *Change) phaseOfBody(m *Steps, phase onward.PlanPhase) onward.PlanPhase {
	r, name := c.Release, ""
	for _, d := range c.Deltas {
		switch {
		case d.Kind == catalog.ViewReplaced:
			name = d.Name().Name
		case d.NewFunction != nil && (d.OldFunction != nil || r.recreations.dropOf[c] != nil):
			name = d.NewFunction.Name.Name
		}
	}
	if name == "" || phase == onward.Contract {
		return phase
	}
	words := pgparse.ListWrittenNames(c.SQL, c.Node)
	isDelayed := slices.ContainsFunc(words, func(word string) bool { return word != name && r.delayedBodies[word] })
	r.head.EachRelation(func(t *catalog.Relation) bool {
		base := r.Deployed.Relation(t.OID)
		isFired := slices.ContainsFunc(t.Triggers, func(x *catalog.Trigger) bool { return x.Function.Name == name })
		if !isFired && !slices.Contains(words, t.Name.Name) {
			return true
		}
		isDelayed = isDelayed || base == nil && r.copied[t.OID] == onward.Backfill
		for _, col := range t.Columns {
			if base == nil || base.Column(col.Name) != nil || !slices.Contains(words, col.Name) || isFired && assignsNew(c.SQL, col.Name) {
				continue
			}
			if fill := r.findLaterFill(c, columnID{t.OID, col.Attnum}); fill != nil {
				m.addMissing("%s:%d replaces %s, which names %s.%s, before line %d of %s fills it: the deployed code would read no value. Put it after that",
					c.Migration.Path, c.Line, name, t.Name, col.Name, fill.Line, fill.Migration.Path)
			}
			isDelayed = isDelayed || r.filled[columnKey(t, col.Name)]
		}
		return true
	})
	if isDelayed {
		r.delayedBodies[name] = true
		return onward.Backfill
	}
	return phase
}

// findLaterFill returns a change after another one that fills a column, or makes it from a deployed one; nil for none.
func (r *Release) findLaterFill(c *Change, id columnID) *Change {
	column := r.columnChanges[id]
	for _, d := range r.changes[slices.Index(r.changes, c)+1:] {
		if slices.Contains(d.setColumns(), id) || column != nil && column.old != nil && slices.Contains(column.changes, d) {
			return d
		}
	}
	return nil
}

// assignsNew reports whether a trigger's function gives a column of the new row a value.
func assignsNew(body, column string) bool {
	words := strings.Fields(strings.NewReplacer(":=", " = ", "=", " = ", ";", " ; ", `"`, "").Replace(strings.ToLower(body)))
	for i, w := range words {
		if w != "new."+strings.ToLower(column) || i == 0 || i+1 == len(words) {
			continue
		}
		if words[i-1] == "into" || words[i+1] == "=" && slices.Contains([]string{";", "begin", "then", "else", "loop"}, words[i-1]) {
			return true
		}
	}
	return false
}
