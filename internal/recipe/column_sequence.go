package recipe

import (
	"strings"

	"github.com/onward-sql/onward/internal/pgparse"
)

// moveSequence gives the new column the old column's source of values. A serial column's sequence gets a
// new owner, so that it is not dropped with the old column. An identity's sequence cannot be moved:
// the new column gets one of the same name that continues its numbers.
// https://www.postgresql.org/docs/current/sql-altersequence.html
func (w *replacement) moveSequence(m *Steps) {
	if w.old.Sequence == 0 {
		return
	}
	seq := w.c.Release.Deployed.Relation(w.old.Sequence)
	if seq == nil || seq.Seq == nil {
		m.addMissing("the sequence of %s is not known", w.old.Name)
		return
	}
	if w.old.Identity == "" {
		w.beforeDrop = append(w.beforeDrop, "ALTER SEQUENCE "+tableName(seq)+" OWNED BY "+tableName(w.t)+"."+quoteIdent(w.newName))
		if seq.Seq.Type != "int8" {
			m.addNote("sequence %s keeps its type, as it does with the migration: ALTER SEQUENCE … AS bigint is needed before it ends", seq.Name)
		}
		return
	}
	aside := w.c.Release.uniqueName(seq.Name.Name, "onward", "")
	w.beforeDrop = append(w.beforeDrop,
		"ALTER SEQUENCE "+tableName(seq)+" RENAME TO "+quoteIdent(aside),
		"ALTER TABLE "+tableName(w.t)+" ALTER COLUMN "+quoteIdent(w.newName)+" ADD GENERATED "+strings.ToUpper(w.old.Identity)+" AS IDENTITY ("+
			strings.Join(append([]string{"SEQUENCE NAME " + tableName(seq)}, seq.Seq.Options...), " ")+")",
		"SELECT setval("+pgparse.QuoteLiteral(tableName(seq))+", last_value, is_called) FROM "+qualifyInSchema(seq, aside))
	for _, g := range seq.Grants {
		w.beforeDrop = append(w.beforeDrop, "GRANT "+g.Privilege+" ON SEQUENCE "+tableName(seq)+" TO "+quoteRole(g.Role))
	}
	m.addNote("sequence %s is created again with its options, and its numbers continue", seq.Name)
}
