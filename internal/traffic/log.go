package traffic

import (
	"cmp"
	"math"
	"slices"
	"sync"
	"time"

	"github.com/onward-sql/onward/onward"
)

// Log is what the load observed. Its size is limited, however long the load ran:
// queries that neither waited nor failed are only counted.
type Log struct {
	// From is when the load began, Until when it was stopped.
	From, Until time.Time
	// Queries are those that waited for a lock, in the order in which they ended.
	// If there are more than mostQueries, the shortest are only counted, in
	// Forgotten.
	Queries   []Query
	Forgotten int
	// Failures are the server's errors, one per query and SQLSTATE, in the order
	// of their first occurrence.
	Failures []Failure
	// Long is the time of the long transaction; nil if there was none.
	Long *Long
	// Recorded summarizes the use of recordings; nil if there were none.
	Recorded *Recorded

	slots     slots
	durations histogram
}

// Query is a query of the load that waited.
type Query struct {
	// Relation is the relation that the query names.
	Relation string
	// Kind is "read" or "write".
	Kind, SQL string
	// Of is the recorded query; nil for one that was made up.
	Of *Origin
	// From is when it was sent, Until when it ended.
	From, Until time.Time
	// Waits are in the order in which they began, at least one.
	Waits []Wait
	// Err is the server's error, nil if there was none.
	Err *onward.ServerError
	// Cancelled: it was still waiting when the load was stopped.
	Cancelled bool
}

// Origin is the source of a recorded query.
type Origin struct {
	// ID is the recording's. Sender is who sends it, "" if unknown. Named: Sender
	// is a place in the code or a test, which is more specific than an
	// application_name.
	ID, Sender string
	Named      bool
	// Relations are the relations that it uses.
	Relations []string
	// Touches: it is part of the load, and uses a relation of the release.
	Touches bool
}

// Wait is a lock wait that a query was observed in. Waits shorter than about ten
// milliseconds may be missed.
type Wait struct {
	// Relation is the relation whose lock, or whose row, was waited for,
	// according to the server (the table, for an index); "" if the server did not
	// say.
	Relation string
	// Lock is the requested mode; NoLock for a row, which another transaction has
	// locked.
	Lock onward.Lock
	// From is when the wait was first seen, Until when last.
	From, Until time.Time
	// By are the processes at the head of the queue: none of them belongs to the
	// load, except for the long transaction.
	By []uint32
}

// Failure is a query that the server refused.
type Failure struct {
	Relation, SQL string
	Of            *Origin // as in Query
	// Err is the first error, at At.
	Err   onward.ServerError
	At    time.Time
	Count int
}

// Long is the duration of the long transaction, from when it had all its locks to
// its end.
type Long struct{ From, Until time.Time }

const (
	mostQueries = 10_000
	mostWaits   = 16
	finest      = 10 * time.Millisecond
	mostSlots   = 8192
)

// addQuery records a query that ended or was cancelled.
func (l *Log) addQuery(q Query) {
	took := q.Until.Sub(q.From)
	l.slots.addQuery(q.From.Sub(l.From), took, !q.Cancelled)
	if !q.Cancelled {
		l.durations.addDuration(took)
	}
	if q.Err != nil {
		l.addFailure(q)
	}
	if len(q.Waits) == 0 {
		return
	}
	l.Queries = append(l.Queries, q)
	if len(l.Queries) >= 2*mostQueries {
		l.forgetShortest()
	}
}

func (l *Log) addFailure(q Query) {
	index := slices.IndexFunc(l.Failures, func(f Failure) bool {
		return f.SQL == q.SQL && f.Relation == q.Relation && f.Of == q.Of && f.Err.Code == q.Err.Code
	})
	if index < 0 {
		index = len(l.Failures)
		l.Failures = append(l.Failures, Failure{Relation: q.Relation, SQL: q.SQL, Of: q.Of, Err: *q.Err, At: q.Until})
	}
	l.Failures[index].Count++
}

// forgetShortest keeps only the queries that took longest.
func (l *Log) forgetShortest() {
	if len(l.Queries) <= mostQueries {
		return
	}
	slices.SortFunc(l.Queries, func(a, b Query) int { return cmp.Compare(b.Until.Sub(b.From), a.Until.Sub(a.From)) })
	l.Forgotten += len(l.Queries) - mostQueries
	clear(l.Queries[mostQueries:])
	l.Queries = l.Queries[:mostQueries]
	slices.SortStableFunc(l.Queries, func(a, b Query) int { return a.Until.Compare(b.Until) })
}

// endLog ends the log.
func (l *Log) endLog(end time.Time) {
	if l.Until.IsZero() {
		l.Until = end
	}
	l.forgetShortest()
}

// slots are short periods of equal width from the log's beginning. If there are
// too many, pairs are merged.
type slots struct {
	width time.Duration
	list  []slot
}

type slot struct {
	worst time.Duration // the longest time that a running query had lasted at the slot's end
	done  int
}

func (s *slots) addQuery(from, took time.Duration, done bool) {
	if s.width == 0 {
		s.width = finest
	}
	from = max(from, 0)
	until := from + max(took, 0)
	for int(until/s.width) >= mostSlots {
		s.mergePairs()
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

// mergePairs merges pairs of slots.
func (s *slots) mergePairs() {
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

// perOctave is the number of buckets for each doubling of a duration: medians are
// accurate within 3 %.
const perOctave = 16

// histogram counts durations in logarithmic buckets.
type histogram struct {
	buckets [64 * perOctave]int
	count   int
}

func (h *histogram) addDuration(d time.Duration) {
	bucket := int(math.Log2(float64(max(d, 1))) * perOctave)
	h.buckets[min(bucket, len(h.buckets)-1)]++
	h.count++
}

// medianDuration returns the middle of the median's bucket; 0 if empty.
func (h *histogram) medianDuration() time.Duration {
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

func (r *recorder) recordQuery(q Query) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.log.Until.IsZero() && q.From.After(r.log.Until) { // the last round
		r.recordTried(q.Of)
		if q.Until = r.log.Until; q.Err != nil {
			r.log.addFailure(q)
		}
		return
	}
	if q.Of != nil && r.begun {
		r.recordTried(q.Of)
		if r.log.Recorded.Sent[q.Of.ID]++; q.Of.Touches && r.log.Recorded.Sent[q.Of.ID] == 1 {
			r.log.Recorded.TouchingSent++
		}
	}
	r.log.addQuery(q)
}

// recordTried records that a query on a relation of the release was sent.
func (r *recorder) recordTried(o *Origin) {
	if o == nil || !o.Touches || r.seen[o.ID] {
		return
	}
	if r.seen == nil {
		r.seen = map[string]bool{}
	}
	r.seen[o.ID] = true
	r.log.Recorded.Tried++
}

// beginLastRound begins the last round: queries sent from now on only count as tried.
func (r *recorder) beginLastRound() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.log.Until = time.Now()
}

func (r *recorder) isLastRound() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return !r.log.Until.IsZero()
}

// beginLoad marks the beginning of the load: earlier queries do not count as sent.
func (r *recorder) beginLoad() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.begun = true
}

func (r *recorder) hasBegun() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.begun
}
