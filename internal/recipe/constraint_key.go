package recipe

import (
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/onward"
)

// constraintKey replaces a primary key, or a unique constraint, that the release drops by a new one. The new index
// is built while the old one still serves the deployed code's queries. If one step dropped the old and a later
// step built the new one, each query by the key would read the whole table in between.
// https://www.postgresql.org/docs/current/sql-altertable.html#SQL-ALTERTABLE-DESC-ADD-TABLE-CONSTRAINT-USING-INDEX
var constraintKey = &Recipe{Name: "constraint-key", Make: func(c *Change) *Steps {
	if c.droppedKey() != nil && slices.ContainsFunc(c.Release.changes, func(other *Change) bool { return other.findKeyDrop() == c }) {
		return &Steps{} // the change that adds the new key has the step
	}
	drop := c.findKeyDrop()
	if drop == nil {
		return nil
	}
	t, old, newCon := c.AlteredRelation(), drop.droppedKey(), c.addedConstraint()
	x := c.After.Relation(newCon.Index)
	if x == nil || x.Index == nil {
		return nil
	}
	m := &Steps{}
	m.noteNarrowKey(c, t, old.Name, c.Release.Deployed.Relation(old.Index))
	phase := m.addKeyNotNull(c, t, newCon)
	exchange := func(index string) *Steps {
		m.addStep(onward.Contract, onward.StepDDL, "replace constraint "+old.Name+" by "+newCon.Name+": no row is read",
			"ALTER TABLE "+tableName(t)+" DROP CONSTRAINT "+quoteIdent(old.Name)+", ADD CONSTRAINT "+quoteIdent(newCon.Name)+" "+usingIndex(newCon, index))
		return m
	}
	if index := c.keyNode().Indexname; index != "" {
		return exchange(index)
	}
	indexName := newCon.Name
	if indexName == old.Name || c.Release.Deployed.Relation(t.OID).Constraint(indexName) != nil {
		indexName = c.Release.uniqueName(indexName, "onward", "")
	}
	m.addIndex(t, indexName, indexBody(c.After.Relation(t.OID), x.Index, x), true, phase)
	return exchange(indexName)
}}

// noteNarrowKey says what new code must not write while a unique index of the deployed code is there, if the release keeps nothing that refuses it, too.
func (m *Steps) noteNarrowKey(c *Change, t *catalog.Relation, name string, index *catalog.Relation) {
	head := c.Release.head.Relation(t.OID)
	if head == nil || index == nil || index.Index == nil || !index.Index.Unique {
		return
	}
	old := keyColumns(index.Index)
	for _, r := range c.Release.head.IndexesOf(head) {
		if x := r.Index; x != nil && x.Unique && x.Predicate == nil && len(keyColumns(x)) == len(x.Keys) &&
			!slices.ContainsFunc(keyColumns(x), func(n int16) bool { return !slices.Contains(old, n) }) {
			return
		}
	}
	columns := t.ColumnNames(old)
	if len(old) < len(index.Index.Keys) {
		columns = append(columns, "an expression")
	}
	m.addNote("up to the last step, %s of %s is still on %s alone: new code must not write rows that differ only in other columns. An INSERT of "+
		"such a row is refused, and ON CONFLICT DO UPDATE overwrites the first one", name, t.Name, strings.Join(columns, ", "))
}

// droppedKey returns the primary key or unique constraint of the base that a change drops; nil if it drops none.
func (c *Change) droppedKey() *catalog.Constraint {
	if c.commandType() != pgparse.AlterTableType_AT_DropConstraint || c.AlteredRelation().Kind != catalog.Table ||
		c.Command.Behavior == pgparse.DropBehavior_DROP_CASCADE {
		return nil
	}
	con := c.AlteredRelation().Constraint(c.Command.Name)
	if con == nil || con.Kind != catalog.PrimaryKey && con.Kind != catalog.Unique || !c.Release.isDeployedConstraint(c.AlteredRelation(), con) {
		return nil
	}
	return con
}

// findKeyDrop returns the earlier change that drops the key which this change replaces; nil if there is none.
func (c *Change) findKeyDrop() *Change {
	if c.keyNode() == nil {
		return nil
	}
	newCon := c.addedConstraint()
	if newCon == nil {
		return nil
	}
	for _, before := range c.Release.changes[:max(0, slices.Index(c.Release.changes, c))] {
		if old := before.droppedKey(); old != nil && before.AlteredRelation().OID == c.AlteredRelation().OID && old.Kind == newCon.Kind &&
			(old.Kind == catalog.PrimaryKey || old.Name == newCon.Name) {
			return before
		}
	}
	return nil
}
