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

// Held is a lock that is held until the end of the transaction.
type Held struct {
	effect.Effect
	By *Stmt
}

// Locks are the locks that a transaction holds at one point, with the strongest lock on
// each relation. All points of a transaction share one log, and each sees only the
// entries written before it.
type Locks struct {
	log []*locked
	// now counts the entries written so far.
	now int
	// strongest is the strongest of them.
	strongest onward.Lock
}

// locked are the locks on one relation, with the newest and strongest first. A later
// migration of the same transaction may add one while rules read.
type locked = atomic.Pointer[lockEntry]

type lockEntry struct {
	Held
	at    int // how many entries the log had before this one
	older *lockEntry
}

// lockAt returns the lock on the relation with an index in the log.
func (l Locks) lockAt(place int) *Held {
	x := l.log[place].Load()
	for x.at >= l.now {
		x = x.older
	}
	return &x.Held
}

// All returns the locks, in the order in which the relations were first locked.
func (l Locks) All() iter.Seq[*Held] {
	return func(yield func(*Held) bool) {
		for place := range l.log {
			if !yield(l.lockAt(place)) {
				return
			}
		}
	}
}

// isEmpty reports whether nothing is held.
func (l Locks) isEmpty() bool { return len(l.log) == 0 }

// lockLog writes the log of a transaction's locks.
type lockLog struct {
	Locks
	places map[catalog.Name]int
}

// recordLock records a lock.
func (l *lockLog) recordLock(e *effect.Effect, stmt *Stmt) {
	x := &lockEntry{Held: Held{*e, stmt}, at: l.now}
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

// assignHeldLocks tells each statement of a transaction which locks earlier statements hold.
func (t *Tx) assignHeldLocks(p *Pass) {
	if len(t.Statements) < 2 && t.Migration.Together == 0 && t.Earlier == nil && !t.Migration.Script.More {
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
			if e := &s.Result.Effects[i]; e.Lock >= onward.ShareUpdateExclusiveLock && p.IsExisting(e) {
				t.locks.recordLock(e, s)
				s.holds = true
			}
		}
	}
}

// lockedOn maps relations to their indexes in the log of a transaction.
type lockedOn struct {
	byName map[catalog.Name][]int
	byOID  map[catalog.OID][]int
}

func (l lockedOn) addPlace(place int, name catalog.Name, oid catalog.OID) {
	l.byName[name] = append(l.byName[name], place)
	l.byOID[oid] = append(l.byOID[oid], place)
}

// FindHeldLock returns the lock that is held on the relation of an effect when a statement
// runs; nil for none. The relation may have been renamed in between.
func (s *Stmt) FindHeldLock(e *effect.Effect, want func(*Held) bool) *Held {
	if s.Held.isEmpty() {
		return nil
	}
	// The last statement of the transaction sees nearly the whole log.
	whole := s.Tx.Statements[len(s.Tx.Statements)-1].Held
	heldIndex := BuildOnce(&s.Tx.Notes, func() lockedOn {
		out := lockedOn{map[catalog.Name][]int{}, map[catalog.OID][]int{}}
		for i := range whole.log {
			for x := whole.log[i].Load(); x != nil; x = x.older {
				out.addPlace(i, x.Name, x.OID)
			}
		}
		return out
	})
	found := heldIndex.byName[e.Name]
	if e.OID != 0 {
		found = slices.Concat(found, heldIndex.byOID[e.OID])
		slices.Sort(found)
	}
	for _, place := range found {
		if place >= len(s.Held.log) {
			break
		}
		if h := s.Held.lockAt(place); analysis.SameRelation(&h.Effect, e) && want(h) {
			return h
		}
	}
	return nil
}
