package recipe

import (
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/onward"
)

// indexed gives the shadow the indexes of the table at the head, under names that are free until the
// swap, and the constraints that those stand behind.
func (s *shadow) indexed() {
	r, shadow := s.release, s.under(s.fresh)
	alter := "ALTER TABLE " + name(shadow) + " ADD CONSTRAINT "
	for _, x := range r.head.IndexesOf(s.head) {
		if x.Index == nil {
			continue
		}
		like := *x
		if r.Deployed.Lookup(x.Name.Schema, x.Name.Name) != nil && !s.attaches {
			like.Name.Name = r.unique(x.Name.Name, "onward", "")
		}
		s.indexes = append(s.indexes, &like)
		own, body := quote(like.Name.Name), indexBody(s.head, x.Index, x)
		con := s.head.Constraint(x.Index.Constraint)
		switch {
		case con == nil && x.Index.Unique:
			s.make = append(s.make, "CREATE UNIQUE INDEX "+own+" ON "+name(shadow)+" "+body)
		case con == nil:
			s.make = append(s.make, "CREATE INDEX "+own+" ON "+name(shadow)+" "+body)
		case con.Kind == catalog.Exclude || con.WithoutOverlaps:
			s.not("%s %s of %s is not taken along", con.Kind, con.Name, s.t.Name)
		default:
			s.make = append(s.make, alter+own+" "+keyText(s.head, con, x.Index))
		}
		if x.Comment != "" {
			s.make = append(s.make, "COMMENT ON INDEX "+inSchema(s.t, like.Name.Name)+" IS "+pgparse.QuoteLiteral(x.Comment))
		}
		if x.Index.Clustered {
			s.make = append(s.make, "ALTER TABLE "+name(shadow)+" CLUSTER ON "+own)
		}
	}
}

// keyText is a unique constraint or a primary key.
func keyText(t *catalog.Relation, con *catalog.Constraint, x *catalog.IndexInfo) string {
	out := "UNIQUE"
	switch {
	case con.Kind == catalog.PrimaryKey:
		out = "PRIMARY KEY"
	case x.NullsNotDistinct:
		out += " NULLS NOT DISTINCT"
	}
	out += " (" + quoted(t.ColumnNames(con.Columns)) + ")"
	if len(x.Include) > 0 {
		out += " INCLUDE (" + quoted(t.ColumnNames(x.Include)) + ")"
	}
	if con.Deferrable {
		out += " DEFERRABLE"
		if con.InitiallyDeferred {
			out += " INITIALLY DEFERRED"
		}
	}
	return out
}

// foreign gives the shadow the foreign keys of the table at the head, and the checks that the release adds to
// one that is there. It is empty: nothing is read.
func (s *shadow) foreign() {
	alter := "ALTER TABLE " + name(s.under(s.fresh)) + " ADD CONSTRAINT "
	for _, con := range s.head.Constraints {
		definition := ""
		switch {
		case con.Kind == catalog.Check && s.inPlace && !s.release.has(s.t, con):
			definition = check(con.ExprText, con)
		case con.Kind == catalog.ForeignKey && con.Ref == s.head.OID:
			s.not("foreign key %s of %s refers to %[2]s itself: rows would come before those that they refer to", con.Name, s.t.Name)
		case con.Kind == catalog.ForeignKey:
			ref := s.release.head.Relation(con.Ref)
			base := s.release.Deployed.Relation(con.Ref)
			if ref == nil || base == nil || ref.Name != base.Name {
				s.not("what foreign key %s of %s refers to is not there from the first step on", con.Name, s.t.Name)
				continue
			}
			definition = foreignKey(s.head, ref, con)
		}
		if definition == "" {
			continue
		}
		if !con.Valid || !con.Enforced {
			s.not("constraint %s of %s is not valid, or not enforced: on a new table it would be", con.Name, s.t.Name)
		}
		s.make = append(s.make, alter+quote(con.Name)+" "+definition)
	}
}

// allowed gives the shadow what others may do with the table.
func (s *shadow) allowed() {
	shadow := s.under(s.fresh)
	if s.head.Owner != "" {
		s.make = append(s.make, "ALTER TABLE "+name(shadow)+" OWNER TO "+quote(s.head.Owner))
	}
	for _, g := range s.head.Grants {
		s.make = append(s.make, "GRANT "+privilege(g)+" ON "+name(shadow)+" TO "+role(g.Role))
	}
	for _, col := range s.head.Columns {
		s.make = append(s.make, setStatistics("ALTER TABLE "+name(shadow)+" ", col.Name, col)...)
	}
	switch s.head.ReplicaIdentity {
	case "", "default":
	case "full", "nothing":
		s.make = append(s.make, "ALTER TABLE "+name(shadow)+" REPLICA IDENTITY "+strings.ToUpper(s.head.ReplicaIdentity))
	default:
		s.not("%s has a replica identity of its own (%s)", s.t.Name, s.head.ReplicaIdentity)
	}
	if s.head.Comment != "" {
		s.make = append(s.make, "COMMENT ON TABLE "+name(shadow)+" IS "+pgparse.QuoteLiteral(s.head.Comment))
	}
}

