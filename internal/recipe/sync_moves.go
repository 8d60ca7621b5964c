package recipe

import (
	"strings"

	"github.com/onward-sql/onward/internal/pgparse"
)

// sequence gives the new column what fills the old one. A serial column's sequence gets another
// owner, so that it does not go with the old column. An identity's cannot: the new column has one of
// the same name that goes on where the other one ends.
// https://www.postgresql.org/docs/current/sql-altersequence.html
func (w *twin) sequence(m *Made) {
	if w.old.Sequence == 0 {
		return
	}
	seq := w.c.Release.Deployed.Relation(w.old.Sequence)
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
		"ALTER TABLE "+name(w.t)+" ALTER COLUMN "+quote(w.fresh)+" ADD GENERATED "+strings.ToUpper(w.old.Identity)+" AS IDENTITY ("+strings.Join(append([]string{"SEQUENCE NAME " + name(seq)}, seq.Seq.Options...), " ")+")",
		"SELECT setval("+pgparse.QuoteLiteral(name(seq))+", last_value, is_called) FROM "+inSchema(seq, aside))
	for _, g := range seq.Grants {
		w.before = append(w.before, "GRANT "+g.Privilege+" ON SEQUENCE "+name(seq)+" TO "+role(g.Role))
	}
	m.note("sequence %s is made anew with its options, and goes on where it was", seq.Name)
}
