package recipe

import (
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/acl"
	"github.com/onward-sql/onward/internal/analysis"
	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/onward"
)

// copyIndexes gives the shadow the indexes that the table has at the head, with the constraints that use them.
// Their names are temporary until the swap.
func (s *shadowTable) copyIndexes() {
	r, shadow := s.release, s.withName(s.shadowName)
	alter := "ALTER TABLE " + tableName(shadow) + " ADD CONSTRAINT "
	for _, x := range r.head.IndexesOf(s.head) {
		if x.Index == nil {
			continue
		}
		like := *x
		if r.Deployed.Lookup(x.Name.Schema, x.Name.Name) != nil && !s.attaches {
			like.Name.Name = r.uniqueName(x.Name.Name, "onward", "")
		}
		s.indexes = append(s.indexes, &like)
		indexName, body := quoteIdent(like.Name.Name), indexBody(s.head, x.Index, x)
		con := s.head.Constraint(x.Index.Constraint)
		switch {
		case con == nil && x.Index.Unique:
			s.createSQL = append(s.createSQL, "CREATE UNIQUE INDEX "+indexName+" ON "+tableName(shadow)+" "+body)
		case con == nil:
			s.createSQL = append(s.createSQL, "CREATE INDEX "+indexName+" ON "+tableName(shadow)+" "+body)
		case con.Kind == catalog.Exclude || con.WithoutOverlaps:
			s.addObstacle("%s %s of %s is not copied", con.Kind, con.Name, s.t.Name)
		default:
			s.createSQL = append(s.createSQL, alter+indexName+" "+keyText(s.head, con, x))
		}
		if x.Comment != "" {
			s.createSQL = append(s.createSQL, "COMMENT ON INDEX "+qualifyInSchema(s.t, like.Name.Name)+" IS "+pgparse.QuoteLiteral(x.Comment))
		}
		if x.Index.Clustered {
			s.createSQL = append(s.createSQL, "ALTER TABLE "+tableName(shadow)+" CLUSTER ON "+indexName)
		}
	}
}

// keyText returns the definition of a unique constraint or a primary key, with the storage options of its index.
func keyText(t *catalog.Relation, con *catalog.Constraint, index *catalog.Relation) string {
	x := index.Index
	out := "UNIQUE"
	switch {
	case con.Kind == catalog.PrimaryKey:
		out = "PRIMARY KEY"
	case x.NullsNotDistinct:
		out += " NULLS NOT DISTINCT"
	}
	out += " (" + analysis.QuoteIdents(t.ColumnNames(con.Columns)) + ")"
	if len(x.Include) > 0 {
		out += " INCLUDE (" + analysis.QuoteIdents(t.ColumnNames(x.Include)) + ")"
	}
	out += strings.Replace(indexStorageText(index), " TABLESPACE ", " USING INDEX TABLESPACE ", 1)
	if con.Deferrable {
		out += " DEFERRABLE"
		if con.InitiallyDeferred {
			out += " INITIALLY DEFERRED"
		}
	}
	return out
}

// copyForeignKeys gives the shadow the table's foreign keys at the head, and the checks that the release adds to an
// existing table. The shadow is empty, so no rows are read.
func (s *shadowTable) copyForeignKeys() {
	alter := "ALTER TABLE " + tableName(s.withName(s.shadowName)) + " ADD CONSTRAINT "
	for _, con := range s.head.Constraints {
		definition := ""
		switch {
		case con.Kind == catalog.Check && s.inPlace && !s.release.isDeployedConstraint(s.t, con):
			definition = checkDefinition(con.ExprText, con)
		case s.isLateReference(con):
		case con.Kind == catalog.ForeignKey && con.Ref == s.head.OID:
			s.addObstacle("foreign key %s of %s refers to %[2]s itself: rows would come before those that they refer to", con.Name, s.t.Name)
		case con.Kind == catalog.ForeignKey:
			ref := s.release.head.Relation(con.Ref)
			base := s.release.Deployed.Relation(con.Ref)
			if ref == nil || base == nil || ref.Name != base.Name {
				s.addObstacle("what foreign key %s of %s refers to is not there from the first step on", con.Name, s.t.Name)
				continue
			}
			definition = foreignKey(s.head, ref, con)
		}
		if definition == "" {
			continue
		}
		if !con.Valid || !con.Enforced {
			s.addObstacle("constraint %s of %s is not valid, or not enforced: on a new table it would be", con.Name, s.t.Name)
		}
		s.createSQL = append(s.createSQL, alter+quoteIdent(con.Name)+" "+definition)
	}
}

