package recipe

import (
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/onward"
)

// owns reports whether a twin is the last of those that an object is about: it makes the object's
// like, when all of them are there.
func (w *twin) owns(about []place) bool {
	is := false
	for _, at := range about {
		o := w.c.Release.courses[at]
		if o == nil || o.twin == nil {
			continue
		}
		is = is || o == w.course
		if slices.Index(w.c.Release.order, o) > slices.Index(w.c.Release.order, w.course) {
			return false
		}
	}
	return is
}

// likeness is the name of an object's like, until the object is gone: its own, where the base has
// no other one of that name.
func (w *twin) likeness(own string, taken bool) string {
	if !taken {
		return own
	}
	return w.c.Release.unique(own, "onward", "")
}

// phase is when the like of an object is made: behind the backfill, and one that the release brings
// when the deployed code is gone, where that would break it.
func (w *twin) phase(id catalog.OID) onward.PlanPhase {
	for _, c := range w.c.Release.changes {
		if c.breaks() && c.makes(id) {
			return onward.Contract
		}
	}
	return onward.Backfill
}

// makes reports whether a change brings an index or a constraint.
func (c *Change) makes(id catalog.OID) bool {
	t := c.table()
	if t == nil || c.Node.GetIndexStmt() == nil && c.subtype() != pgparse.AlterTableType_AT_AddConstraint {
		return false
	}
	if x := c.builtOn(t); x != nil && x.OID == id {
		return true
	}
	con := c.constraint()
	return con != nil && con.ID == id
}

// copies gives the new column the indexes and conditions that the one at the head has.
func (w *twin) copies(m *Made) {
	t, r := w.head, w.c.Release
	alter := "ALTER TABLE " + name(w.t) + " "
	for _, x := range r.head.IndexesOf(t) {
		if !w.owns(r.ofIndex(x)) {
			continue
		}
		body, ok := r.indexOf(t, x)
		if !ok {
			m.missing("index %s names %s in a way that is not followed: its twin on %s is to be built by hand", x.Name.Name, w.old.Name, w.fresh)
			continue
		}
		con := t.Constraint(x.Index.Constraint)
		id := x.OID
		if con != nil {
			id = con.ID
		}
		if con != nil && con.Kind == catalog.Exclude {
			m.missing("exclusion constraint %s has %s: it is to be made anew by hand", con.Name, w.old.Name)
			continue
		}
		own := w.likeness(x.Name.Name, r.Deployed.Lookup(x.Name.Schema, x.Name.Name) != nil)
		m.indexed(w.t, own, body, x.Index.Unique, w.phase(id))
		switch {
		case con == nil && own != x.Name.Name:
			w.finishes = append(w.finishes, "ALTER INDEX "+inSchema(w.t, own)+" RENAME TO "+quote(x.Name.Name))
		case con != nil:
			w.finishes = append(w.finishes, alter+"ADD CONSTRAINT "+quote(con.Name)+" "+usingIndex(con, own))
		}
		if x.Index.Clustered {
			w.finishes = append(w.finishes, alter+"CLUSTER ON "+quote(x.Name.Name))
		}
		if t.ReplicaIdentity == "index "+x.Name.Name {
			w.finishes = append(w.finishes, alter+"REPLICA IDENTITY USING INDEX "+quote(x.Name.Name))
		}
		if x.Comment != "" {
			w.finishes = append(w.finishes, "COMMENT ON INDEX "+inSchema(w.t, x.Name.Name)+" IS "+pgparse.QuoteLiteral(x.Comment))
		}
	}
	w.conditions(m)
}

// conditions gives the new column the foreign keys and checks of the one at the head.
func (w *twin) conditions(m *Made) {
	t, r := w.head, w.c.Release
	base := r.Deployed.Relation(t.OID)
	for _, con := range t.Constraints {
		if con.Kind != catalog.ForeignKey && con.Kind != catalog.Check || !w.owns(ofConstraint(t, con)) {
			continue
		}
		var definition string
		switch con.Kind {
		case catalog.ForeignKey:
			ref := r.head.Relation(con.Ref)
			if ref == nil {
				m.missing("what foreign key %s refers to is not known", con.Name)
				continue
			}
			definition = foreignKey(r.twinned(t), r.twinned(ref), con)
			if base := r.Deployed.Relation(con.Ref); base != nil && base.Name != ref.Name {
				m.missing("foreign key %s refers to a table that gets another name in the same release", con.Name)
			}
		default:
			text, ok := r.renamed(t, con.ExprText, con.Columns)
			if !ok {
				m.missing("constraint %s names %s in a way that is not followed", con.Name, w.old.Name)
				continue
			}
			definition = check(text, con)
		}
		w.like(m, w.t, con, definition, base != nil && base.Constraint(con.Name) != nil)
	}
}

