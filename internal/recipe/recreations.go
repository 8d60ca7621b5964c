package recipe

import (
	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/pgparse"
)

// recreations pairs each change that drops a constraint, a trigger or a function with the later change that creates it again. A
// creation has one drop: another drop of the same kind is planned as one.
type recreations struct {
	creationOf, dropOf map[*Change]*Change
	// temporary are the changes that add a constraint which the same release drops, and that drop it: no step runs them.
	temporary map[*Change]bool
}

// findRecreations pairs the changes of a release, in its order.
func findRecreations(changes []*Change) recreations {
	r := recreations{creationOf: map[*Change]*Change{}, dropOf: map[*Change]*Change{}, temporary: map[*Change]bool{}}
	creations := map[any][]int{} // the indexes of the changes that create something, by what a drop names
	for i, c := range changes {
		if key := c.createdObjectKey(); key != nil {
			creations[key] = append(creations[key], i)
		}
	}
	for i, drop := range changes {
		key, replaces := drop.droppedObjectKey()
		if key == nil {
			continue
		}
		for _, j := range creations[key] {
			if create := changes[j]; j > i && r.dropOf[create] == nil && replaces(create) {
				r.creationOf[drop], r.dropOf[create] = create, drop
				break
			}
		}
	}
	r.findTemporary(changes)
	return r
}

// findTemporary finds the changes that add a constraint of a deployed table, and the later ones that drop it. If a change in between names the
// constraint, or reads or writes rows, it may matter.
func (r *recreations) findTemporary(changes []*Change) {
	addedAt, namedAt, rows := map[catalog.OID]int{}, map[string]int{}, -1
	for i, c := range changes {
		if con := c.droppedReleaseConstraint(); con != nil {
			addPos, ok := addedAt[con.ID]
			if last, any := namedAt[con.Name]; ok && rows < addPos && (!any || last <= addPos) {
				r.temporary[changes[addPos]], r.temporary[c] = true, true
			}
		}
		if c.constraintNode(pgparse.ConstrType_CONSTR_FOREIGN, pgparse.ConstrType_CONSTR_CHECK) != nil {
			if con := c.addedConstraint(); con != nil {
				addedAt[con.ID] = i
			}
		}
		for _, name := range pgparse.ListNames(c.Text) {
			namedAt[name] = i
		}
		if c.readsRows() {
			rows = i
		}
	}
}

// droppedReleaseConstraint returns the constraint of a deployed table that a change drops and that the base does not have; nil for none.
func (c *Change) droppedReleaseConstraint() *catalog.Constraint {
	if c.commandType() != pgparse.AlterTableType_AT_DropConstraint || c.AlteredRelation().Kind != catalog.Table || c.isNewTable() {
		return nil
	}
	con := c.AlteredRelation().Constraint(c.Command.Name)
	if con == nil || c.Release.isDeployedConstraint(c.AlteredRelation(), con) {
		return nil
	}
	return con
}

// triggerKey identifies a trigger: two tables may each have one of the same name.
type triggerKey struct {
	table catalog.OID
	name  string
}

// createdObjectKey returns what a change creates: the table of a constraint, a trigger, or a function's name; nil for anything else.
func (c *Change) createdObjectKey() any {
	if c.constraintNode(pgparse.ConstrType_CONSTR_FOREIGN, pgparse.ConstrType_CONSTR_CHECK) != nil {
		return c.AlteredRelation().OID
	}
	if stmt := c.Node.GetCreateTrigStmt(); stmt != nil {
		if t := c.resolveRelation(stmt.Relation); t != nil {
			return triggerKey{t.OID, stmt.Trigname}
		}
	}
	if f := c.createdFunction(); f != nil {
		return f.Name
	}
	return nil
}

// droppedObjectKey returns what a change drops, as [Change.createdObjectKey] does, and which change that creates such a thing creates it again.
func (c *Change) droppedObjectKey() (key any, replaces func(create *Change) bool) {
	if c.droppedConstraint() != nil {
		return c.AlteredRelation().OID, func(create *Change) bool { return create.replacesConstraint(c) }
	}
	if t, old := c.droppedTrigger(); old != nil {
		return triggerKey{t.OID, old.Name}, func(*Change) bool { return true }
	}
	if old := c.droppedFunction(); old != nil {
		return old.Name, func(create *Change) bool { return canReplaceFunction(old, create.createdFunction()) }
	}
	return nil, nil
}

// createdFunction returns the new function that a change creates; nil if it creates none.
func (c *Change) createdFunction() *catalog.Function {
	if c.Node.GetCreateFunctionStmt() == nil {
		return nil
	}
	for i := range c.Deltas {
		if d := &c.Deltas[i]; d.OldFunction == nil && d.NewFunction != nil {
			return d.NewFunction
		}
	}
	return nil
}
