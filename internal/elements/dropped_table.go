package elements

import (
	"slices"

	"github.com/onward-sql/onward/internal/analysis"
	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/pgparse"
)

// skipDropsWithTable is the transition of a part of a table that the release drops: a constraint, an index or a column goes with its
// table, and needs no statement. Until then it serves the deployed code: a foreign key that a step drops
// earlier leaves rows without a parent. Generators of migrations drop foreign keys before tables.
//
// It must hold that no statement of the release writes rows of the table or of one that it refers to, as it may rely on the drop.
func (r *release) skipDropsWithTable() {
	for i, c := range r.commands {
		for _, e := range r.elements {
			if e.Kind != Table || e.Target != Absent && e.Target != Replaced || !c.dropsOnlyPartsOf(e.Table) {
				continue
			}
			end := r.firstDrop(e.Key)
			if end < i || r.reliesOnDrop(c, e.Table, r.commands[i+1:end]) {
				continue
			}
			r.takeCommand(c, nil, e)
		}
	}
}

// dropsOnlyPartsOf reports whether a command drops parts of a table, and does nothing else.
func (c *Command) dropsOnlyPartsOf(table catalog.OID) bool {
	if len(c.links.makes)+len(c.links.changes) > 0 || len(c.links.drops) == 0 || c.hasHiddenEffects() {
		return false
	}
	for key := range c.links.drops {
		if !key.isPartOf(table) {
			return false
		}
	}
	return true
}

// firstDrop returns the index of the command that drops an element; -1 if none does.
func (r *release) firstDrop(key Key) int {
	for i, c := range r.commands {
		if c.links.drops[key] {
			return i
		}
	}
	return -1
}

// reliesOnDrop reports whether a command between two others may need that the first of them has dropped something: it writes rows of its table,
// takes a row away that the table refers to, or does what its words do not say.
func (r *release) reliesOnDrop(drop *Command, table catalog.OID, commandsBetween []*Command) bool {
	return slices.ContainsFunc(commandsBetween, func(c *Command) bool {
		if c.hasHiddenEffects() || c.links.writes[table] {
			return true
		}
		for i := range drop.Stmt.Deltas {
			d := &drop.Stmt.Deltas[i]
			if con := d.OldConstraint; con != nil && con.Ref != 0 && c.links.writes[con.Ref] && !c.keepsReferencedRows(con) {
				return true
			}
		}
		return false
	})
}

// keepsReferencedRows reports whether a command that writes a table keeps all rows to which a foreign key of another table refers.
func (c *Command) keepsReferencedRows(con *catalog.Constraint) bool {
	target := c.Stmt.Node.GetUpdateStmt().GetRelation()
	if insert := c.Stmt.Node.GetInsertStmt(); insert != nil {
		target = insert.GetRelation()
	}
	t, _ := c.Stmt.Before.Resolve(target)
	if t == nil || t.OID != con.Ref {
		return false
	}
	key := t.ColumnNames(con.RefColumns)
	return !slices.ContainsFunc(analysis.ReadWrite(pgparse.Unwrap(c.Stmt.Node)).Columns, func(name string) bool { return slices.Contains(key, name) })
}
