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

// prediction is the model's prediction for a statement, including the statements inside
// it.
type prediction struct {
	effects []onward.Effect
	// partial: it may do more than the model can read. optional: some of it may not run.
	partial, optional bool
}

func (s *releaseRun) predictEffects(st *script.Statement, nested int) prediction {
	var p prediction
	for i := st.Index; i < len(s.script.Statements) && i < len(s.statements); i++ {
		x := s.script.Statements[i]
		if i > st.Index && x.Parent < 0 {
			break
		}
		p.effects = append(p.effects, s.statements[i].Effects...)
		p.partial = p.partial || x.Opaque != "" || x.Err != nil || s.statements[i].Note != ""
		p.optional = p.optional || x.Conditional || x.Loop
	}
	// The model does not read the body of a function.
	if nested > 0 && st.Node.GetDoStmt() == nil {
		p.partial = true
	}
	return p
}

// relationEffect is what the model or the server says about a relation.
type relationEffect struct {
	lock onward.Lock
	work onward.Work
}

func (s relationEffect) String() string {
	lock := s.lock.String()
	if lock == "" {
		lock = "no lock"
	}
	if s.work == onward.NoWork {
		return lock
	}
	return lock + ", " + s.work.String()
}

// relationEffects returns the model's prediction for each relation.
func (p prediction) relationEffects() map[string]relationEffect {
	out := map[string]relationEffect{}
	for _, e := range p.effects {
		effect := out[e.Relation]
		out[e.Relation] = relationEffect{max(effect.lock, e.Lock), max(effect.work, e.Work)}
	}
	return out
}

// compareWithModel compares the observed effects of a statement in a transaction with the model.
// It compares the locks that the transaction holds after the statement, because an
// earlier stronger lock hides a weaker one.
func (s *releaseRun) compareWithModel(st *script.Statement, out *onward.RehearsedStatement, judged map[string]observe.ObservedEffect, oids map[string]uint32,
	before map[uint32]observe.Relation) {
	p := s.predictEffects(st, len(out.Nested))
	model := p.relationEffects()
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
	dml := touchesOnlyRows(st)
	for _, name := range slices.Sorted(maps.Keys(names)) {
		oid, j, m := oids[name], judged[name], model[name]
		if _, isModeled := model[name]; !isModeled && j.Lock <= s.tx.before[oid] && j.HeaviestWork() == onward.NoWork {
			continue // held since an earlier statement
		}
		if oid == 0 || s.createdRelations[oid] || strings.HasPrefix(name, "pg_temp.") {
			continue
		}
		seen := relationEffect{j.Lock, j.HeaviestWork()}
		want := relationEffect{max(s.expected[oid], s.tx.before[oid]), m.work}
		if dml && out.Rows == 0 {
			// Without rows, no foreign key trigger runs.
			want.lock = min(want.lock, max(seen.lock, s.tx.before[oid]))
		}
		if dml && s.tx.rewritten && seen.lock == onward.RowShareLock {
			// When rows change that the transaction itself has written, as a rewrite
			// does, all their foreign keys are checked, whichever column changes.
			want.lock = max(want.lock, seen.lock)
		}
		if p.optional || p.partial {
			// It may do less or more than its text shows, so only what is certain counts.
			if p.partial || seen.lock < want.lock {
				want.lock = seen.lock
			}
			if p.partial || seen.work < want.work {
				want.work = seen.work
			}
		}
		if want.work == onward.Scan && seen.work == onward.NoWork && (!namesRelation(st, before[oid].Name) || checksForeignKey(st)) {
			// The planner chooses whether a foreign key's tables are read by index or as
			// a whole.
			want.work = onward.NoWork
		}
		ignoreUnobservable(&seen, &want, j, before[oid], dml)
		if seen != want {
			s.recordDifference(st, name, want, seen)
		}
	}
}

