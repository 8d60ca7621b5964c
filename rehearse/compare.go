package rehearse

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/pgserver/observe"
	"github.com/onward-sql/onward/internal/script"
	"github.com/onward-sql/onward/onward"
)

// predicted is what the model says of a statement, those inside it included.
type predicted struct {
	effects []onward.Effect
	// partial: it may do more than the model can read; optional: some of it may
	// not run.
	partial, optional bool
}

func (s *scene) predicted(st *script.Statement, nested int) predicted {
	var p predicted
	for i := st.Index; i < len(s.script.Statements) && i < len(s.statements); i++ {
		x := s.script.Statements[i]
		if i > st.Index && x.Parent < 0 {
			break
		}
		p.effects = append(p.effects, s.statements[i].Effects...)
		p.partial = p.partial || x.Opaque != "" || x.Err != nil || s.statements[i].Note != ""
		p.optional = p.optional || x.Conditional || x.Loop
	}
	// A function's body is not read by the model.
	if nested > 0 && st.Node.GetDoStmt() == nil {
		p.partial = true
	}
	return p
}

// side is what one of the two says of a relation.
type side struct {
	lock onward.Lock
	work onward.Work
}

func (s side) String() string {
	lock := s.lock.String()
	if lock == "" {
		lock = "no lock"
	}
	if s.work == onward.NoWork {
		return lock
	}
	return lock + ", " + s.work.String()
}

// sides are what the model says of each relation.
func (p predicted) sides() map[string]side {
	out := map[string]side{}
	for _, e := range p.effects {
		was := out[e.Relation]
		out[e.Relation] = side{max(was.lock, e.Lock), max(was.work, e.Work)}
	}
	return out
}

// compare holds what was seen of a statement in a transaction against the model.
// Locks are compared as they stand in the transaction: a stronger one that is
// held already hides a weaker one.
func (s *scene) compare(st *script.Statement, out *onward.RehearsedStatement, judged map[string]observe.Seen, oids map[string]uint32, before map[uint32]observe.Relation) {
	p := s.predicted(st, len(out.Nested))
	model := p.sides()
	for name, m := range model {
		if oid := oids[name]; oid != 0 {
			s.expected[oid] = max(s.expected[oid], m.lock)
		}
	}
	names := map[string]bool{}
	for name := range model {
		names[name] = true
	}
	for name := range judged {
		names[name] = true
	}
	dml := rowsOnly(st)
	for _, name := range slices.Sorted(maps.Keys(names)) {
		oid, j, m := oids[name], judged[name], model[name]
		if _, named := model[name]; !named && j.Lock <= s.tx.before[oid] && j.Work() == onward.NoWork {
			continue // held since an earlier statement
		}
		if oid == 0 || s.born[oid] || strings.HasPrefix(name, "pg_temp.") {
			continue
		}
		seen := side{j.Lock, j.Work()}
		want := side{max(s.expected[oid], s.tx.before[oid]), m.work}
		if dml && out.Rows == 0 {
			// No row, no trigger of a foreign key.
			want.lock = min(want.lock, max(seen.lock, s.tx.before[oid]))
		}
		if dml && s.tx.rewritten && seen.lock == onward.RowShareLock {
			// Rows that the transaction wrote itself, as a rewrite does, are looked up by
			// all their foreign keys when they change, whichever column does.
			want.lock = max(want.lock, seen.lock)
		}
		if p.optional || p.partial {
			// It may do less, and more, than the text shows: only what is
			// certain counts.
			if p.partial || seen.lock < want.lock {
				want.lock = seen.lock
			}
			if p.partial || seen.work < want.work {
				want.work = seen.work
			}
		}
		if want.work == onward.Scan && seen.work == onward.NoWork && (!isAbout(st, before[oid].Name) || checksKey(st)) {
			// The tables of a foreign key are read by their indexes, or whole, as
			// the planner likes.
			want.work = onward.NoWork
		}
		level(&seen, &want, j, before[oid], dml)
		if seen != want {
			s.differs(st, name, want, seen)
		}
	}
}

