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

// release1 notes that a lock is gone.
func (s *scene) release1(p place, now time.Time) {
	o := &s.out.Statements[p.statement].Observed[p.observed]
	o.UntilMS = s.at(now)
	o.HeldMS = max(0, o.UntilMS-o.FromMS-o.WaitedMS)
	s.hold(p.statement, o)
}

// hold tells the traffic's judge of a lock. What an earlier statement holds is told of it.
func (s *scene) hold(statement int, o *onward.Observed) {
	if o.HeldSince != nil {
		return
	}
	when := func(at float64) time.Time { return s.zero.Add(time.Duration(at * float64(time.Millisecond))) }
	s.held = append(s.held, traffic.Held{Statement: statement, Relation: o.Relation, Lock: o.Lock, From: when(o.FromMS), Until: when(o.UntilMS)})
}

// attempted lists the locks that a refused statement asked for: others may have
// queued behind it.
func (s *scene) attempted(out *onward.RehearsedStatement, seen *samples) {
	number := len(s.out.Statements) - 1
	for oid, w := range seen.of {
		r, known := s.rels[oid]
		if !known || w.lock <= s.tx.held[oid] || quiet(observe.Seen{Kind: r.Kind, Lock: w.lock}) || strings.HasPrefix(r.Name, "pg_temp.") {
			continue
		}
		o := onward.Observed{
			Relation: r.Name, Lock: w.lock, Blocks: w.lock.Blocks(), New: s.born[oid],
			WaitedMS: ms(w.granted.Sub(w.asked)), FromMS: max(out.FromMS, s.at(w.asked)), UntilMS: out.UntilMS,
		}
		out.Observed = append(out.Observed, o)
		s.tx.open = append(s.tx.open, place{number, len(out.Observed) - 1})
	}
	slices.SortFunc(out.Observed, func(a, b onward.Observed) int { return strings.Compare(a.Relation, b.Relation) })
}

// compareAndKeep puts together what one statement did, holds it against the
// model, and makes it the state that the next one is compared with.
func (s *scene) compareAndKeep(st *script.Statement, out *onward.RehearsedStatement, seen *samples, v *view) {
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
	judged := observe.Judge(before, v.rels, v.locks, read)
	s.tx.before = maps.Clone(s.tx.held)
	oids := oidsOf(v.rels, before)
	s.observe(out, judged, oids, seen, v.modes)
	s.compare(st, out, judged, oids, before)
	for name, j := range judged {
		s.tx.rewritten = s.tx.rewritten || j.Work() == onward.Rewrite && !s.born[oids[name]]
	}
	s.keep(v)
}

// oidsOf finds relations by their names; of two with one name it is that of the
// later list.
func oidsOf(lists ...map[uint32]observe.Relation) map[string]uint32 {
	out := map[string]uint32{}
	for _, list := range lists {
		for oid, r := range list {
			out[r.Name] = oid
		}
	}
	return out
}

// observe lists what a statement did that is worth a line: locks that it took
// or made stronger, and work.
func (s *scene) observe(out *onward.RehearsedStatement, judged map[string]observe.Seen, oids map[string]uint32, seen *samples, now map[uint32]modes) {
	number := len(s.out.Statements) - 1
	for _, name := range slices.Sorted(maps.Keys(judged)) {
		j, oid := judged[name], oids[name]
		if _, existed := s.rels[oid]; !existed {
			s.born[oid] = true
		}
		stronger := j.Lock > s.tx.held[oid]
		s.tx.held[oid] = max(s.tx.held[oid], j.Lock)
		if strings.HasPrefix(name, "pg_temp.") || !stronger && j.Work() == onward.NoWork || quiet(j) {
			continue
		}
		o := onward.Observed{
			Relation: name, Lock: j.Lock, Work: j.Work(), Blocks: j.Lock.Blocks(), New: s.born[oid], FromMS: out.FromMS,
		}
		if at := s.holder(name, number); !stronger && at >= 0 {
			// Others wait for the lock of before; the statement's own, which they would not
			// feel, is that which the session did not have.
			o.Lock, o.Blocks, o.HeldSince = (now[oid] &^ s.tx.modes[oid]).strongest(), nil, &at
		}
		if w, ok := seen.of[oid]; ok {
			if w.granted.Sub(w.asked) > 0 {
				o.WaitedMS = ms(w.granted.Sub(w.asked))
			}
			o.FromMS = max(out.FromMS, s.at(w.asked))
		}
		out.Observed = append(out.Observed, o)
		s.tx.open = append(s.tx.open, place{number, len(out.Observed) - 1})
	}
}

// holder is the statement whose lock on a relation the transaction holds, of several that of
// the strongest; -1: none that was seen before.
func (s *scene) holder(relation string, before int) int {
	at, lock := -1, onward.NoLock
	for _, p := range s.tx.open {
		if o := &s.out.Statements[p.statement].Observed[p.observed]; o.Relation == relation && o.HeldSince == nil && o.Lock > lock && p.statement != before {
			at, lock = p.statement, o.Lock
		}
	}
	return at
}

// quiet locks are those that every plan takes on the indexes of a table.
func quiet(j observe.Seen) bool {
	index := j.Kind == "i" || j.Kind == "I"
	return index && observe.OnIndex(j.Lock) == onward.NoLock && j.Work() == onward.NoWork
}

// keep makes a view the state before the next statement.
func (s *scene) keep(v *view) {
	for oid, l := range v.locks {
		s.tx.modes[oid] |= v.modes[oid]
		// What a statement made anew under its old name (an index whose column
		// changed its type) is no news to the next one.
		s.tx.held[oid] = max(s.tx.held[oid], l)
		if r, ok := v.rels[oid]; ok {
			s.rels[oid] = r
		} else {
			delete(s.rels, oid)
		}
	}
}
