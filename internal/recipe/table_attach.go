package recipe

import (
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/analysis"
	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/onward"
)

// makeAttachSteps adds the steps that make a table a partition of the new table that takes its name, without
// copying rows. A CHECK proves its bounds, the indexes are built, and one short transaction does the
// rest.
// https://www.postgresql.org/docs/current/sql-altertable.html#SQL-ALTERTABLE-ATTACH-PARTITION
func (s *shadowTable) makeAttachSteps() *Steps {
	m, r, t := &Steps{Notes: s.userNotes}, s.release, s.t
	part, c := r.head.Relation(t.OID), s.mergeChanges()
	bounds := ""
	if s.within != "" {
		bounds = r.uniqueName(t.Name.Name, "bounds", "check")
		m.addConstraintSteps(t, bounds, "CHECK ("+s.within+")", onward.Expand)
		m.addNote("from its CHECK on, %s refuses rows that are not within its bounds as a partition (%s): "+
			"the bounds are to hold all that is written up to the swap", t.Name, part.Bound)
	}
	drops, adds := s.preparePartition(m, c, part)
	old, now := "ALTER TABLE "+tableName(t)+" ", "ALTER TABLE "+tableName(part)+" "
	names, back := s.renameIndexes()
	attach := old + "ATTACH PARTITION " + tableName(part) + " " + part.Bound
	sql := slices.Concat(s.dropSQL, drops, adds, []string{old + "RENAME TO " + quoteIdent(part.Name.Name)}, names, s.createSQL, []string{attach}, s.swap)
	if bounds != "" {
		sql = append(sql, now+"DROP CONSTRAINT "+quoteIdent(bounds))
	}
	step := m.addStep(s.phase, onward.StepDDL, "make the table a partition: its CHECK proves the bounds, so no row is read, "+
		"and others keep writing under the name", sql...)
	if s.phase == onward.Expand {
		all := analysis.QuoteIdents(s.columns)
		step.Undo = slices.Concat([]string{"LOCK TABLE " + tableName(t) + " IN ACCESS EXCLUSIVE MODE", old + "DETACH PARTITION " + tableName(part),
			"INSERT INTO " + tableName(part) + " (" + all + ") SELECT " + all + " FROM " + tableName(t)}, s.undoSwap, []string{
			"DROP TABLE " + tableName(t), now + "RENAME TO " + quoteIdent(t.Name.Name),
		}, back)
		m.addNote("taking it back moves the rows of the other partitions into %s, while everybody waits", t.Name)
	}
	for _, ref := range s.release.head.ListReferences(s.head, false) {
		if ref.From.OID != s.head.OID && !ref.Con.Parent {
			m.addConstraintSteps(ref.From, ref.Con.Name, foreignKey(ref.From, s.head, ref.Con), s.phase)
		}
	}
	return m
}

// mergeChanges returns the release as a single change from the base to the head.
func (s *shadowTable) mergeChanges() *Change {
	c := *s.c
	c.Stmt = s.c.Stmt.Spanning(s.release.Deployed, s.release.head)
	return &c
}

// preparePartition gives the table what it needs as a partition. It returns what the last step drops and adds,
// such as a primary key that replaces another one.
func (s *shadowTable) preparePartition(m *Steps, c *Change, part *catalog.Relation) (drops, adds []string) {
	alter := "ALTER TABLE " + tableName(s.t) + " "
	like := *part
	like.Indexes, like.Constraints = nil, nil
	for _, con := range s.t.Constraints {
		if !hasConstraint(part, con) {
			drops = append(drops, alter+"DROP CONSTRAINT "+quoteIdent(con.Name))
		}
	}
	for _, con := range part.Constraints {
		if con.Kind != catalog.PrimaryKey || !slices.ContainsFunc(s.t.Constraints,
			func(o *catalog.Constraint) bool { return o.Kind == catalog.PrimaryKey && o.ID != con.ID }) {
			like.Constraints = append(like.Constraints, con)
			continue
		}
		x := s.release.head.Relation(con.Index)
		indexName := s.release.uniqueName(con.Name, "onward", "")
		m.addIndex(s.t, indexName, indexBody(part, x.Index, x), true, onward.Expand)
		adds = append(adds, alter+"ADD CONSTRAINT "+quoteIdent(con.Name)+" "+usingIndex(con, indexName))
	}
	for _, oid := range part.Indexes {
		x := s.release.head.Relation(oid)
		if x != nil && (x.Index.Constraint == "" || like.Constraint(x.Index.Constraint) != nil) {
			like.Indexes = append(like.Indexes, oid)
		}
	}
	c.addPartitionObjects(m, s.t, &like, onward.Expand)
	return drops, adds
}

