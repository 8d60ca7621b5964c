package rehearse

import (
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/onward-sql/onward/internal/pgserver/observe"
	"github.com/onward-sql/onward/internal/script"
	"github.com/onward-sql/onward/internal/traffic"
	"github.com/onward-sql/onward/onward"
)

// endLock records that a lock was released.
func (s *releaseRun) endLock(p observationRef, now time.Time) {
	o := &s.out.Statements[p.statement].Observed[p.observed]
	o.UntilMS = s.elapsedMS(now)
	o.HeldMS = max(0, o.UntilMS-o.FromMS-o.WaitedMS)
	s.recordHeldLock(p.statement, o)
}

// recordHeldLock reports a lock to the traffic, which attributes waits to locks. A lock that an earlier statement took is already
// reported.
func (s *releaseRun) recordHeldLock(statement int, o *onward.Observed) {
	if o.HeldSince != nil {
		return
	}
	when := func(at float64) time.Time { return s.startTime.Add(time.Duration(at * float64(time.Millisecond))) }
	s.held = append(s.held, traffic.Held{Statement: statement, Relation: o.Relation, Lock: o.Lock, From: when(o.FromMS), Until: when(o.UntilMS)})
}

// recordAttemptedLocks lists the locks that a refused statement requested: others may have queued for them.
func (s *releaseRun) recordAttemptedLocks(out *onward.RehearsedStatement, seen *samples) {
	number := len(s.out.Statements) - 1
	for oid, w := range seen.byRelation {
		r, known := s.rels[oid]
		if !known || w.lock <= s.tx.held[oid] || isRoutineIndexLock(observe.ObservedEffect{Kind: r.Kind, Lock: w.lock}) || strings.HasPrefix(r.Name, "pg_temp.") {
			continue
		}
		o := onward.Observed{
			Relation: r.Name, Lock: w.lock, Blocks: w.lock.Blocks(), New: s.createdRelations[oid],
			WaitedMS: toMillis(w.granted.Sub(w.requestedAt)), FromMS: max(out.FromMS, s.elapsedMS(w.requestedAt)), UntilMS: out.UntilMS,
		}
		out.Observed = append(out.Observed, o)
		s.tx.open = append(s.tx.open, observationRef{number, len(out.Observed) - 1})
	}
	slices.SortFunc(out.Observed, func(a, b onward.Observed) int { return strings.Compare(a.Relation, b.Relation) })
}

// compareAndKeep collects the effects of one statement, compares them with the model, and keeps the new state for the
// next statement.
func (s *releaseRun) compareAndKeep(st *script.Statement, out *onward.RehearsedStatement, seen *samples, v *sessionView) {
	before := map[uint32]observe.Relation{}
	for oid := range v.locks {
		if r, ok := s.rels[oid]; ok {
			before[oid] = r
			if t, ok := s.rels[r.Table]; ok {
				before[t.OID] = t
			}
		}
		if r, ok := v.rels[oid]; ok && r.Table != 0 {
			if t, ok := s.rels[r.Table]; ok {
				before[t.OID] = t
			}
		}
	}
	read := map[uint32]int64{}
	for oid, n := range v.read {
		read[oid] = n - s.read[oid]
		s.read[oid] = n
	}
	judged := observe.CombineEffects(before, v.rels, v.locks, read)
	s.tx.before = maps.Clone(s.tx.held)
	oids := oidsOf(v.rels, before)
	s.recordEffects(out, judged, oids, seen, v.modes)
	s.compareWithModel(st, out, judged, oids, before)
	for name, j := range judged {
		s.tx.rewritten = s.tx.rewritten || j.HeaviestWork() == onward.Rewrite && !s.createdRelations[oids[name]]
	}
	carryRows(s.rels, v.rels, st)
	s.saveBaseline(v)
}

