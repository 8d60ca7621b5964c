package recipe

import (
	"slices"

	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/onward"
)

// viewRemade makes a view that is dropped and made again when the deployed code is gone, which reads
// the old one: what becomes of the columns under it comes in between.
// https://www.postgresql.org/docs/current/sql-createview.html
var viewRemade = &Recipe{Name: "view-remade", Make: func(c *Change) *Made {
	stmt := c.Node.GetViewStmt()
	if stmt == nil || stmt.Replace {
		return nil
	}
	v, there := c.After.Resolve(stmt.View)
	if !there || !c.Release.remade(v) {
		return nil
	}
	m := &Made{}
	m.add(onward.Contract, onward.StepDDL, "takes the place of the deployed one, which the deployed code reads", c.SQL)
	m.note("%s is dropped and made again: up to the last step it is the deployed one for the new code, too", v.Name)
	return m
}}

// remade reports whether a view is another one than that of its name in the deployed schema.
func (r *Release) remade(v *catalog.Relation) bool {
	base := r.Deployed.Lookup(v.Name.Schema, v.Name.Name)
	return v.Kind == catalog.View && base != nil && base.OID != v.OID && r.Deployed.Relation(v.OID) == nil
}

// follows reports whether a view that the release makes reads a column by the name that it has from
// the first step on.
func (w *twin) follows(v *catalog.Relation) bool {
	r := w.c.Release
	if !w.both || w.cast || r.Deployed.Relation(v.OID) != nil {
		return false
	}
	last := slices.Index(r.changes, w.last())
	return last >= 0 && !slices.ContainsFunc(r.changes[:last+1], func(c *Change) bool { return c.After.Relation(v.OID) != nil })
}