// renameIndexes gives the table's indexes their names at the head.
func (s *shadowTable) renameIndexes() (names, back []string) {
	for _, x := range s.release.Deployed.IndexesOf(s.t) {
		now := s.release.head.Relation(x.OID)
		if now != nil && now.Name != x.Name {
			names = append(names, "ALTER INDEX "+qualifyInSchema(s.t, x.Name.Name)+" RENAME TO "+quoteIdent(now.Name.Name))
			back = append(back, "ALTER INDEX "+qualifyInSchema(s.t, now.Name.Name)+" RENAME TO "+quoteIdent(x.Name.Name))
		}
	}
	return names, back
}

// checkPartition examines a table that is a partition at the head.
func (s *shadowTable) checkPartition(part *catalog.Relation) {
	s.shadowName, s.attaches = s.t.Name.Name, true
	if part.Parent != s.head.OID || len(s.head.PartitionKey) != 1 || s.head.PartitionKey[0].Column == 0 {
		s.addObstacle("%s becomes a partition of a partition, or by more than one column: it needs a CHECK of its bounds first, and the CHECK is not known", s.t.Name)
		return
	}
	s.compareUniqueKeys()
	if s.phase == onward.Backfill {
		s.phase = onward.Expand
	}
	s.sharedIndexes = nil
	for _, c := range s.changes {
		if c.Node.GetInsertStmt() != nil {
			s.addObstacle("%s:%d writes rows of %s, which becomes a partition unchanged: write them in a release of its own", c.Migration.Path, c.Line, s.t.Name)
		}
		if c.Node.GetCreateTrigStmt() != nil {
			s.swap = append(s.swap, c.SQL)
		}
	}
	for _, col := range s.t.Columns {
		partColumn := part.Attr(col.Attnum)
		if partColumn == nil || partColumn.Name != col.Name || !partColumn.Type.IsSame(col.Type) || partColumn.NotNull != col.NotNull ||
			col.Identity != partColumn.Identity || col.Identity != "" {
			s.addObstacle("%s of %s is changed together with its table, or an identity: a release for each is planned", col.Name, s.t.Name)
		}
		if col.Generated == "" {
			s.columns = append(s.columns, col.Name)
		}
	}
	for _, con := range s.t.Constraints {
		if s.phase == onward.Expand && !hasConstraint(part, con) {
			s.addObstacle("constraint %s of %s is dropped together with it: a release for each is planned", con.Name, s.t.Name)
		}
	}
	for _, ref := range s.release.Deployed.ListReferences(s.t, false) {
		if !ref.Con.Parent && !s.isUnchanged(ref) {
			s.dropSQL = append(s.dropSQL, "ALTER TABLE "+tableName(ref.From)+" DROP CONSTRAINT "+quoteIdent(ref.Con.Name))
			if s.phase == onward.Expand {
				s.addObstacle("foreign key %s of %s to %s is dropped: a release for each is planned", ref.Con.Name, ref.From.Name, s.t.Name)
			}
		}
	}
	s.setBounds(part)
	s.createPartitioned()
	for _, col := range s.head.Columns {
		s.moveSequence(col)
	}
}

// setBounds determines the condition on the rows of the table as a partition.
func (s *shadowTable) setBounds(part *catalog.Relation) {
	boundCondition := func(p *catalog.Relation) string {
		return analysis.PartitionCondition("ATTACH PARTITION p "+p.Bound, s.head)
	}
	col := s.head.Attr(s.head.PartitionKey[0].Column)
	if part.OID != s.head.Default {
		if s.within = boundCondition(part); s.within == "" {
			s.addObstacle("the bounds of %s as a partition are no constants of one column", s.t.Name)
		}
		s.within = quoteIdent(col.Name) + " IS NOT NULL AND " + s.within
		return
	}
	var exclusions []string
	for _, p := range s.release.head.RelationsByOID(s.head.Partitions) {
		if p.OID == part.OID {
			continue
		}
		in := boundCondition(p)
		if in == "" {
			s.addObstacle("the bounds of %s are no constants of one column", p.Name)
		}
		exclusions = append(exclusions, "NOT ("+in+")")
	}
	s.within = strings.Join(exclusions, " AND ")
}
