package rehearse

import (
	"context"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/onward-sql/onward/internal/pgserver/observe"
	"github.com/onward-sql/onward/internal/script"
	"github.com/onward-sql/onward/internal/traffic"
	"github.com/onward-sql/onward/onward"
)

// recordLockEnd records that a lock was released.
func (s *releaseRun) recordLockEnd(p observationRef, now time.Time) {
	o := &s.out.Statements[p.statement].Observed[p.observed]
	o.UntilMS = s.elapsedMS(now)
	s.recordHeldLock(p.statement, o)
}

// recordHeldLock says how long a lock was held, and reports it to the traffic, which attributes waits to locks. A lock that an earlier
// statement took is already reported.
func (s *releaseRun) recordHeldLock(statement int, o *onward.Observed) {
	o.HeldMS = max(0, o.UntilMS-o.FromMS-o.WaitedMS)
	if o.HeldSince != nil {
		return
	}
	timeAt := func(ms float64) time.Time { return s.startTime.Add(time.Duration(ms * float64(time.Millisecond))) }
	s.held = append(s.held, traffic.Held{Statement: statement, Relation: o.Relation, Lock: o.Lock, From: timeAt(o.FromMS), Until: timeAt(o.UntilMS)})
}

// recordAttemptedLocks lists the locks that a refused statement requested: others may have queued for them.
func (s *releaseRun) recordAttemptedLocks(out *onward.RehearsedStatement, seen *samples) {
	number := len(s.out.Statements) - 1
	byName := func(a, b uint32) int { return strings.Compare(s.rels[a].Name, s.rels[b].Name) }
	for _, oid := range slices.SortedFunc(maps.Keys(seen.byRelation), byName) {
		r, known := s.rels[oid]
		w := seen.byRelation[oid]
		lock := w.strongestRequest().lock
		routine := isRoutineIndexLock(observe.ObservedEffect{Kind: r.Kind, Lock: lock})
		if !known || lock <= s.tx.held[oid] || routine || strings.HasPrefix(r.Name, "pg_temp.") {
			continue
		}
		o := onward.Observed{Relation: r.Name, Lock: lock, Blocks: lock.Blocks(), New: s.createdRelations[oid], UntilMS: out.UntilMS}
		s.setLockRequest(&o, out, w.strongestRequest())
		s.recordWeakerLocks(out, &o, w, s.tx.held[oid])
		out.Observed = append(out.Observed, o)
		s.tx.open = append(s.tx.open, observationRef{number, len(out.Observed) - 1})
	}
}

// observeEffects collects the effects of one statement, compares them with the model, and keeps the new state for the
// next statement.
func (s *releaseRun) observeEffects(st *script.Statement, out *onward.RehearsedStatement, seen *samples, v *sessionView) {
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
	oids := oidsByName(v.rels, before)
	s.recordEffects(out, judged, oids, seen, v.modes)
	s.compareWithModel(st, out, judged, oids, before)
	for name, j := range judged {
		s.tx.rewritten = s.tx.rewritten || j.HeaviestWork() == onward.Rewrite && !s.createdRelations[oids[name]]
	}
	carryRowCounts(s.rels, v.rels, st)
	s.saveBaseline(v)
}

// carryRowCounts copies the number of rows of relations for which the server has lost it. A rewrite leaves none until the next
// ANALYZE, although all rows are there. st is the statement in between, nil for the end of a transaction.
func carryRowCounts(before, after map[uint32]observe.Relation, st *script.Statement) {
	for oid, r := range after {
		previous := before[oid]
		if r.Rows > 0 || previous.Rows <= 0 || st != nil && st.Node.GetTruncateStmt() != nil {
			continue
		}
		if r.File == previous.File || st != nil && st.Node.GetAlterTableStmt() != nil {
			r.Rows = previous.Rows
			after[oid] = r
		}
	}
}

// oidsByName finds relations by name; if two have the same name, the one of the later list counts.
func oidsByName(lists ...map[uint32]observe.Relation) map[string]uint32 {
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
		heldLock := s.tx.held[oid]
		stronger := j.Lock > heldLock
		s.tx.held[oid] = max(heldLock, j.Lock)
		if strings.HasPrefix(name, "pg_temp.") || !stronger && j.HeaviestWork() == onward.NoWork || isRoutineIndexLock(j) {
			continue
		}
		o := onward.Observed{
			Relation: name, Lock: j.Lock, Work: j.HeaviestWork(), Blocks: j.Lock.Blocks(), New: s.createdRelations[oid], FromMS: out.FromMS,
		}
		if holder := s.statementHoldingLock(name, number); !stronger && holder >= 0 {
			// Others wait for the earlier lock. Report only the mode that this statement added.
			o.Lock, o.Blocks, o.HeldSince = (now[oid] &^ s.tx.modes[oid]).strongestLock(), nil, &holder
		}
		if w, ok := seen.byRelation[oid]; ok {
			s.setLockRequest(&o, out, w.findRequest(o.Lock))
			s.recordWeakerLocks(out, &o, w, heldLock)
		}
		out.Observed = append(out.Observed, o)
		s.tx.open = append(s.tx.open, observationRef{number, len(out.Observed) - 1})
	}
}

