package recipe

import (
	"slices"

	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/onward"
)

// viewRemade handles a view that is dropped and created again. It is recreated when the deployed
// code, which reads the old view, is gone, because its columns change in between.
// https://www.postgresql.org/docs/current/sql-createview.html
var viewRemade = &Recipe{Name: "view-remade", Make: func(c *Change) *Steps {
	stmt := c.Node.GetViewStmt()
	if stmt == nil || stmt.Replace {
		return nil
	}
	v, exists := c.After.Resolve(stmt.View)
	if !exists || !c.Release.isRecreated(v) {
		return nil
	}
	m := &Steps{}
	m.addStep(onward.Contract, onward.StepDDL, "create view "+v.Name.Name+" in its new form, after the deployed code is gone", c.SQL)
	m.addNote("%s is dropped and made again: up to the last step it is the deployed one for the new code, too", v.Name)
	return m
}}

// isRecreated reports whether a view replaces a deployed view of the same name.
func (r *Release) isRecreated(v *catalog.Relation) bool {
	base := r.Deployed.Lookup(v.Name.Schema, v.Name.Name)
	return v.Kind == catalog.View && base != nil && base.OID != v.OID && r.Deployed.Relation(v.OID) == nil
}

// readsNewName reports whether a view that the release creates reads a column under the name that the
// column has from the first step on.
func (w *replacement) readsNewName(v *catalog.Relation) bool {
	r := w.c.Release
	if !w.copiesBack || w.typesDiffer || r.Deployed.Relation(v.OID) != nil {
		return false
	}
	last := slices.Index(r.changes, w.lastRenameOrRetype())
	return last >= 0 && !slices.ContainsFunc(r.changes[:last+1], func(c *Change) bool { return c.After.Relation(v.OID) != nil })
}
