package recipe

import (
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/onward"
)

// sequence gives the new column what fills the old one. A serial column's sequence gets another
// owner, so that it does not go with the old column. An identity's cannot: the new column has one of
// the same name that goes on where the other one ends.
// https://www.postgresql.org/docs/current/sql-altersequence.html
func (w *twin) sequence(m *Made) {
	if w.old.Sequence == 0 {
		return
	}
	seq := w.c.Before.Relation(w.old.Sequence)
	if seq == nil || seq.Seq == nil {
		m.missing("the sequence of %s is not known", w.old.Name)
		return
	}
	if w.old.Identity == "" {
		w.before = append(w.before, "ALTER SEQUENCE "+name(seq)+" OWNED BY "+name(w.t)+"."+quote(w.fresh))
		if seq.Seq.Type != "int8" {
			m.note("sequence %s keeps its type, as it does with the migration: ALTER SEQUENCE … AS bigint is needed before it ends", seq.Name)
		}
		return
	}
	aside := w.c.Release.unique(seq.Name.Name, "onward", "")
	w.before = append(w.before,
		"ALTER SEQUENCE "+name(seq)+" RENAME TO "+quote(aside),
		"ALTER TABLE "+name(w.t)+" ALTER COLUMN "+quote(w.fresh)+" ADD GENERATED "+strings.ToUpper(w.old.Identity)+" AS IDENTITY (SEQUENCE NAME "+name(seq)+")",
		"SELECT setval("+literal(name(seq))+", last_value, is_called) FROM "+inSchema(seq, aside))
	for _, g := range seq.Grants {
		w.before = append(w.before, "GRANT "+g.Privilege+" ON SEQUENCE "+name(seq)+" TO "+role(g.Role))
	}
	if seq.Seq.Moved {
		m.missing("sequence %s does not begin at 1, or was altered: the options of the new one (START, INCREMENT, CACHE, CYCLE) are to be given by hand", seq.Name)
	}
	m.note("sequence %s is made anew, and goes on where it was: START, INCREMENT, CACHE and CYCLE are the default ones", seq.Name)
}

// references makes a second foreign key, to the new column, of each one to the old column.
func (w *twin) references(m *Made) {
	c, t := w.c, w.t
	renamed := c.Release.twinned(t)
	done := map[catalog.OID]bool{}
	for _, oid := range t.ReferencedBy {
		other := c.Before.Relation(oid)
		if other == nil || done[oid] {
			continue
		}
		done[oid] = true
		for _, con := range other.Constraints {
			if con.Ref != t.OID || con.Kind != catalog.ForeignKey || con.Parent || !slices.Contains(con.RefColumns, w.old.Attnum) {
				continue
			}
			if other.Kind != catalog.Table || slices.Contains(con.Columns, w.old.Attnum) && oid == t.OID {
				m.missing("foreign key %s of %s refers to %s, and is not taken along", con.Name, other.Name, w.old.Name)
				continue
			}
			own := c.Release.unique(con.Name, "onward", "")
			m.validated(other, own, foreignKey(c.Release.twinned(other), renamed, con), onward.Backfill)
			alter := "ALTER TABLE " + name(other)
			w.before = append(w.before, alter+" DROP CONSTRAINT "+quote(con.Name))
			w.finishes = append(w.finishes, alter+" RENAME CONSTRAINT "+quote(own)+" TO "+quote(con.Name))
		}
	}
}

// twinned is a table with the new columns in the place of the old ones, as it is in the background
// and later.
func (r *Release) twinned(t *catalog.Relation) *catalog.Relation {
	out := *t
	out.Columns = slices.Clone(t.Columns)
	for i, col := range out.Columns {
		if fresh := r.twins[key(t, col.Name)]; fresh != "" {
			twin := *col
			twin.Name = fresh
			out.Columns[i] = &twin
		}
	}
	return &out
}
