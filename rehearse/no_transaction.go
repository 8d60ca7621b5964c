package rehearse

import (
	"context"
	"maps"
	"slices"
	"time"

	"github.com/onward-sql/onward/internal/pgserver/observe"
	"github.com/onward-sql/onward/internal/script"
	"github.com/onward-sql/onward/onward"
)

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
