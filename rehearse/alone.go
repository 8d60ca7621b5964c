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

// alone runs a statement that the server refuses in a transaction block. Its
// locks are those that the other connection saw while it ran; a lock that came
// and went between two looks is missing.
func (s *scene) alone(ctx context.Context, st *script.Statement) error {
	out, seen, err := s.run(ctx, st)
	now := time.Now()
	if err != nil {
		return err
	}
	after, err := observe.Relations(ctx, s.runner.look)
	if err != nil {
		return err
	}
	locks := map[uint32]onward.Lock{}
	for oid, r := range seen.of {
		locks[oid] = r.lock
	}
	judged := observe.Judge(s.rels, after, locks, nil)
	oids := oidsOf(after, s.rels)
	for oid := range after {
		if _, existed := s.rels[oid]; !existed {
			s.born[oid] = true
		}
	}
	number := len(s.out.Statements) - 1
	for _, name := range slices.Sorted(maps.Keys(judged)) {
		j, oid := judged[name], oids[name]
		if quiet(j) || j.Lock == onward.NoLock && j.Work() == onward.NoWork {
			continue
		}
		o := onward.Observed{
			Relation: name, Lock: j.Lock, Work: j.Work(), Blocks: j.Lock.Blocks(), New: s.born[oid], FromMS: out.FromMS, UntilMS: out.UntilMS,
		}
		if w := seen.of[oid]; w != nil {
			o.FromMS = max(out.FromMS, s.at(w.asked))
			if !w.granted.IsZero() {
				o.WaitedMS = ms(w.granted.Sub(w.asked))
			}
			if gone := s.at(w.gone); now.Sub(w.gone) > 2*slowLook {
				o.UntilMS = min(o.UntilMS, gone)
			}
		}
		o.HeldMS = max(0, o.UntilMS-o.FromMS-o.WaitedMS)
		out.Observed = append(out.Observed, o)
		s.hold(number, &o)
	}
	s.out.Transactions = append(s.out.Transactions, onward.RehearsedTransaction{Migration: s.migration, FromMS: out.FromMS, UntilMS: out.UntilMS})
	s.compareAlone(st, judged)
	s.rels = after
	return nil
}
