package recipe

import (
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/analysis"
	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/onward"
)

// attached are the steps that make a table a partition of the one that takes its name: no row is copied.
// A CHECK proves its bounds, the indexes are built, and one short transaction does the rest.
// https://www.postgresql.org/docs/current/sql-altertable.html#SQL-ALTERTABLE-ATTACH-PARTITION
func (s *shadow) attached() *Made {
	m, r, t := &Made{Notes: s.told}, s.release, s.t
	part, c := r.head.Relation(t.OID), s.asOne()
	bounds := ""
	if s.within != "" {
		bounds = r.unique(t.Name.Name, "bounds", "check")
		m.validated(t, bounds, "CHECK ("+s.within+")", onward.Expand)
		m.note("from its CHECK on, %s refuses rows that are not within its bounds as a partition (%s): the bounds are to hold all that is written up to the swap", t.Name, part.Bound)
	}
	drops, adds := s.replaced(m, c, part)
	old, now := "ALTER TABLE "+name(t)+" ", "ALTER TABLE "+name(part)+" "
	names, back := s.renames()
	attach := old + "ATTACH PARTITION " + name(part) + " " + part.Bound
	sql := slices.Concat(s.gone, drops, adds, []string{old + "RENAME TO " + quote(part.Name.Name)}, names, s.make, []string{attach}, s.swap)
	if bounds != "" {
		sql = append(sql, now+"DROP CONSTRAINT "+quote(bounds))
	}
	step := m.add(s.phase, onward.StepDDL, "the table becomes a partition in an instant, as its CHECK proves the bounds; what others write goes on under the name", sql...)
	if s.phase == onward.Expand {
		all := quoted(s.columns)
		step.Undo = slices.Concat([]string{"LOCK TABLE " + name(t) + " IN ACCESS EXCLUSIVE MODE", old + "DETACH PARTITION " + name(part),
			"INSERT INTO " + name(part) + " (" + all + ") SELECT " + all + " FROM " + name(t)}, s.back, []string{"DROP TABLE " + name(t), now + "RENAME TO " + quote(t.Name.Name)}, back)
		m.note("taking it back moves the rows of the other partitions into %s, while everybody waits", t.Name)
	}
	for _, ref := range s.release.head.References(s.head, false) {
		if ref.From.OID != s.head.OID && !ref.Con.Parent {
			m.validated(ref.From, ref.Con.Name, foreignKey(ref.From, s.head, ref.Con), s.phase)
		}
	}
	return m
}

// asOne is the release as one change: from the base to the head.
func (s *shadow) asOne() *Change {
	c := *s.c
	stmt := *s.c.Stmt
	stmt.Before, stmt.After = s.release.Deployed, s.release.head
	c.Stmt = &stmt
	return &c
}

// replaced gives the table what it has as a partition, and says what the last step drops and adds for
// it: a primary key that takes the place of another one.
func (s *shadow) replaced(m *Made, c *Change, part *catalog.Relation) (drops, adds []string) {
	alter := "ALTER TABLE " + name(s.t) + " "
	like := *part
	like.Indexes, like.Constraints = nil, nil
	for _, con := range s.t.Constraints {
		if !keeps(part, con) {
			drops = append(drops, alter+"DROP CONSTRAINT "+quote(con.Name))
		}
	}
	for _, con := range part.Constraints {
		if con.Kind != catalog.PrimaryKey || !slices.ContainsFunc(s.t.Constraints, func(o *catalog.Constraint) bool { return o.Kind == catalog.PrimaryKey && o.ID != con.ID }) {
			like.Constraints = append(like.Constraints, con)
			continue
		}
		x := s.release.head.Relation(con.Index)
		own := s.release.unique(con.Name, "onward", "")
		m.indexed(s.t, own, indexBody(part, x.Index, x), true, onward.Expand)
		adds = append(adds, alter+"ADD CONSTRAINT "+quote(con.Name)+" "+usingIndex(con, own))
	}
	for _, oid := range part.Indexes {
		x := s.release.head.Relation(oid)
		if x != nil && (x.Index.Constraint == "" || like.Constraint(x.Index.Constraint) != nil) {
			like.Indexes = append(like.Indexes, oid)
		}
	}
	c.likePartition(m, s.t, &like, onward.Expand)
	return drops, adds
}