// references makes a second foreign key, to the shadow, of each one to the table. What the one does to
// a row, the other sees when the trigger is through: up to the end both wait for the COMMIT.
func (s *shadow) references(m *Made) {
	r := s.release
	to := *s.head
	to.Name = s.under(s.fresh).Name
	taken := map[catalog.OID]bool{}
	for _, ref := range r.Deployed.References(s.t, false) {
		if ref.From.OID == s.t.OID || ref.Con.Parent {
			continue
		}
		alter := "ALTER TABLE " + name(ref.From) + " "
		now := s.kept(ref)
		if now == nil && s.stays && s.remains(ref) {
			m.note("foreign key %s of %s goes on with %s, as the release leaves it", ref.Con.Name, ref.From.Name, s.aside)
			continue
		}
		if now == nil {
			s.gone = append(s.gone, alter+"DROP CONSTRAINT IF EXISTS "+quote(ref.Con.Name))
			continue
		}
		taken[now.ID] = true
		own := r.unique(now.Name, "onward", "")
		with := *now
		with.Deferrable, with.InitiallyDeferred = true, true
		m.validated(ref.From, own, foreignKey(ref.From, &to, &with), onward.Backfill)
		was := r.unique(ref.Con.Name, "was", "")
		s.swap = append(s.swap, alter+"RENAME CONSTRAINT "+quote(ref.Con.Name)+" TO "+quote(was), alter+"RENAME CONSTRAINT "+quote(own)+" TO "+quote(now.Name),
			alter+"ALTER CONSTRAINT "+quote(was)+" DEFERRABLE INITIALLY DEFERRED", alter+"ALTER CONSTRAINT "+quote(now.Name)+deferral(now))
		s.back = append(s.back, alter+"RENAME CONSTRAINT "+quote(now.Name)+" TO "+quote(own), alter+"RENAME CONSTRAINT "+quote(was)+" TO "+quote(ref.Con.Name),
			alter+"ALTER CONSTRAINT "+quote(own)+" DEFERRABLE INITIALLY DEFERRED", alter+"ALTER CONSTRAINT "+quote(ref.Con.Name)+deferral(ref.Con))
		s.gone = append(s.gone, alter+"DROP CONSTRAINT IF EXISTS "+quote(was))
	}
	for _, ref := range r.head.References(s.head, false) { // those that the release brings
		if ref.From.OID != s.head.OID && !ref.Con.Parent && !taken[ref.Con.ID] {
			m.validated(ref.From, ref.Con.Name, foreignKey(ref.From, &to, ref.Con), s.phase)
		}
	}
	if s.phase == onward.Contract { // what was written since is not in the table
		s.swap, s.gone = append(s.swap, s.gone...), nil
	}
}

// kept is what a foreign key to the table is at the head; nil where the release drops it.
func (s *shadow) kept(ref catalog.Reference) *catalog.Constraint {
	from := s.release.head.Relation(ref.From.OID)
	if from == nil {
		return nil
	}
	at := slices.IndexFunc(from.Constraints, func(con *catalog.Constraint) bool {
		return con.Kind == catalog.ForeignKey && con.Ref == s.head.OID && slices.Equal(con.Columns, ref.Con.Columns)
	})
	if at < 0 {
		return nil
	}
	return from.Constraints[at]
}

// remains reports whether a foreign key is the same at the head.
func (s *shadow) remains(ref catalog.Reference) bool {
	from := s.release.head.Relation(ref.From.OID)
	return from != nil && keeps(from, ref.Con)
}

func deferral(con *catalog.Constraint) string {
	switch {
	case con.InitiallyDeferred:
		return " DEFERRABLE INITIALLY DEFERRED"
	case con.Deferrable:
		return " DEFERRABLE INITIALLY IMMEDIATE"
	}
	return " NOT DEFERRABLE"
}