// like makes the like of a constraint.
func (w *twin) like(m *Made, t *catalog.Relation, con *catalog.Constraint, definition string, taken bool) {
	own := w.likeness(con.Name, taken)
	m.validated(t, own, definition, w.phase(con.ID))
	if !con.Valid {
		m.Steps = m.Steps[:len(m.Steps)-1]
	}
	if own != con.Name {
		w.finishes = append(w.finishes, "ALTER TABLE "+name(t)+" RENAME CONSTRAINT "+quote(own)+" TO "+quote(con.Name))
	}
}

// references makes a second foreign key, to the new column, of each one to the old column.
func (w *twin) references(m *Made) {
	r, t := w.c.Release, w.head
	done := map[catalog.OID]bool{}
	for _, oid := range slices.Concat(w.t.ReferencedBy, t.ReferencedBy) {
		other, base := r.head.Relation(oid), r.Deployed.Relation(oid)
		if done[oid] {
			continue
		}
		done[oid] = true
		if base != nil {
			for _, con := range base.Constraints {
				if con.Kind == catalog.ForeignKey && con.Ref == t.OID && !con.Parent && slices.Contains(con.RefColumns, w.old.Attnum) {
					w.before = append(w.before, "ALTER TABLE "+name(base)+" DROP CONSTRAINT IF EXISTS "+quote(con.Name))
					w.referring = append(w.referring, base)
				}
			}
		}
		if other == nil || oid == t.OID { // those of the table itself are among its conditions
			continue
		}
		for _, con := range other.Constraints {
			if con.Kind != catalog.ForeignKey || con.Parent || !w.owns(ofConstraint(other, con)) {
				continue
			}
			if other.Kind != catalog.Table || base == nil {
				m.missing("foreign key %s of %s refers to %s, and is not taken along", con.Name, other.Name, w.old.Name)
				continue
			}
			w.like(m, base, con, foreignKey(r.twinned(other), r.twinned(t), con), base.Constraint(con.Name) != nil)
		}
	}
}

// twinned is a table at the head with the new columns in the place of the old ones, as it is in the
// background and later.
func (r *Release) twinned(t *catalog.Relation) *catalog.Relation {
	out := *t
	out.Columns = slices.Clone(t.Columns)
	for i, col := range out.Columns {
		if is := r.courses[place{t.OID, col.Attnum}]; is != nil && is.twin != nil {
			twin := *col
			twin.Name = is.twin.fresh
			out.Columns[i] = &twin
		}
	}
	return &out
}

// renamed is an expression of a table at the head, with the new columns in the place of the old ones.
func (r *Release) renamed(t *catalog.Relation, text string, columns []int16) (string, bool) {
	for _, n := range columns {
		is := r.courses[place{t.OID, n}]
		if is == nil || is.twin == nil || is.twin.fresh == is.now.Name {
			continue
		}
		said, ok := substituted(text, is.now.Name, is.twin.fresh)
		if !ok {
			return "", false
		}
		text = said
	}
	return text, true
}

// indexOf is what the like of an index is of, from USING on.
func (r *Release) indexOf(t, relation *catalog.Relation) (body string, ok bool) {
	x := relation.Index
	like := *x
	like.Keys = slices.Clone(x.Keys)
	for i := range like.Keys {
		k := &like.Keys[i]
		if k.Column != 0 {
			continue
		}
		if k.ExprText, ok = r.renamed(t, k.ExprText, k.Columns); !ok {
			return "", false
		}
	}
	if like.PredicateText, ok = r.renamed(t, like.PredicateText, x.PredicateColumns); !ok {
		return "", false
	}
	return indexBody(r.twinned(t), &like, relation), true
}

// check is the text of one with a condition.
func check(condition string, con *catalog.Constraint) string {
	out := "CHECK (" + condition + ")"
	if con.NoInherit {
		out += " NO INHERIT"
	}
	return out
}

// foreignKey is the text of one.
func foreignKey(t, ref *catalog.Relation, con *catalog.Constraint) string {
	list := func(names []string) string {
		for i := range names {
			names[i] = quote(names[i])
		}
		return "(" + strings.Join(names, ", ") + ")"
	}
	out := "FOREIGN KEY " + list(t.ColumnNames(con.Columns)) + " REFERENCES " + name(ref) + " " + list(ref.ColumnNames(con.RefColumns))
	if con.OnUpdate != "" {
		out += " ON UPDATE " + strings.ToUpper(con.OnUpdate)
	}
	if con.OnDelete != "" {
		out += " ON DELETE " + strings.ToUpper(con.OnDelete)
	}
	if con.Deferrable {
		out += " DEFERRABLE"
		if con.InitiallyDeferred {
			out += " INITIALLY DEFERRED"
		}
	}
	return out
}