// carryRows copies the number of rows of relations for which the server has lost it. A rewrite leaves none until the next
// ANALYZE, although all rows are there. st is the statement in between, nil for the end of a transaction.
func carryRows(before, after map[uint32]observe.Relation, st *script.Statement) {
	for oid, r := range after {
		was := before[oid]
		if r.Rows > 0 || was.Rows <= 0 || st != nil && st.Node.GetTruncateStmt() != nil {
			continue
		}
		if r.File == was.File || st != nil && st.Node.GetAlterTableStmt() != nil {
			r.Rows = was.Rows
			after[oid] = r
		}
	}
}

// oidsOf finds relations by name; if two have the same name, the one of the later list counts.
func oidsOf(lists ...map[uint32]observe.Relation) map[string]uint32 {
	out := map[string]uint32{}
	for _, list := range lists {
		for oid, r := range list {
			out[r.Name] = oid
		}
	}
	return out
}

// recordEffects lists the effects of a statement that are worth a line: locks that it took or made stronger, and work.
func (s *releaseRun) recordEffects(out *onward.RehearsedStatement, judged map[string]observe.ObservedEffect, oids map[string]uint32, seen *samples,
	now map[uint32]lockModes) {
	number := len(s.out.Statements) - 1
	for _, name := range slices.Sorted(maps.Keys(judged)) {
		j, oid := judged[name], oids[name]
		if _, existed := s.rels[oid]; !existed {
			s.createdRelations[oid] = true
		}
		stronger := j.Lock > s.tx.held[oid]
		s.tx.held[oid] = max(s.tx.held[oid], j.Lock)
		if strings.HasPrefix(name, "pg_temp.") || !stronger && j.HeaviestWork() == onward.NoWork || isRoutineIndexLock(j) {
			continue
		}
		o := onward.Observed{
			Relation: name, Lock: j.Lock, Work: j.HeaviestWork(), Blocks: j.Lock.Blocks(), New: s.createdRelations[oid], FromMS: out.FromMS,
		}
		if at := s.lockHolder(name, number); !stronger && at >= 0 {
			// Others wait for the earlier lock. Report only the mode that this statement added.
			o.Lock, o.Blocks, o.HeldSince = (now[oid] &^ s.tx.modes[oid]).strongestLock(), nil, &at
		}
		if w, ok := seen.byRelation[oid]; ok {
			if w.granted.Sub(w.requestedAt) > 0 {
				o.WaitedMS = toMillis(w.granted.Sub(w.requestedAt))
			}
			o.FromMS = max(out.FromMS, s.elapsedMS(w.requestedAt))
		}
		out.Observed = append(out.Observed, o)
		s.tx.open = append(s.tx.open, observationRef{number, len(out.Observed) - 1})
	}
}

// lockHolder returns the earlier statement whose lock on a relation the transaction holds. Of several, the one with the
// strongest lock counts. -1 means none was seen.
func (s *releaseRun) lockHolder(relation string, before int) int {
	at, lock := -1, onward.NoLock
	for _, p := range s.tx.open {
		if o := &s.out.Statements[p.statement].Observed[p.observed]; o.Relation == relation && o.HeldSince == nil && o.Lock > lock && p.statement != before {
			at, lock = p.statement, o.Lock
		}
	}
	return at
}

// isRoutineIndexLock reports whether a lock is one that every query plan takes on the indexes of a table.
func isRoutineIndexLock(j observe.ObservedEffect) bool {
	index := j.Kind == "i" || j.Kind == "I"
	return index && observe.OnIndex(j.Lock) == onward.NoLock && j.HeaviestWork() == onward.NoWork
}

// saveBaseline saves the session's state as the baseline for the next statement.
func (s *releaseRun) saveBaseline(v *sessionView) {
	for oid, l := range v.locks {
		s.tx.modes[oid] |= v.modes[oid]
		// An object that a statement recreated under its old name (an index whose column changed its type) is not new to
		// the next statement.
		s.tx.held[oid] = max(s.tx.held[oid], l)
		if r, ok := v.rels[oid]; ok {
			s.rels[oid] = r
		} else {
			delete(s.rels, oid)
		}
	}
}