// checksForeignKey reports whether an ALTER TABLE may check the rows of a foreign key: it adds
// one, or validates a constraint.
func checksForeignKey(st *script.Statement) bool {
	for _, c := range st.Node.GetAlterTableStmt().GetCmds() {
		cmd := c.GetAlterTableCmd()
		if cmd.GetSubtype() == pgparse.AlterTableType_AT_ValidateConstraint || cmd.GetDef().GetConstraint().GetContype() == pgparse.ConstrType_CONSTR_FOREIGN {
			return true
		}
	}
	return false
}

// namesRelation reports whether an ALTER TABLE names the given relation itself.
func namesRelation(st *script.Statement, relation string) bool {
	a := st.Node.GetAlterTableStmt()
	if a == nil {
		return true
	}
	_, name, _ := strings.Cut(relation, ".")
	return a.GetRelation().GetRelname() == name
}

// ignoreUnobservable removes differences that cannot be observed or do not matter.
func ignoreUnobservable(seen, want *relationEffect, j observe.ObservedEffect, r observe.Relation, dml bool) {
	if index := j.Kind == "i" || j.Kind == "I" || r.Kind == "i" || r.Kind == "I"; index {
		seen.lock, want.lock = observe.OnIndex(seen.lock), observe.OnIndex(want.lock)
	}
	if want.lock == onward.NoLock && seen.lock == onward.AccessShareLock {
		seen.lock = onward.NoLock // read in passing
	}
	if dml && want.lock < onward.RowShareLock && seen.lock == onward.RowShareLock {
		// The foreign keys of a row that the transaction wrote earlier are checked again.
		seen.lock = want.lock
	}
	if dml {
		seen.work, want.work = onward.NoWork, onward.NoWork // the planner chooses how rows are found
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

// touchesOnlyRows reports whether a statement only changes or reads rows.
func touchesOnlyRows(st *script.Statement) bool {
	n := st.Node
	return n.GetInsertStmt() != nil || n.GetUpdateStmt() != nil || n.GetDeleteStmt() != nil || n.GetMergeStmt() != nil || n.GetSelectStmt() != nil ||
		n.GetCopyStmt() != nil || n.GetDoStmt() != nil || n.GetCallStmt() != nil
}

// compareOutsideTransaction compares the lock samples of a statement that ran outside of a transaction
// with the model. A lock that was not seen proves nothing. A stronger lock than predicted
// does, and so does a new file.
func (s *releaseRun) compareOutsideTransaction(st *script.Statement, judged map[string]observe.ObservedEffect) {
	p := s.predictEffects(st, 0)
	if p.partial {
		return
	}
	model := p.relationEffects()
	for _, name := range slices.Sorted(maps.Keys(judged)) {
		j, m := judged[name], model[name]
		if j.Created || strings.HasPrefix(name, "pg_temp.") || j.Kind == "i" || j.Kind == "I" {
			continue
		}
		seen := relationEffect{max(j.Lock, m.lock), max(j.HeaviestWork(), m.work)}
		if m.lock == onward.NoLock && j.Lock <= onward.AccessShareLock {
			seen.lock = onward.NoLock
		}
		if seen != m {
			s.recordDifference(st, name, m, relationEffect{j.Lock, j.HeaviestWork()})
		}
	}
}

// recordDifference records an error of the model.
func (s *releaseRun) recordDifference(st *script.Statement, name string, model, server relationEffect) {
	m := s.report.Migrations[s.migration]
	s.out.Differences = append(s.out.Differences, onward.Difference{
		Statement: len(s.out.Statements) - 1, Relation: name, Model: model.String(), Server: server.String(),
		Report: fmt.Sprintf("The model and Postgres %s disagree on %s.\n\nstatement (%s, transaction %s):\n\n    %s\n\nmodel:  %s\nserver: %s\n\n"+
			"The table's definition (\\d+ %s) helps to find out why.",
			s.server.Version(), name, m.Framework, m.Transaction, strings.ReplaceAll(st.SQL, "\n", "\n    "), model, server, name),
	})
}