// copyPrivileges gives the shadow the table's owner and privileges.
func (s *shadowTable) copyPrivileges() {
	shadow := s.withName(s.shadowName)
	if s.head.Owner != "" {
		s.createSQL = append(s.createSQL, "ALTER TABLE "+tableName(shadow)+" OWNER TO "+quoteIdent(s.head.Owner))
	}
	for _, g := range s.release.listGrants(s.head) {
		s.createSQL = append(s.createSQL, "GRANT "+formatPrivilege(g)+" ON "+tableName(shadow)+" TO "+quoteRole(g.Role))
	}
	s.createSQL = append(s.createSQL, s.livePrivilegeStatements(s.t, shadow)...)
	for _, col := range s.head.Columns {
		s.createSQL = append(s.createSQL, setStatistics("ALTER TABLE "+tableName(shadow)+" ", col.Name, col)...)
	}
	switch s.head.ReplicaIdentity {
	case "", "default":
	case "full", "nothing":
		s.createSQL = append(s.createSQL, "ALTER TABLE "+tableName(shadow)+" REPLICA IDENTITY "+strings.ToUpper(s.head.ReplicaIdentity))
	default:
		s.addObstacle("%s has a replica identity of its own (%s)", s.t.Name, s.head.ReplicaIdentity)
	}
	if s.head.Comment != "" {
		s.createSQL = append(s.createSQL, "COMMENT ON TABLE "+tableName(shadow)+" IS "+pgparse.QuoteLiteral(s.head.Comment))
	}
}

// livePrivilegeStatements returns the statement that gives the shadow the privileges which the table has in the database; none if the release changes them.
func (s *shadowTable) livePrivilegeStatements(t, shadow *catalog.Relation) []string {
	if len(differingGrants(s.t.Grants, s.head.Grants)) > 0 {
		return nil
	}
	return []string{acl.SetLike(acl.Relation, quoteQualified(shadow.Name), quoteQualified(t.Name))}
}

// moveReferences adds a second foreign key, to the shadow, for each foreign key to the table. The action of one
// on a row reaches the other when the trigger has run. Until the end, both are checked at COMMIT.
func (s *shadowTable) moveReferences(m *Steps) {
	r := s.release
	to := *s.head
	to.Name = s.withName(s.shadowName).Name
	movedIDs := map[catalog.OID]bool{}
	for _, ref := range r.Deployed.ListReferences(s.t, false) {
		if ref.From.OID == s.t.OID || ref.Con.Parent {
			continue
		}
		alter := "ALTER TABLE " + tableName(ref.From) + " "
		now := s.headForeignKey(ref)
		if now == nil && s.keepsTable && s.isUnchanged(ref) {
			m.addNote("foreign key %s of %s goes on with %s, as the release leaves it", ref.Con.Name, ref.From.Name, s.oldName)
			continue
		}
		if now == nil {
			s.dropSQL = append(s.dropSQL, alter+"DROP CONSTRAINT IF EXISTS "+quoteIdent(ref.Con.Name))
			continue
		}
		movedIDs[now.ID] = true
		tempName := r.uniqueName(now.Name, "onward", "")
		deferred := *now
		deferred.Deferrable, deferred.InitiallyDeferred = true, true
		m.addConstraintSteps(ref.From, tempName, foreignKey(ref.From, &to, &deferred), onward.Backfill)
		retiredName := r.uniqueName(ref.Con.Name, "was", "")
		s.swap = append(s.swap, alter+"RENAME CONSTRAINT "+quoteIdent(ref.Con.Name)+" TO "+
			quoteIdent(retiredName), alter+"RENAME CONSTRAINT "+quoteIdent(tempName)+" TO "+quoteIdent(now.Name),
			alter+"ALTER CONSTRAINT "+quoteIdent(retiredName)+" DEFERRABLE INITIALLY DEFERRED", alter+"ALTER CONSTRAINT "+quoteIdent(now.Name)+formatDeferrable(now))
		s.undoSwap = append(s.undoSwap, alter+"RENAME CONSTRAINT "+quoteIdent(now.Name)+" TO "+
			quoteIdent(tempName), alter+"RENAME CONSTRAINT "+quoteIdent(retiredName)+" TO "+quoteIdent(ref.Con.Name),
			alter+"ALTER CONSTRAINT "+quoteIdent(tempName)+" DEFERRABLE INITIALLY DEFERRED",
			alter+"ALTER CONSTRAINT "+quoteIdent(ref.Con.Name)+formatDeferrable(ref.Con))
		s.dropSQL = append(s.dropSQL, alter+"DROP CONSTRAINT IF EXISTS "+quoteIdent(retiredName))
		for _, o := range r.shadows {
			if o.inPlace && o.t.OID == ref.From.OID { // it is exchanged, too, and the old table has the constraint
				s.dropSQL = append(s.dropSQL, "ALTER TABLE IF EXISTS "+tableName(o.withName(o.oldName))+" DROP CONSTRAINT IF EXISTS "+quoteIdent(retiredName))
			}
		}
	}
	for _, con := range s.head.Constraints {
		if s.isLateReference(con) {
			s.addLateReference(m, &to, con)
		}
	}
	for _, ref := range r.head.ListReferences(s.head, false) { // foreign keys that the release adds
		if ref.From.OID != s.head.OID && !ref.Con.Parent && !movedIDs[ref.Con.ID] {
			m.addConstraintSteps(ref.From, ref.Con.Name, foreignKey(ref.From, &to, ref.Con), s.phase)
		}
	}
	if s.phase == onward.Contract { // rows written since then are not in the table
		s.swap, s.dropSQL = append(s.swap, s.dropSQL...), nil
	}
}

