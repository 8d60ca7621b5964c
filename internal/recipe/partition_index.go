package recipe

import (
	"slices"

	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/onward"
)

// partitionIndex builds an index of a partitioned table concurrently on each partition, and attaches
// these indexes: CONCURRENTLY is refused on the partitioned table itself.
// https://www.postgresql.org/docs/current/ddl-partitioning.html#DDL-PARTITIONING-DECLARATIVE-MAINTENANCE
var partitionIndex = &Recipe{Name: "partition-index", Make: func(c *Change) *Steps {
	stmt := c.Node.GetIndexStmt()
	if stmt == nil || stmt.Concurrent || !stmt.GetRelation().GetInh() {
		return nil
	}
	t := c.changedTable()
	if t == nil || t.Kind != catalog.PartitionedTable {
		return nil
	}
	newIndex := c.findBuiltIndex(t)
	if newIndex == nil {
		return nil
	}
	m := &Steps{}
	word := "INDEX"
	if stmt.Unique {
		word = "UNIQUE INDEX"
	}
	b := &partitionedIndex{c: c, m: m, phase: c.indexPhase(t, stmt), word: word, body: c.SQL[pgparse.NameEnd(c.SQL, int(stmt.Relation.Location)):]}
	b.addParentIndex(t, newIndex)
	b.addPartitionIndexes(t, newIndex)
	return m
}}

// partitionedIndex builds an index of a partitioned table.
type partitionedIndex struct {
	c          *Change
	m          *Steps
	phase      onward.PlanPhase
	word, body string // INDEX or UNIQUE INDEX, and its definition
	// con is the constraint that needs the index, nil for none, and definition its definition.
	con        *catalog.Constraint
	definition string
}

// addParentIndex creates the index of the partitioned table alone. It becomes valid when the index of each
// partition is attached.
func (b *partitionedIndex) addParentIndex(t, parentIndex *catalog.Relation) {
	if b.con != nil {
		alter, conName := "ALTER TABLE "+tableName(t), quoteIdent(parentIndex.Index.Constraint)
		s := b.m.addStep(b.phase, onward.StepDDL, "add the constraint to "+t.Name.Name+
			" alone: it becomes valid after the partitions' indexes are attached, and no row is read", "ALTER TABLE ONLY "+tableName(t)+" ADD CONSTRAINT "+conName+" "+
			b.definition)
		s.Undo = []string{alter + " DROP CONSTRAINT IF EXISTS " + conName}
		return
	}
	s := b.m.addStep(b.phase, onward.StepDDL, "create index "+parentIndex.Name.Name+" on "+t.Name.Name+
		" alone: it becomes valid after the partitions' indexes are attached, and no row is read", "CREATE "+b.word+" "+quoteIdent(parentIndex.Name.Name)+" ON ONLY "+
		tableName(t)+" "+b.body)
	s.Undo = []string{"DROP INDEX IF EXISTS " + tableName(parentIndex)}
}

// addPartitionIndexes builds the indexes of a table's partitions, and attaches them to the table's index.
func (b *partitionedIndex) addPartitionIndexes(t, parentIndex *catalog.Relation) {
	c := b.c
	for _, p := range c.Before.RelationsByOID(t.Partitions) {
		if p.Kind == catalog.ForeignTable {
			continue // it has no indexes
		}
		partIndex := c.findAttachedIndex(p, parentIndex)
		if partIndex == nil {
			b.m.addMissing("the index of partition %s is not known", p.Name)
			continue
		}
		switch {
		case c.Before.Relation(partIndex.OID) != nil: // an equal index existed before
		case p.Kind == catalog.PartitionedTable:
			b.addParentIndex(p, partIndex)
			b.addPartitionIndexes(p, partIndex)
		default:
			s := b.m.addStep(b.phase, onward.StepConcurrent, "build index "+partIndex.Name.Name+" of partition "+p.Name.Name+" while others read and write",
				"CREATE "+b.word+" CONCURRENTLY "+quoteIdent(partIndex.Name.Name)+" ON "+tableName(p)+" "+b.body)
			s.Undo = []string{DropIndex(partIndex.Name, true)}
			b.addPartitionConstraint(p, partIndex)
		}
		s := b.m.addStep(b.phase, onward.StepDDL, "attach index "+partIndex.Name.Name+" to "+parentIndex.Name.Name+": no row is read",
			"ALTER INDEX "+tableName(parentIndex)+" ATTACH PARTITION "+tableName(partIndex))
		// An attached index cannot be detached, so the undo drops the parent index with all its parts.
		s.Undo = []string{"DROP INDEX IF EXISTS " + tableName(parentIndex)}
		if b.con != nil {
			s.Undo = []string{"ALTER TABLE " + tableName(t) + " DROP CONSTRAINT IF EXISTS " + quoteIdent(parentIndex.Index.Constraint)}
		}
		if c.Before.Relation(partIndex.OID) != nil {
			s.Undo = nil
			b.m.addMissing("%s existed before and is attached: an abort would drop it with %s, so this step cannot be undone", partIndex.Name, parentIndex.Name.Name)
		}
	}
}

// addPartitionConstraint makes the partition's index into its constraint.
func (b *partitionedIndex) addPartitionConstraint(p, partIndex *catalog.Relation) {
	if b.con == nil {
		return
	}
	alter := "ALTER TABLE " + tableName(p)
	s := b.m.addStep(b.phase, onward.StepDDL, "make the index the constraint "+partIndex.Name.Name+": no row is read",
		alter+" ADD CONSTRAINT "+quoteIdent(partIndex.Name.Name)+" "+usingIndex(b.con, partIndex.Name.Name))
	s.Undo = []string{alter + " DROP CONSTRAINT IF EXISTS " + quoteIdent(partIndex.Name.Name)}
}

// findAttachedIndex returns the index of a partition that is attached to an index of the partitioned table
// after a change.
func (c *Change) findAttachedIndex(p, parentIndex *catalog.Relation) *catalog.Relation {
	after := c.After.Relation(p.OID)
	if after == nil {
		return nil
	}
	list := c.After.IndexesOf(after)
	i := slices.IndexFunc(list, func(x *catalog.Relation) bool { return x.Index != nil && x.Index.Parent == parentIndex.OID })
	if i < 0 {
		return nil
	}
	return list[i]
}
