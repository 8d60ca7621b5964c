package recipe

import (
	"slices"

	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/onward"
)

// constraintKey puts a primary key, or a unique constraint of the same name, in the place of one that
// the same release drops: its index is built beside the old one, which serves the deployed code's queries
// until that is gone. Between a step that drops the one and a step that builds the other, each query by
// the key would read the whole table.
// https://www.postgresql.org/docs/current/sql-altertable.html#SQL-ALTERTABLE-DESC-ADD-TABLE-CONSTRAINT-USING-INDEX
var constraintKey = &Recipe{Name: "constraint-key", Make: func(c *Change) *Made {
	if c.droppedKey() != nil && slices.ContainsFunc(c.Release.changes, func(other *Change) bool { return other.keyFor() == c }) {
		return &Made{} // the one that replaces it has the step
	}
	drop := c.keyFor()
	if drop == nil {
		return nil
	}
	t, old, made := c.Altered(), drop.droppedKey(), c.constraint()
	x := c.After.Relation(made.Index)
	if x == nil || x.Index == nil {
		return nil
	}
	m := &Made{}
	names := c.columnsOf(made)
	phase := c.checkPhase(names...)
	if made.Kind == catalog.PrimaryKey {
		for _, n := range names {
			if col := t.Column(n); col != nil && !col.NotNull {
				m.notNull(c, t, n, phase)
			}
		}
	}
	own := made.Name
	if own == old.Name || c.Release.Deployed.Relation(t.OID).Constraint(own) != nil {
		own = c.Release.unique(own, "onward", "")
	}
	m.indexed(t, own, indexBody(c.After.Relation(t.OID), x.Index, x), true, phase)
	m.add(onward.Contract, onward.StepDDL, "takes the place of "+old.Name+", in an instant",
		"ALTER TABLE "+name(t)+" DROP CONSTRAINT "+quote(old.Name)+", ADD CONSTRAINT "+quote(made.Name)+" "+usingIndex(made, own))
	return m
}}

// droppedKey is the primary key or unique constraint of the base that a change drops; nil where it drops none.
func (c *Change) droppedKey() *catalog.Constraint {
	if c.subtype() != pgparse.AlterTableType_AT_DropConstraint || c.Altered().Kind != catalog.Table || c.Command.Behavior == pgparse.DropBehavior_DROP_CASCADE {
		return nil
	}
	con := c.Altered().Constraint(c.Command.Name)
	if con == nil || con.Kind != catalog.PrimaryKey && con.Kind != catalog.Unique || !c.Release.has(c.Altered(), con) {
		return nil
	}
	return con
}

// keyFor is the change before this one that drops what this one adds in its place; nil where none does.
func (c *Change) keyFor() *Change {
	con := c.added(pgparse.ConstrType_CONSTR_UNIQUE, pgparse.ConstrType_CONSTR_PRIMARY)
	if con == nil || con.Indexname != "" || con.WithoutOverlaps {
		return nil
	}
	made := c.constraint()
	if made == nil {
		return nil
	}
	for _, before := range c.Release.changes[:max(0, slices.Index(c.Release.changes, c))] {
		if old := before.droppedKey(); old != nil && before.Altered().OID == c.Altered().OID && old.Kind == made.Kind && (old.Kind == catalog.PrimaryKey || old.Name == made.Name) {
			return before
		}
	}
	return nil
}