// checksKey reports whether an ALTER TABLE may check the rows of a foreign key: it
// adds one, or validates a constraint.
func checksKey(st *script.Statement) bool {
	for _, c := range st.Node.GetAlterTableStmt().GetCmds() {
		cmd := c.GetAlterTableCmd()
		if cmd.GetSubtype() == pgparse.AlterTableType_AT_ValidateConstraint || cmd.GetDef().GetConstraint().GetContype() == pgparse.ConstrType_CONSTR_FOREIGN {
			return true
		}
	}
	return false
}

// isAbout reports whether an ALTER TABLE is about a relation itself.
func isAbout(st *script.Statement, relation string) bool {
	a := st.Node.GetAlterTableStmt()
	if a == nil {
		return true
	}
	_, name, _ := strings.Cut(relation, ".")
	return a.GetRelation().GetRelname() == name
}

// level takes out what cannot be told apart or does not matter.
func level(seen, want *side, j observe.Seen, r observe.Relation, dml bool) {
	if index := j.Kind == "i" || j.Kind == "I" || r.Kind == "i" || r.Kind == "I"; index {
		seen.lock, want.lock = observe.OnIndex(seen.lock), observe.OnIndex(want.lock)
	}
	if want.lock == onward.NoLock && seen.lock == onward.AccessShareLock {
		seen.lock = onward.NoLock // read in passing
	}
	if dml && want.lock < onward.RowShareLock && seen.lock == onward.RowShareLock {
		// A row that the transaction wrote before has its foreign keys checked once more.
		seen.lock = want.lock
	}
	if dml {
		seen.work, want.work = onward.NoWork, onward.NoWork // how rows are found is the planner's choice
	}
	if r.Rows <= 0 {
		// Reading an empty table leaves no trace.
		if seen.work == onward.Scan {
			seen.work = onward.NoWork
		}
		if want.work == onward.Scan {
			want.work = onward.NoWork
		}
	}
}

// rowsOnly statements change or read rows.
func rowsOnly(st *script.Statement) bool {
	n := st.Node
	return n.GetInsertStmt() != nil || n.GetUpdateStmt() != nil || n.GetDeleteStmt() != nil || n.GetMergeStmt() != nil || n.GetSelectStmt() != nil ||
		n.GetCopyStmt() != nil || n.GetDoStmt() != nil || n.GetCallStmt() != nil
}

// compareAlone holds the samples of a statement that ran alone against the
// model. A lock that was not seen proves nothing; a stronger one than predicted
// does, and so does a new file.
func (s *scene) compareAlone(st *script.Statement, judged map[string]observe.Seen) {
	p := s.predicted(st, 0)
	if p.partial {
		return
	}
	model := p.sides()
	for _, name := range slices.Sorted(maps.Keys(judged)) {
		j, m := judged[name], model[name]
		if j.Created || strings.HasPrefix(name, "pg_temp.") || j.Kind == "i" || j.Kind == "I" {
			continue
		}
		seen := side{max(j.Lock, m.lock), max(j.Work(), m.work)}
		if m.lock == onward.NoLock && j.Lock <= onward.AccessShareLock {
			seen.lock = onward.NoLock
		}
		if seen != m {
			s.differs(st, name, m, side{j.Lock, j.Work()})
		}
	}
}

// differs writes a fault of the model down.
func (s *scene) differs(st *script.Statement, name string, model, server side) {
	m := s.report.Migrations[s.migration]
	s.out.Differences = append(s.out.Differences, onward.Difference{
		Statement: len(s.out.Statements) - 1, Relation: name, Model: model.String(), Server: server.String(),
		Report: fmt.Sprintf("The model and Postgres %s disagree on %s.\n\nstatement (%s, transaction %s):\n\n    %s\n\nmodel:  %s\nserver: %s\n\nThe table's definition (\\d+ %s) helps to find out why.",
			s.server.Version(), name, m.Framework, m.Transaction, strings.ReplaceAll(st.SQL, "\n", "\n    "), model, server, name),
	})
}
