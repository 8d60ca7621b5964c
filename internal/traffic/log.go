package traffic

import (
	"cmp"
	"math"
	"slices"
	"sync"
	"time"

	"github.com/onward-sql/onward/onward"
)

// Log is what the load saw. It is bounded, however long the load ran: queries
// that neither waited nor failed are only counted.
type Log struct {
	// From is when the load began, Until when it was stopped.
	From, Until time.Time
	// Queries are those that waited for a lock, in the order in which they ended.
	// Of more than mostQueries the shortest are only counted, in Forgotten.
	Queries   []Query
	Forgotten int
	// Failures are the server's refusals, one per query and SQLSTATE, in the
	// order in which they began.
	Failures []Failure
	// Long is the time of the long transaction; nil when there was none.
	Long *Long
	// Recorded is what became of recordings; nil where there was none.
	Recorded *Recorded

	slots slots
	usual histogram
}

// Query is a query of the load that waited.
type Query struct {
	// Relation is the one that the query names.
	Relation string
	// Kind is "read" or "write".
	Kind, SQL string
	// Of is the recorded query; nil for one that was made up.
	Of *Origin
	// From is when it was sent, Until when it ended.
	From, Until time.Time
	// Waits are in the order in which they began, at least one.
	Waits []Wait
	// Err is the server's refusal, nil when there was none.
	Err *onward.ServerError
	// Cancelled: it still waited when the load was stopped.
	Cancelled bool
}

// Origin is where a query of a recording is from.
type Origin struct {
	// ID is the recording's. Sender is who sends it, "" where nobody says; Named: it is a
	// place in the code or a test, which tells more than an application's name.
	ID, Sender string
	Named      bool
	// Relations are those that it works on.
	Relations []string
	// Touches: it is part of the load, and one of them is the release's.
	Touches bool
}

// Wait is a lock that a query was seen to wait for. What is shorter than about
// ten milliseconds may go unseen.
type Wait struct {
	// Relation is the one whose lock, or whose row, was waited for, by the
	// server's account (the table, for an index); "" when it did not say.
	Relation string
	// Lock is the mode that was asked for; NoLock for a row, whose lock another
	// transaction holds.
	Lock onward.Lock
	// From is when the wait was first seen, Until when last.
	From, Until time.Time
	// By are the processes at the head of the queue: none of the load's own but
	// for the long transaction.
	By []uint32
}

// Failure is a query that the server refused.
type Failure struct {
	Relation, SQL string
	Of            *Origin // as in Query
	// Err is the first refusal, at At.
	Err   onward.ServerError
	At    time.Time
	Count int
}

// Long is the long transaction: from when it had all its locks to its end.
type Long struct{ From, Until time.Time }

const (
	mostQueries = 10_000
	mostWaits   = 16
	finest      = 10 * time.Millisecond
	mostSlots   = 8192
)

// ended notes a query that ended or was cancelled.
func (l *Log) ended(q Query) {
	took := q.Until.Sub(q.From)
	l.slots.add(q.From.Sub(l.From), took, !q.Cancelled)
	if !q.Cancelled {
		l.usual.add(took)
	}
	if q.Err != nil {
		l.refused(q)
	}
	if len(q.Waits) == 0 {
		return
	}
	l.Queries = append(l.Queries, q)
	if len(l.Queries) >= 2*mostQueries {
		l.forget()
	}
}

func (l *Log) refused(q Query) {
	at := slices.IndexFunc(l.Failures, func(f Failure) bool {
		return f.SQL == q.SQL && f.Relation == q.Relation && f.Of == q.Of && f.Err.Code == q.Err.Code
	})
	if at < 0 {
		at = len(l.Failures)
		l.Failures = append(l.Failures, Failure{Relation: q.Relation, SQL: q.SQL, Of: q.Of, Err: *q.Err, At: q.Until})
	}
	l.Failures[at].Count++
}