// exchange gives indexes their names and sequences their owners, and lets the table's own triggers run
// once: those that the table at the head has are the shadow's from the swap on.
func (s *shadow) exchange() {
	r, t, old := s.release, s.t, s.under(s.aside)
	rename := func(was, now string) {
		s.swap = append(s.swap, "ALTER INDEX "+inSchema(t, was)+" RENAME TO "+quote(now))
		s.back = append([]string{"ALTER INDEX " + inSchema(t, now) + " RENAME TO " + quote(was)}, s.back...)
	}
	finals := map[string]bool{}
	for i, x := range r.head.IndexesOf(s.head) {
		if i < len(s.indexes) && s.indexes[i].Name != x.Name {
			finals[x.Name.Name] = true
		}
	}
	for _, x := range r.Deployed.IndexesOf(t) {
		now := r.head.Relation(x.OID)
		switch {
		case s.stays && now != nil && now.Name != x.Name:
			rename(x.Name.Name, now.Name.Name)
		case finals[x.Name.Name]:
			rename(x.Name.Name, r.unique(x.Name.Name, "was", ""))
		}
	}
	for i, x := range r.head.IndexesOf(s.head) {
		if i < len(s.indexes) && s.indexes[i].Name != x.Name {
			rename(s.indexes[i].Name.Name, x.Name.Name)
		}
	}
	for _, col := range s.head.Columns {
		s.sequence(col)
	}
	for _, tr := range t.Triggers {
		if tr.Enabled && s.phase == onward.Backfill {
			s.swap = append(s.swap, "ALTER TABLE "+name(old)+" DISABLE TRIGGER "+quote(tr.Name))
			on := "ALTER TABLE " + name(old) + " ENABLE TRIGGER " + quote(tr.Name)
			s.back = append([]string{on}, s.back...)
			if s.stays {
				s.gone = append(s.gone, on)
			}
		}
	}
	for _, c := range s.changes {
		if c.Node.GetCreateTrigStmt() != nil {
			s.swap = append(s.swap, c.SQL)
			s.back = append([]string{"DROP TRIGGER IF EXISTS " + quote(c.Node.GetCreateTrigStmt().Trigname) + " ON " + name(t)}, s.back...)
		}
	}
}

// sequence gives a column what fills it: the table's sequence gets another owner, an identity one that
// goes on where the table's is.
func (s *shadow) sequence(col *catalog.Column) {
	r, t := s.release, s.t
	seq, was := r.head.Relation(col.Sequence), t.Column(col.Name)
	if seq == nil || seq.Seq == nil {
		return
	}
	if col.Identity == "" {
		if was == nil || was.Sequence != col.Sequence {
			s.not("what fills %s of %s is another sequence than the deployed one: the one that is there is to be taken over (DEFAULT nextval, OWNED BY), so that it goes on", col.Name, t.Name)
			return
		}
		s.swap = append(s.swap, "ALTER SEQUENCE "+name(seq)+" OWNED BY "+name(t)+"."+quote(col.Name))
		s.back = append([]string{"ALTER SEQUENCE " + name(seq) + " OWNED BY " + name(s.under(s.aside)) + "." + quote(col.Name)}, s.back...)
		return
	}
	alter := "ALTER TABLE " + name(t) + " ALTER COLUMN " + quote(col.Name) + " "
	add := alter + "ADD GENERATED " + strings.ToUpper(col.Identity) + " AS IDENTITY (" + strings.Join(append([]string{"SEQUENCE NAME " + name(seq)}, seq.Seq.Options...), " ") + ")"
	base := (*catalog.Relation)(nil)
	if was != nil {
		base = r.Deployed.Relation(was.Sequence)
	}
	if base == nil {
		s.swap, s.back = append(s.swap, add), append([]string{alter + "DROP IDENTITY"}, s.back...)
		return
	}
	goes := base
	if base.Name == seq.Name {
		aside := *base
		aside.Name.Name = r.unique(base.Name.Name, "was", "")
		goes = &aside
		s.swap = append(s.swap, "ALTER SEQUENCE "+name(base)+" RENAME TO "+quote(goes.Name.Name))
		s.back = append([]string{"ALTER SEQUENCE " + name(goes) + " RENAME TO " + quote(base.Name.Name)}, s.back...)
	}
	on := func(to, from *catalog.Relation) string {
		return "SELECT setval(" + pgparse.QuoteLiteral(name(to)) + ", last_value, is_called) FROM " + name(from)
	}
	s.swap = append(s.swap, add, on(seq, goes))
	s.back = append([]string{on(goes, seq), alter + "DROP IDENTITY"}, s.back...)
	if seq.OID != base.OID {
		r.Filled[seq.Name.Qualified()] = true // the release has it begin anew
	}
}