// isLateReference reports whether a constraint is a deployed foreign key that the shadow gets when it has all rows. One to the table itself: before that,
// rows would come before those that they refer to. One to a table that is exchanged before: it refers to the new one.
func (s *shadowTable) isLateReference(con *catalog.Constraint) bool {
	return con.Kind == catalog.ForeignKey && con.Valid && con.Enforced && s.head.Kind == catalog.Table && s.t.Kind == catalog.Table &&
		s.release.isDeployedConstraint(s.t, con) && (con.Ref == s.head.OID || s.release.exchangesBefore(con.Ref, s))
}

// exchangesBefore reports whether a shadow of a table is exchanged before another one.
func (r *Release) exchangesBefore(table catalog.OID, s *shadowTable) bool {
	return slices.ContainsFunc(r.shadows, func(o *shadowTable) bool {
		return o.inPlace && o.t.OID == table && slices.Index(r.changes, o.c) < slices.Index(r.changes, s.c)
	})
}

// addLateReference adds such a foreign key to the shadow. It is checked at COMMIT up to the exchange, and a table's own foreign key that follows the
// other's writes is after it, too: a trigger copies the rows of a statement one by one.
func (s *shadowTable) addLateReference(m *Steps, shadow *catalog.Relation, con *catalog.Constraint) {
	ref := shadow
	if con.Ref != s.head.OID {
		ref = s.release.head.Relation(con.Ref)
	}
	late := *con
	late.Deferrable, late.InitiallyDeferred = true, true
	m.addConstraintSteps(shadow, con.Name, foreignKey(s.head, ref, &late), onward.Backfill)
	alter := func(r *catalog.Relation, conName string, like *catalog.Constraint) string {
		return "ALTER TABLE " + tableName(r) + " ALTER CONSTRAINT " + quoteIdent(conName) + formatDeferrable(like)
	}
	s.swap, s.undoSwap = append(s.swap, alter(s.t, con.Name, con)), append(s.undoSwap, alter(s.t, con.Name, &late))
	if con.Ref == s.head.OID {
		deployed := s.t.Constraints[slices.IndexFunc(s.t.Constraints, func(o *catalog.Constraint) bool { return o.ID == con.ID })]
		old := s.withName(s.oldName)
		s.swap, s.undoSwap = append(s.swap, alter(old, deployed.Name, &late)), append(s.undoSwap, alter(old, deployed.Name, deployed))
	}
}

// headForeignKey returns a foreign key to the table as it is at the head; nil if the release drops it.
func (s *shadowTable) headForeignKey(ref catalog.Reference) *catalog.Constraint {
	from := s.release.head.Relation(ref.From.OID)
	if from == nil {
		return nil
	}
	index := slices.IndexFunc(from.Constraints, func(con *catalog.Constraint) bool {
		return con.Kind == catalog.ForeignKey && con.Ref == s.head.OID && slices.Equal(con.Columns, ref.Con.Columns)
	})
	if index < 0 {
		return nil
	}
	return from.Constraints[index]
}

// isUnchanged reports whether a foreign key is unchanged at the head.
func (s *shadowTable) isUnchanged(ref catalog.Reference) bool {
	from := s.release.head.Relation(ref.From.OID)
	return from != nil && hasConstraint(from, ref.Con)
}

func formatDeferrable(con *catalog.Constraint) string {
	switch {
	case con.InitiallyDeferred:
		return " DEFERRABLE INITIALLY DEFERRED"
	case con.Deferrable:
		return " DEFERRABLE INITIALLY IMMEDIATE"
	}
	return " NOT DEFERRABLE"
}