// forget keeps the queries that took longest.
func (l *Log) forget() {
	if len(l.Queries) <= mostQueries {
		return
	}
	slices.SortFunc(l.Queries, func(a, b Query) int { return cmp.Compare(b.Until.Sub(b.From), a.Until.Sub(a.From)) })
	l.Forgotten += len(l.Queries) - mostQueries
	clear(l.Queries[mostQueries:])
	l.Queries = l.Queries[:mostQueries]
	slices.SortStableFunc(l.Queries, func(a, b Query) int { return a.Until.Compare(b.Until) })
}

// close ends the log.
func (l *Log) close(at time.Time) {
	if l.Until.IsZero() {
		l.Until = at
	}
	l.forget()
}

// slots are short times of equal width from the log's beginning. When there are
// too many, pairs are merged.
type slots struct {
	width time.Duration
	list  []slot
}

type slot struct {
	worst time.Duration // the longest that a query under way had lasted by the slot's end
	done  int
}

func (s *slots) add(from, took time.Duration, done bool) {
	if s.width == 0 {
		s.width = finest
	}
	from = max(from, 0)
	until := from + max(took, 0)
	for int(until/s.width) >= mostSlots {
		s.halve()
	}
	first, last := int(from/s.width), int(until/s.width)
	if last >= len(s.list) {
		s.list = append(s.list, make([]slot, last+1-len(s.list))...)
	}
	for i := first; i <= last; i++ {
		end := min(until, time.Duration(i+1)*s.width)
		s.list[i].worst = max(s.list[i].worst, end-from)
	}
	if done {
		s.list[last].done++
	}
}

// halve merges pairs of slots.
func (s *slots) halve() {
	s.width *= 2
	for i := range s.list {
		if i%2 == 0 {
			s.list[i/2] = s.list[i]
			continue
		}
		s.list[i/2].worst = max(s.list[i/2].worst, s.list[i].worst)
		s.list[i/2].done += s.list[i].done
	}
	s.list = s.list[:(len(s.list)+1)/2]
}

// perOctave buckets for each doubling of a duration: medians are within 3 %.
const perOctave = 16

// histogram counts durations in logarithmic buckets.
type histogram struct {
	buckets [64 * perOctave]int
	count   int
}

func (h *histogram) add(d time.Duration) {
	at := int(math.Log2(float64(max(d, 1))) * perOctave)
	h.buckets[min(at, len(h.buckets)-1)]++
	h.count++
}

// median is in the middle of its bucket; 0 of nothing.
func (h *histogram) median() time.Duration {
	left := (h.count + 1) / 2
	for i, n := range h.buckets {
		if left -= n; n > 0 && left <= 0 {
			return time.Duration(math.Exp2((float64(i) + 0.5) / perOctave))
		}
	}
	return 0
}

// recorder lets many sessions write one log.
type recorder struct {
	mu    sync.Mutex
	begun bool
	log   Log
	seen  map[string]bool // recorded queries that were tried
}

func (r *recorder) ended(q Query) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.log.Until.IsZero() && q.From.After(r.log.Until) { // the last round
		r.tried(q.Of)
		if q.Until = r.log.Until; q.Err != nil {
			r.log.refused(q)
		}
		return
	}
	if q.Of != nil && r.begun {
		r.tried(q.Of)
		if r.log.Recorded.Sent[q.Of.ID]++; q.Of.Touches && r.log.Recorded.Sent[q.Of.ID] == 1 {
			r.log.Recorded.TouchingSent++
		}
	}
	r.log.ended(q)
}

// tried notes that a query on a relation of the release was sent.
func (r *recorder) tried(o *Origin) {
	if o == nil || !o.Touches || r.seen[o.ID] {
		return
	}
	if r.seen == nil {
		r.seen = map[string]bool{}
	}
	r.seen[o.ID] = true
	r.log.Recorded.Tried++
}

// tour is when the last round begins: what is sent from now on only counts as tried.
func (r *recorder) tour() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.log.Until = time.Now()
}

func (r *recorder) touring() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return !r.log.Until.IsZero()
}

// begin is when the load has begun: what was sent before is not counted as sent.
func (r *recorder) begin() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.begun = true
}

func (r *recorder) hasBegun() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.begun
}
