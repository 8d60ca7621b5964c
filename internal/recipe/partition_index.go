package recipe

import (
	"slices"

	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/onward"
)

// partitionIndex builds an index of a partitioned table partition by partition, beside the traffic,
// and puts them together: CONCURRENTLY is refused on the partitioned table itself.
// https://www.postgresql.org/docs/current/ddl-partitioning.html#DDL-PARTITIONING-DECLARATIVE-MAINTENANCE
var partitionIndex = &Recipe{Name: "partition-index", Make: func(c *Change) *Made {
	stmt := c.Node.GetIndexStmt()
	if stmt == nil || stmt.Concurrent || !stmt.GetRelation().GetInh() {
		return nil
	}
	t := c.table()
	if t == nil || t.Kind != catalog.PartitionedTable {
		return nil
	}
	m := &Made{}
	made := c.builtOn(t)
	if made == nil {
		m.missing("the name of the new index of %s is not known", t.Name)
		return m
	}
	word := "INDEX"
	if stmt.Unique {
		word = "UNIQUE INDEX"
	}
	b := &partitioned{c: c, m: m, phase: c.indexPhase(t, stmt), word: word, body: c.SQL[pgparse.NameEnd(c.SQL, int(stmt.Relation.Location)):]}
	b.only(t, made)
	b.under(t, made)
	return m
}}

// partitioned builds an index of a partitioned table.
type partitioned struct {
	c          *Change
	m          *Made
	phase      onward.PlanPhase
	word, body string // INDEX, and what it is of
	// con is the constraint that it is for, nil for none, and definition what that says.
	con        *catalog.Constraint
	definition string
}

// only makes the index of a partitioned table itself, which is valid when each partition's is
// attached.
func (b *partitioned) only(t, made *catalog.Relation) {
	if b.con != nil {
		alter, own := "ALTER TABLE "+name(t), quote(made.Index.Constraint)
		s := b.m.add(b.phase, onward.StepDDL, "stands for those of the partitions, and is valid when they are attached: nothing is read", "ALTER TABLE ONLY "+name(t)+" ADD CONSTRAINT "+own+" "+b.definition)
		s.Undo = []string{alter + " DROP CONSTRAINT IF EXISTS " + own}
		return
	}
	s := b.m.add(b.phase, onward.StepDDL, "stands for those of the partitions, and is valid when they are attached: nothing is read", "CREATE "+b.word+" "+quote(made.Name.Name)+" ON ONLY "+name(t)+" "+b.body)
	s.Undo = []string{"DROP INDEX IF EXISTS " + name(made)}
}

// under builds the indexes of the partitions of a table, and attaches them to its own.
func (b *partitioned) under(t, made *catalog.Relation) {
	c := b.c
	for _, p := range c.Before.Rels(t.Partitions) {
		if p.Kind == catalog.ForeignTable {
			continue // it has no indexes
		}
		own := c.attachedTo(p, made)
		if own == nil {
			b.m.missing("the index of partition %s is not known", p.Name)
			continue
		}
		switch {
		case c.Before.Relation(own.OID) != nil: // an equal one that was there
		case p.Kind == catalog.PartitionedTable:
			b.only(p, own)
			b.under(p, own)
		default:
			s := b.m.add(b.phase, onward.StepConcurrent, "is built while others read and write", "CREATE "+b.word+" CONCURRENTLY "+quote(own.Name.Name)+" ON "+name(p)+" "+b.body)
			s.Undo = []string{"DROP INDEX CONCURRENTLY IF EXISTS " + name(own)}
			b.taken(p, own)
		}
		s := b.m.add(b.phase, onward.StepDDL, "the partition's index becomes a part of "+made.Name.Name+" in an instant", "ALTER INDEX "+name(made)+" ATTACH PARTITION "+name(own))
		// No index can be taken off again: the one that it is a part of goes, with its parts.
		s.Undo = []string{"DROP INDEX IF EXISTS " + name(made)}
		if b.con != nil {
			s.Undo = []string{"ALTER TABLE " + name(t) + " DROP CONSTRAINT IF EXISTS " + quote(made.Index.Constraint)}
		}
		if c.Before.Relation(own.OID) != nil {
			s.Undo = nil
			b.m.missing("%s was there before, and is attached: an abort would drop it with %s, so it cannot be taken back", own.Name, made.Name.Name)
		}
	}
}

// taken makes the partition's constraint of its index.
func (b *partitioned) taken(p, own *catalog.Relation) {
	if b.con == nil {
		return
	}
	alter := "ALTER TABLE " + name(p)
	s := b.m.add(b.phase, onward.StepDDL, "the index becomes the constraint's in an instant", alter+" ADD CONSTRAINT "+quote(own.Name.Name)+" "+usingIndex(b.con, own.Name.Name))
	s.Undo = []string{alter + " DROP CONSTRAINT IF EXISTS " + quote(own.Name.Name)}
}

// attachedTo is the index of a partition that a change leaves attached to one of the partitioned table.
func (c *Change) attachedTo(p, made *catalog.Relation) *catalog.Relation {
	after := c.After.Relation(p.OID)
	if after == nil {
		return nil
	}
	list := c.After.IndexesOf(after)
	i := slices.IndexFunc(list, func(x *catalog.Relation) bool { return x.Index != nil && x.Index.Parent == made.OID })
	if i < 0 {
		return nil
	}
	return list[i]
}
