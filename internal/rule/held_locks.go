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
	place int // of the relation in the log
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
	x.place = place
	l.log[place].Store(x)
	l.now++
	l.strongest = max(l.strongest, e.Lock)
}

// assignHeldLocks tells each statement of a transaction which locks earlier statements hold.
func (t *Tx) assignHeldLocks(p *Pass) {
	if len(t.Statements) < 2 && t.Migration.Together == 0 && t.Earlier == nil && !t.continued && !t.Migration.Script.More {
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

// visitLocksBeside visits the locks that the open transactions of other connections hold while a statement runs.
func (s *Stmt) visitLocksBeside() iter.Seq[*Held] {
	return func(yield func(*Held) bool) {
		for _, t := range s.Beside {
			for h := range t.All() {
				for i := range h.Result.Effects {
					if !yield(&Held{h.Result.Effects[i], h}) {
						return
					}
				}
			}
		}
	}
}

// FindWait returns the lock of an open transaction of another connection for which a statement waits, and the effect that needs
// it; nil for none. The server sees no deadlock, because only the program waits for the statement. unseen is set if the transaction has
// created the relation: then the statement does not wait, because it does not find it.
func (s *Stmt) FindWait() (holder *Held, e *effect.Effect, unseen bool) {
	if len(s.Beside) == 0 {
		return nil, nil, false
	}
	// What is dropped at the end of a work without strong locks has to be out of use.
	endsAll := slices.ContainsFunc(s.Result.Effects, func(e effect.Effect) bool { return e.Waits && e.AtEnd })
	for h := range s.visitLocksBeside() {
		for i := range s.Result.Effects {
			e := &s.Result.Effects[i]
			if !analysis.SameRelation(&h.Effect, e) {
				continue
			}
			if e.OID != 0 && h.By.Tx.First.Before.Relation(e.OID) == nil {
				return h, e, true
			}
			lock := e.Lock
			switch {
			case endsAll:
				lock = onward.AccessExclusiveLock
			case e.Waits:
				lock = max(lock, onward.ShareLock)
			}
			if lock.Conflicts(h.Lock) {
				return h, e, false
			}
		}
	}
	return nil, nil, false
}

// lockIndex finds locks in the log of a transaction. Its statements look in it, so that none of
// 10,000 visits the locks of all others.
type lockIndex struct {
	// byName and byOID are the places of relations in the log.
	byName map[catalog.Name][]int
	byOID  map[catalog.OID][]int
	// byStrength are the locks that users feel, in the order in which their relations were first locked.
	byStrength [onward.AccessExclusiveLock + 1][]*lockEntry
	// writes and reads are when tables were locked against writes only, and against reads, too.
	writes, reads lockTimes
}

// lockTimes has the times at which locks of a kind were taken, and at which stronger ones replaced them: numbers of entries of the log, in order.
type lockTimes struct{ taken, replaced []int }

// countLocks counts the locks that are held when the log has so many entries.
func (l *lockTimes) countLocks(now int) int {
	taken, _ := slices.BinarySearch(l.taken, now)
	replaced, _ := slices.BinarySearch(l.replaced, now)
	return taken - replaced
}

// indexLocks returns the index of the transaction's locks.
func (t *Tx) indexLocks() *lockIndex {
	return BuildOnce(&t.Notes, func() *lockIndex {
		out := &lockIndex{byName: map[catalog.Name][]int{}, byOID: map[catalog.OID][]int{}}
		// Only later statements look for a lock, so those that the last one sees are enough.
		whole := t.Statements[len(t.Statements)-1].Held
		for place := range whole.log {
			var newer *lockEntry
			for x := whole.log[place].Load(); x != nil; newer, x = x, x.older {
				out.byName[x.Name] = append(out.byName[x.Name], place)
				out.byOID[x.OID] = append(out.byOID[x.OID], place)
				if !t.isFelt(&x.Effect) {
					continue
				}
				out.byStrength[x.Lock] = append(out.byStrength[x.Lock], x)
				if x.Kind.IsTable() && x.Lock >= onward.ShareLock {
					times := out.timesOf(x.Lock)
					if times.taken = append(times.taken, x.at); newer != nil {
						times.replaced = append(times.replaced, newer.at)
					}
				}
			}
		}
		for _, list := range [][]int{out.writes.taken, out.writes.replaced, out.reads.taken, out.reads.replaced} {
			slices.Sort(list)
		}
		return out
	})
}

// timesOf returns the times of the locks against the same as one.
func (x *lockIndex) timesOf(lock onward.Lock) *lockTimes {
	if lock.BlocksReads() {
		return &x.reads
	}
	return &x.writes
}

// isFelt reports whether users feel a lock on a relation until the transaction ends. Of one that it dropped they do
// if it exists again at commit under its name: they wait for the new one.
func (t *Tx) isFelt(e *effect.Effect) bool {
	return analysis.IsBlocking(e) || e.Dropped && !e.Unsure && (e.Kind.IsTable() || e.Kind == catalog.View || e.Kind == catalog.MaterializedView) &&
		!t.RolledBack && t.After.Lookup(e.Name.Schema, e.Name.Name) != nil
}

// visitBlockingLocks visits the locks of earlier statements for which users wait: first its own transaction's,
// then what open transactions of other connections hold.
func (s *Stmt) visitBlockingLocks() iter.Seq[*Held] {
	return func(yield func(*Held) bool) {
		goesOn := true
		s.visitOwnLocks(func(h *Held) bool { goesOn = yield(h); return goesOn })
		if !goesOn {
			return
		}
		for h := range s.visitLocksBeside() {
			t := h.By.Tx
			if h.Lock >= onward.ShareLock && t.isFelt(&h.Effect) && t.First.Before.Relation(h.OID) != nil && !yield(h) {
				return
			}
		}
	}
}

// visitOwnLocks visits the locks of its own transaction for which users wait, the strongest first.
func (s *Stmt) visitOwnLocks(yield func(*Held) bool) {
	if s.Held.strongest < onward.ShareLock {
		return
	}
	index := s.Tx.indexLocks()
	for lock := s.Held.strongest; lock >= onward.ShareLock; lock-- {
		for _, x := range index.byStrength[lock] {
			if x.place >= len(s.Held.log) {
				break
			}
			if s.Held.lockAt(x.place) == &x.Held && !yield(&x.Held) {
				return
			}
		}
	}
}

// FindHeldLock returns the lock that is held on the relation of an effect when a statement
// runs; nil for none. The relation may have been renamed in between.
func (s *Stmt) FindHeldLock(e *effect.Effect, want func(*Held) bool) *Held {
	for h := range s.visitLocksOn(e) {
		if want(h) {
			return h
		}
	}
	return nil
}

// visitLocksOn visits the locks that are held on the relation of an effect.
func (s *Stmt) visitLocksOn(e *effect.Effect) iter.Seq[*Held] {
	return func(yield func(*Held) bool) {
		if len(s.Held.log) == 0 {
			return
		}
		index := s.Tx.indexLocks()
		found := index.byName[e.Name]
		if e.OID != 0 {
			found = slices.Concat(found, index.byOID[e.OID])
			slices.Sort(found)
		}
		for i, place := range found {
			if place >= len(s.Held.log) {
				return
			}
			if i > 0 && place == found[i-1] {
				continue
			}
			if h := s.Held.lockAt(place); analysis.SameRelation(&h.Effect, e) && !yield(h) {
				return
			}
		}
	}
}
