package rule

import (
	"iter"
	"slices"
	"sync/atomic"

	"github.com/onward-sql/onward/internal/analysis"
	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/effect"
	"github.com/onward-sql/onward/onward"
)

// Held is a lock that is held until the transaction ends.
type Held struct {
	effect.Effect
	By *Stmt
}

// Locks are the locks that a transaction holds at some point, the strongest on
// each relation. All points of a transaction share one log, and each sees what was
// written by then.
type Locks struct {
	log []*locked
	// now counts what was written.
	now int
	// strongest is the strongest of them.
	strongest onward.Lock
}

// locked are the locks on one relation, the newest and strongest first. A later
// migration of the same transaction may add one while rules read.
type locked = atomic.Pointer[taken]

type taken struct {
	Held
	at    int
	older *taken
}

// held is the lock on the relation at a place.
func (l Locks) held(place int) *Held {
	x := l.log[place].Load()
	for x.at >= l.now {
		x = x.older
	}
	return &x.Held
}

// All gives the locks, in the order in which the relations were first locked.
func (l Locks) All() iter.Seq[*Held] {
	return func(yield func(*Held) bool) {
		for place := range l.log {
			if !yield(l.held(place)) {
				return
			}
		}
	}
}

// none reports whether nothing is held.
func (l Locks) none() bool { return len(l.log) == 0 }

// lockLog writes the log of a transaction.
type lockLog struct {
	Locks
	places map[catalog.Name]int
}

// take notes a lock.
func (l *lockLog) take(e *effect.Effect, by *Stmt) {
	x := &taken{Held: Held{*e, by}, at: l.now}
	place, ok := l.places[e.Name]
	switch {
	case !ok:
		if l.places == nil {
			l.places = map[catalog.Name]int{}
		}
		place = len(l.log)
		l.places[e.Name] = place
		l.log = append(l.log, &locked{})
	case l.log[place].Load().Lock >= e.Lock:
		return
	default:
		x.older = l.log[place].Load()
	}
	l.log[place].Store(x)
	l.now++
	l.strongest = max(l.strongest, e.Lock)
}

// held gives each statement of a transaction the locks taken before it.
func (t *Tx) held(p *Pass) {
	if len(t.Statements) < 2 && t.Migration.Together == 0 {
		return
	}
	t.locks = &lockLog{}
	if t.Earlier != nil && t.Earlier.locks != nil {
		t.locks = t.Earlier.locks
	}
	p.at = t.Index
	defer func() { p.at = 0 }()
	for _, s := range t.Statements {
		s.Held = t.locks.Locks
		p.current = s.After
		for i := range s.Result.Effects {
			if e := &s.Result.Effects[i]; e.Lock >= onward.ShareUpdateExclusiveLock && p.Existing(e) {
				t.locks.take(e, s)
			}
		}
	}
}

// lockedOn are the places of relations in the log of a transaction.
type lockedOn struct {
	byName map[catalog.Name][]int
	byOID  map[catalog.OID][]int
}

func (l lockedOn) add(place int, name catalog.Name, oid catalog.OID) {
	l.byName[name] = append(l.byName[name], place)
	l.byOID[oid] = append(l.byOID[oid], place)
}

// Locked is the lock that is held on the relation of an effect when a statement runs;
// nil for none. The relation may have been renamed since.
func (s *Stmt) Locked(e *effect.Effect, want func(*Held) bool) *Held {
	if s.Held.none() {
		return nil
	}
	// The last statement of the transaction sees nearly all of the log.
	whole := s.Tx.Statements[len(s.Tx.Statements)-1].Held
	on := Once(&s.Tx.Notes, func() lockedOn {
		out := lockedOn{map[catalog.Name][]int{}, map[catalog.OID][]int{}}
		for i := range whole.log {
			for x := whole.log[i].Load(); x != nil; x = x.older {
				out.add(i, x.Name, x.OID)
			}
		}
		return out
	})
	found := on.byName[e.Name]
	if e.OID != 0 {
		found = slices.Concat(found, on.byOID[e.OID])
		slices.Sort(found)
	}
	for _, place := range found {
		if place >= len(s.Held.log) {
			break
		}
		if h := s.Held.held(place); analysis.Same(&h.Effect, e) && want(h) {
			return h
		}
	}
	return nil
}
