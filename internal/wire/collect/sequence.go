package collect

import (
	"encoding/binary"
	"hash/maphash"
	"time"
)

// openSequence is a sequence that has not ended.
type openSequence struct {
	tx    bool
	steps []step
	full  bool // it has as many steps as are kept
	ddl   bool // it changes the schema
	suite bool // it holds several tests, each between a savepoint and its undoing
	outer int  // how many steps there were at the outermost savepoint; -1 for none

	began      time.Time
	idle, most time.Duration
	seen       map[uint64]int // values of results, with how many round trips gave them
	trace      uint64
	where      string
	who        *person
	rest       bool // nothing came for so long that it is another request
}

// step is a query in a sequence, sent once or several times in a row.
type step struct {
	q     *query
	times int64
	trips int // round trips that it has to wait for: 0 if no result before gave it a value
}

// sequence has the counts of a distinct sequence that has ended.
type sequence struct {
	how        string // "commit" or "rollback"; "" if it was no transaction
	steps      []step
	count      int64
	spent      time.Duration
	idle, most time.Duration
	senders    []senderCount
}

// pause is how long a connection rests between two requests, if nothing else separates them.
const pause = time.Second

// requiredTrips returns how many round trips must end before a query can be sent with these values: one more than
// the first result that has the last of them took.
func (r *openSequence) requiredTrips(h *hashes) (trips int) {
	for i := range h.n {
		trips = max(trips, r.seen[h.values[i]])
	}
	return trips
}

// keepResultValues keeps the values of a query's result.
func (r *openSequence) keepResultValues(values []uint64, trips int) {
	for _, v := range values {
		if _, known := r.seen[v]; !known && len(r.seen) < maxSeen {
			r.seen[v] = trips + 1
		}
	}
}

// leastTrips returns the smaller number of round trips of a query that was seen twice; 0 is not known.
func leastTrips(a, b int) int {
	if a == 0 || b == 0 {
		return max(a, b)
	}
	return min(a, b)
}

// addIdleTime: the client let the server wait.
func (r *openSequence) addIdleTime(d time.Duration) {
	if r.tx {
		r.idle += d
		r.most = max(r.most, d)
	} else if d > pause {
		r.rest = true
	}
}

func (r *openSequence) resetSequence() {
	seen, steps := r.seen, r.steps[:0]
	clear(seen)
	clear(steps[:cap(steps)])
	*r = openSequence{seen: seen, steps: steps, outer: -1}
}

// startTransaction starts a transaction. The collector is locked.
func (r *openSequence) startTransaction(s *session) {
	if r.tx {
		return
	}
	r.endSequence(s, "")
	r.resetSequence()
	r.tx, r.began = true, time.Now()
}

// addStep appends a query. The collector is locked.
func (r *openSequence) addStep(s *session, q *query, sender *person, p *codePlace, trips int) {
	n := len(r.steps)
	if !r.tx && n > 0 && (r.rest || p.where != r.where || p.trace != r.trace || sender.Test != r.who.Test ||
		r.trace == 0 && n > 1 && r.steps[0].q == q && r.steps[n-1].q != q) {
		r.endSequence(s, "")
		trips = 0
		n = 0
	}
	if n == 0 {
		r.where, r.trace, r.who = p.where, p.trace, sender
		if !r.tx {
			r.began = time.Now()
		}
	}
	if n > 0 && r.steps[n-1].q == q && r.outer != n {
		r.steps[n-1].times++
		r.steps[n-1].trips = leastTrips(r.steps[n-1].trips, trips)
		return
	}
	if n >= maxSteps {
		r.full = true
		if r.tx && !r.ddl {
			q.marks[asCode]++
		}
		return
	}
	r.steps = append(r.steps, step{q, 1, trips})
}

// markOuterSavepoint: a savepoint that is in no other.
func (r *openSequence) markOuterSavepoint() {
	if !r.suite {
		r.outer = len(r.steps)
	}
}

// endTest ends a test in a transaction that holds several: what was done since the outermost
// savepoint is undone, though nothing had failed. The collector is locked.
func (r *openSequence) endTest(s *session) {
	if !r.tx || r.outer < 0 || r.outer > len(r.steps) {
		return
	}
	r.suite = true
	test := r.steps[r.outer:]
	s.c.countSequence("rollback", test, r, time.Since(r.began))
	for _, st := range test {
		st.q.marks[asCode] += st.times
	}
	clear(test)
	r.steps = r.steps[:r.outer]
	clear(r.seen)
	r.idle, r.most, r.began, r.full = 0, 0, time.Now(), false
}

// endSequence takes the sequence in, and finds out whose its queries are. The collector is locked.
func (r *openSequence) endSequence(s *session, ending string) {
	if len(r.steps) > 0 {
		if !r.tx {
			ending = ""
		}
		if !r.suite && (r.tx || len(r.steps) > 1) {
			s.c.countSequence(ending, r.steps, r, time.Since(r.began))
		}
		if r.tx {
			s.marker.judgeTransaction(r, ending == "commit")
		}
	}
	r.resetSequence()
}

// countSequence counts a sequence. The collector is locked.
func (c *Collector) countSequence(ending string, steps []step, r *openSequence, spent time.Duration) {
	if len(steps) == 0 {
		return
	}
	if r.full {
		c.left.sequences++
	}
	var h maphash.Hash
	h.SetSeed(c.seed[0])
	h.WriteString(ending)
	var b [8]byte
	for _, st := range steps {
		binary.LittleEndian.PutUint64(b[:], maphash.String(valueSeed, st.q.id))
		h.Write(b[:])
	}
	q := c.sequences[h.Sum64()]
	if q == nil {
		if len(c.sequences) >= c.cfg.MaxSequences {
			c.left.sequences++
			return
		}
		q = &sequence{how: ending, steps: append([]step{}, steps...)}
		c.sequences[h.Sum64()] = q
	}
	for i := range steps {
		q.steps[i].times = max(q.steps[i].times, steps[i].times)
		q.steps[i].trips = leastTrips(q.steps[i].trips, steps[i].trips)
	}
	q.count++
	q.spent += spent
	q.idle += r.idle
	q.most = max(q.most, r.most)
	if r.who != nil {
		q.countSender(r.who)
	}
}

// countSender counts a sender; of many those that came first.
func (q *sequence) countSender(sender *person) {
	counter := query{senders: q.senders}
	counter.countSender(sender)
	q.senders = counter.senders
}