// renames gives the table's indexes the names that they have at the head.
func (s *shadow) renames() (names, back []string) {
	for _, x := range s.release.Deployed.IndexesOf(s.t) {
		now := s.release.head.Relation(x.OID)
		if now != nil && now.Name != x.Name {
			names = append(names, "ALTER INDEX "+inSchema(s.t, x.Name.Name)+" RENAME TO "+quote(now.Name.Name))
			back = append(back, "ALTER INDEX "+inSchema(s.t, now.Name.Name)+" RENAME TO "+quote(x.Name.Name))
		}
	}
	return names, back
}

// becomes looks at a table that is a partition at the head.
func (s *shadow) becomes(part *catalog.Relation) {
	s.fresh, s.attaches = s.t.Name.Name, true
	if part.Parent != s.head.OID || len(s.head.PartitionKey) != 1 || s.head.PartitionKey[0].Column == 0 {
		s.not("%s becomes a partition of a partition, or by more than one column: it is to get a CHECK of its bounds first, which is not known", s.t.Name)
		return
	}
	s.uniqueKeys()
	if s.phase == onward.Backfill {
		s.phase = onward.Expand
	}
	s.alike = nil
	for _, c := range s.changes {
		if c.Node.GetInsertStmt() != nil {
			s.not("%s:%d writes rows of %s, which becomes a partition as it stands: a release of its own is to", c.Migration.Path, c.Line, s.t.Name)
		}
		if c.Node.GetCreateTrigStmt() != nil {
			s.swap = append(s.swap, c.SQL)
		}
	}
	for _, col := range s.t.Columns {
		at := part.Attr(col.Attnum)
		if at == nil || at.Name != col.Name || !at.Type.Same(col.Type) || at.NotNull != col.NotNull || col.Identity != at.Identity || col.Identity != "" {
			s.not("%s of %s is changed together with its table, or an identity: a release for each is planned", col.Name, s.t.Name)
		}
		if col.Generated == "" {
			s.columns = append(s.columns, col.Name)
		}
	}
	for _, con := range s.t.Constraints {
		if s.phase == onward.Expand && !keeps(part, con) {
			s.not("constraint %s of %s is dropped together with it: a release for each is planned", con.Name, s.t.Name)
		}
	}
	for _, ref := range s.release.Deployed.References(s.t, false) {
		if !ref.Con.Parent && !s.remains(ref) {
			s.gone = append(s.gone, "ALTER TABLE "+name(ref.From)+" DROP CONSTRAINT "+quote(ref.Con.Name))
			if s.phase == onward.Expand {
				s.not("foreign key %s of %s to %s is dropped: a release for each is planned", ref.Con.Name, ref.From.Name, s.t.Name)
			}
		}
	}
	s.bounds(part)
	s.partitions()
	for _, col := range s.head.Columns {
		s.sequence(col)
	}
}

// bounds is the condition on the rows of the table as a partition.
func (s *shadow) bounds(part *catalog.Relation) {
	within := func(p *catalog.Relation) string { return analysis.Within("ATTACH PARTITION p "+p.Bound, s.head) }
	col := s.head.Attr(s.head.PartitionKey[0].Column)
	if part.OID != s.head.Default {
		if s.within = within(part); s.within == "" {
			s.not("the bounds of %s as a partition are no constants of one column", s.t.Name)
		}
		s.within = quote(col.Name) + " IS NOT NULL AND " + s.within
		return
	}
	var without []string
	for _, p := range s.release.head.Rels(s.head.Partitions) {
		if p.OID == part.OID {
			continue
		}
		in := within(p)
		if in == "" {
			s.not("the bounds of %s are no constants of one column", p.Name)
		}
		without = append(without, "NOT ("+in+")")
	}
	s.within = strings.Join(without, " AND ")
}