// setLockRequest says when a lock was requested, and for how long the statement waited for it.
func (s *releaseRun) setLockRequest(o *onward.Observed, out *onward.RehearsedStatement, request lockRequest) {
	o.FromMS = max(out.FromMS, s.elapsedMS(request.requestedAt))
	o.WaitedMS = max(0, toMillis(request.granted.Sub(request.requestedAt)))
}

// recordWeakerLocks lists the locks that the statement requested before its strongest one, until that was requested, if somebody
// has to wait for them. heldLock is the transaction's lock before the statement.
func (s *releaseRun) recordWeakerLocks(out *onward.RehearsedStatement, strongest *onward.Observed, seen *relationSamples, heldLock onward.Lock) {
	for i, m := range seen.modes {
		if m.lock <= heldLock || m.lock >= strongest.Lock || len(m.lock.Blocks()) == 0 {
			continue
		}
		o := onward.Observed{Relation: strongest.Relation, Lock: m.lock, Blocks: m.lock.Blocks(), New: strongest.New, UntilMS: strongest.FromMS}
		if i+1 < len(seen.modes) {
			o.UntilMS = min(o.UntilMS, max(out.FromMS, s.elapsedMS(seen.modes[i+1].requestedAt)))
		}
		s.setLockRequest(&o, out, m)
		if o.FromMS >= o.UntilMS {
			continue
		}
		s.recordHeldLock(len(s.out.Statements)-1, &o)
		out.Observed = append(out.Observed, o)
	}
}

// statementHoldingLock returns the earlier statement whose lock on a relation the transaction holds. Of several, the one with the
// strongest lock counts. -1 means none was seen.
func (s *releaseRun) statementHoldingLock(relation string, before int) int {
	holder, lock := -1, onward.NoLock
	for _, p := range s.tx.open {
		if o := &s.out.Statements[p.statement].Observed[p.observed]; o.Relation == relation && o.HeldSince == nil && o.Lock > lock && p.statement != before {
			holder, lock = p.statement, o.Lock
		}
	}
	return holder
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

// runOutsideTransaction runs a statement that the server refuses in a transaction block. Its
// locks are those that the other connection saw while it ran. A lock that was
// held only between two samples is missing.
func (s *releaseRun) runOutsideTransaction(ctx context.Context, st *script.Statement) error {
	out, seen, err := s.runRecorded(ctx, st)
	now := time.Now()
	if err != nil {
		return err
	}
	after, err := observe.ListRelations(ctx, s.runner.catalogConn)
	if err != nil {
		return err
	}
	locks := map[uint32]onward.Lock{}
	for oid, r := range seen.byRelation {
		locks[oid] = r.strongestRequest().lock
	}
	judged := observe.CombineEffects(s.rels, after, locks, nil)
	oids := oidsByName(after, s.rels)
	for oid := range after {
		if _, existed := s.rels[oid]; !existed {
			s.createdRelations[oid] = true
		}
	}
	number := len(s.out.Statements) - 1
	for _, name := range slices.Sorted(maps.Keys(judged)) {
		j, oid := judged[name], oids[name]
		if isRoutineIndexLock(j) || j.Lock == onward.NoLock && j.HeaviestWork() == onward.NoWork {
			continue
		}
		o := onward.Observed{
			Relation: name, Lock: j.Lock, Work: j.HeaviestWork(), Blocks: j.Lock.Blocks(), New: s.createdRelations[oid], FromMS: out.FromMS, UntilMS: out.UntilMS,
		}
		if w := seen.byRelation[oid]; w != nil {
			s.setLockRequest(&o, out, w.strongestRequest())
			s.recordWeakerLocks(out, &o, w, onward.NoLock)
			if lastSeenMS := s.elapsedMS(w.lastSeen); now.Sub(w.lastSeen) > 2*slowLook {
				o.UntilMS = min(o.UntilMS, lastSeenMS)
			}
		}
		s.recordHeldLock(number, &o)
		out.Observed = append(out.Observed, o)
	}
	s.out.Transactions = append(s.out.Transactions, onward.RehearsedTransaction{Migration: s.migration, FromMS: out.FromMS, UntilMS: out.UntilMS})
	s.compareOutsideTransaction(st, judged)
	carryRowCounts(s.rels, after, st)
	s.rels = after
	return nil
}