// prepareSwap renames indexes and moves sequences in the swap. It also makes the table's own triggers run only
// once: from the swap on, triggers that exist at the head belong to the shadow.
func (s *shadowTable) prepareSwap() {
	r, t, old := s.release, s.t, s.withName(s.oldName)
	rename := func(oldName, now string) {
		s.swap = append(s.swap, "ALTER INDEX "+qualifyInSchema(t, oldName)+" RENAME TO "+quoteIdent(now))
		s.undoSwap = append([]string{"ALTER INDEX " + qualifyInSchema(t, now) + " RENAME TO " + quoteIdent(oldName)}, s.undoSwap...)
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
		case s.keepsTable && now != nil && now.Name != x.Name:
			rename(x.Name.Name, now.Name.Name)
		case finals[x.Name.Name]:
			rename(x.Name.Name, r.uniqueName(x.Name.Name, "was", ""))
		}
	}
	for i, x := range r.head.IndexesOf(s.head) {
		if i < len(s.indexes) && s.indexes[i].Name != x.Name {
			rename(s.indexes[i].Name.Name, x.Name.Name)
		}
	}
	for _, col := range s.head.Columns {
		s.moveSequence(col)
	}
	for _, tr := range t.Triggers {
		if tr.Enabled && s.phase == onward.Backfill {
			s.swap = append(s.swap, "ALTER TABLE "+tableName(old)+" DISABLE TRIGGER "+quoteIdent(tr.Name))
			enable := "ALTER TABLE " + tableName(old) + " ENABLE TRIGGER " + quoteIdent(tr.Name)
			s.undoSwap = append([]string{enable}, s.undoSwap...)
			if s.keepsTable {
				s.dropSQL = append(s.dropSQL, enable)
			}
		}
	}
	for _, c := range s.changes {
		if c.Node.GetCreateTrigStmt() != nil {
			s.swap = append(s.swap, c.SQL)
			s.undoSwap = append([]string{"DROP TRIGGER IF EXISTS " + quoteIdent(c.Node.GetCreateTrigStmt().Trigname) + " ON " + tableName(t)}, s.undoSwap...)
		}
	}
}

// moveSequence gives a column its source of values: the table's sequence gets a new owner, and an identity column
// gets a sequence that continues at the table's value.
func (s *shadowTable) moveSequence(col *catalog.Column) {
	r, t := s.release, s.t
	seq, oldColumn := r.head.Relation(col.Sequence), t.Column(col.Name)
	if seq == nil || seq.Seq == nil {
		return
	}
	if col.Identity == "" {
		if oldColumn == nil || oldColumn.Sequence != col.Sequence {
			s.addObstacle("another sequence than the deployed one fills %s of %s: use the existing one (DEFAULT nextval, OWNED BY), so that its numbers continue",
				col.Name, t.Name)
			return
		}
		s.swap = append(s.swap, "ALTER SEQUENCE "+tableName(seq)+" OWNED BY "+tableName(t)+"."+quoteIdent(col.Name))
		s.undoSwap = append([]string{"ALTER SEQUENCE " + tableName(seq) + " OWNED BY " + tableName(s.withName(s.oldName)) + "." + quoteIdent(col.Name)},
			s.undoSwap...)
		return
	}
	alter := "ALTER TABLE " + tableName(t) + " ALTER COLUMN " + quoteIdent(col.Name) + " "
	add := alter + "ADD GENERATED " + strings.ToUpper(col.Identity) + " AS IDENTITY (" +
		strings.Join(append([]string{"SEQUENCE NAME " + tableName(seq)}, seq.Seq.Options...), " ") + ")"
	base := (*catalog.Relation)(nil)
	if oldColumn != nil {
		base = r.Deployed.Relation(oldColumn.Sequence)
	}
	if base == nil {
		s.swap, s.undoSwap = append(s.swap, add), append([]string{alter + "DROP IDENTITY"}, s.undoSwap...)
		return
	}
	goes := base
	if base.Name == seq.Name {
		aside := *base
		aside.Name.Name = r.uniqueName(base.Name.Name, "was", "")
		goes = &aside
		s.swap = append(s.swap, "ALTER SEQUENCE "+tableName(base)+" RENAME TO "+quoteIdent(goes.Name.Name))
		s.undoSwap = append([]string{"ALTER SEQUENCE " + tableName(goes) + " RENAME TO " + quoteIdent(base.Name.Name)}, s.undoSwap...)
	}
	copyValue := func(to, from *catalog.Relation) string {
		return "SELECT setval(" + pgparse.QuoteLiteral(tableName(to)) + ", last_value, is_called) FROM " + tableName(from)
	}
	s.swap = append(s.swap, add, copyValue(seq, goes))
	s.undoSwap = append([]string{copyValue(goes, seq), alter + "DROP IDENTITY"}, s.undoSwap...)
	if seq.OID != base.OID {
		r.Filled[seq.Name.Qualified()] = true // the release restarts it
	}
}
