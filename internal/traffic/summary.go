package traffic

import (
	"cmp"
	"slices"
	"time"

	"github.com/onward-sql/onward/onward"
)

// Held is a lock of the migrating session on a relation, from the request of a
// statement until its release.
type Held struct {
	// Statement is the index in [onward.Rehearsal.Statements].
	Statement int
	// SQL is the statement's text, if others saw its result from Until on. In
	// that case Lock is NoLock, and Relation is one that it works on.
	SQL string
	// Relation is schema-qualified and unquoted: "public.users".
	Relation    string
	Lock        onward.Lock
	From, Until time.Time
}

// Cost is what one statement cost the load.
type Cost struct {
	// Stall is the longest time for which a query waited because of it.
	Stall time.Duration
	// Waited is how many queries did.
	Waited int
}

// mostShown is the maximum number of slots in a report.
const mostShown = 400

// SummariseLog puts a log on the time axis that begins at zero, and attributes the
// waits to statements. It returns the stalls, and the costs by statement index.
// Everything before zero is left out.
func SummariseLog(log *Log, zero time.Time, locks []Held) (*onward.Traffic, map[int]Cost) {
	t := &onward.Traffic{
		Source:   "schema",
		UsualMS:  toMillis(log.durations.medianDuration()),
		Slots:    []onward.TrafficSlot{},
		Stalls:   []onward.Stall{},
		Failures: []onward.TrafficFailure{},
	}
	addSlots(t, log, zero)
	if log.Forgotten > 0 {
		t.Waited = log.Forgotten
	}
	var waits []wait
	for i := range log.Queries {
		q := &log.Queries[i]
		if q.Until.Before(zero) {
			continue
		}
		t.Waited++
		t.WorstMS = max(t.WorstMS, toMillis(q.Until.Sub(q.From)))
		waits = append(waits, attributeWaits(q, locks)...)
	}
	t.Stalls = append(t.Stalls, mergeStalls(waits, zero)...)
	t.Waiters = listWaiters(waits)
	addRecordedSummary(t, log.Recorded)
	for _, f := range log.Failures {
		t.Failed += f.Count
		t.Failures = append(t.Failures, describeFailure(&f, zero, locks))
	}
	if log.Long != nil {
		t.LongTransaction = &onward.Span{FromMS: toMillis(log.Long.From.Sub(zero)), UntilMS: toMillis(log.Long.Until.Sub(zero))}
	}
	return t, statementCosts(waits)
}

func toMillis(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

// addSlots merges the log's slots into at most mostShown, of a round width.
func addSlots(t *onward.Traffic, log *Log, zero time.Time) {
	fine := cmp.Or(log.slots.width, finest)
	span := max(log.Until.Sub(zero), 0)
	factor := 1
	for i := 0; span > mostShown*fine*time.Duration(factor); i++ {
		factor = []int{1, 2, 5}[i%3] * pow10(i/3)
	}
	width := fine * time.Duration(factor)
	t.SlotMS = toMillis(width)
	if span > 0 {
		t.Slots = make([]onward.TrafficSlot, (span+width-1)/width)
	}
	for i, s := range log.slots.list {
		// The log began slightly before zero: the middle of a slot decides where
		// it goes.
		offset := log.From.Add(time.Duration(i)*fine + fine/2).Sub(zero)
		if offset < 0 || len(t.Slots) == 0 {
			continue
		}
		to := &t.Slots[min(int(offset/width), len(t.Slots)-1)]
		to.WorstMS = max(to.WorstMS, toMillis(s.worst))
		to.Done += s.done
		t.Queries += s.done
		t.WorstMS = max(t.WorstMS, toMillis(s.worst))
	}
}

func pow10(n int) int {
	p := 1
	for range n {
		p *= 10
	}
	return p
}

// wait is a wait with the statement that caused it, -1 for none.
type wait struct {
	query       *Query
	relation    string
	statement   int
	from, until time.Time
}

// attributeWaits divides a query's time among its waits: the first begins with the query,
// and each lasts until the next was seen, or to the query's end.
func attributeWaits(q *Query, locks []Held) []wait {
	var out []wait
	for i, w := range q.Waits {
		from, until := w.From, q.Until
		if i == 0 {
			from = q.From
		}
		if i+1 < len(q.Waits) {
			until = q.Waits[i+1].From
		}
		out = append(out, wait{query: q, relation: cmp.Or(w.Relation, q.Relation), statement: findBlockingStatement(q, w, from, until, locks), from: from,
			until: until})
	}
	return out
}

// findBlockingStatement returns the statement whose lock blocked a query for most of a wait;
// if several did equally, the first. It looks on the relation that the server
// named, then on the one that the query names, then on any. The release may have
// renamed the relation, or it may lock a partition that the server reports by
// its parent.
func findBlockingStatement(q *Query, w Wait, from, until time.Time, locks []Held) int {
	for _, relation := range []string{cmp.Or(w.Relation, q.Relation), q.Relation, ""} {
		best, statement := time.Duration(0), -1
		for _, h := range locks {
			if relation != "" && h.Relation != relation || !locksConflict(h.Lock, w.Lock) {
				continue
			}
			begin, end := laterTime(from, h.From), until
			if h.Until.Before(end) {
				end = h.Until
			}
			if overlap := end.Sub(begin); overlap > best {
				best, statement = overlap, h.Statement
			}
		}
		if statement >= 0 {
			return statement
		}
	}
	return -1
}

func laterTime(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// locksConflict reports whether a held lock conflicts with a requested one. For a row
// (NoLock) it reports whether the transaction can have locked rows.
func locksConflict(heldLock, asked onward.Lock) bool {
	if asked == onward.NoLock {
		return heldLock >= onward.RowShareLock
	}
	return heldLock.Conflicts(asked)
}

// mergeStalls merges overlapping waits of the same relation and statement.
func mergeStalls(waits []wait, zero time.Time) []onward.Stall {
	type key struct {
		relation  string
		statement int
	}
	groups := map[key][]wait{}
	for _, w := range waits {
		k := key{w.relation, w.statement}
		groups[k] = append(groups[k], w)
	}
	var out []onward.Stall
	for k, group := range groups {
		slices.SortStableFunc(group, func(a, b wait) int { return a.from.Compare(b.from) })
		for first := 0; first < len(group); {
			end, until := first+1, group[first].until
			for ; end < len(group) && !group[end].from.After(until); end++ {
				until = laterTime(until, group[end].until)
			}
			s := newStall(group[first:end], zero)
			s.Relation, s.Statement = k.relation, k.statement
			out = append(out, s)
			first = end
		}
	}
	slices.SortFunc(out, func(a, b onward.Stall) int {
		return cmp.Or(cmp.Compare(a.FromMS, b.FromMS), cmp.Compare(a.Relation, b.Relation), cmp.Compare(a.Statement, b.Statement))
	})
	return out
}

// newStall makes one stall of overlapping waits, sorted by their beginning.
func newStall(waits []wait, zero time.Time) onward.Stall {
	s := onward.Stall{Span: onward.Span{FromMS: toMillis(waits[0].from.Sub(zero))}}
	queries, kinds := map[*Query]bool{}, map[string]bool{}
	longest := time.Duration(-1)
	for _, w := range waits {
		queries[w.query], kinds[w.query.Kind] = true, true
		s.UntilMS = max(s.UntilMS, toMillis(w.until.Sub(zero)))
		if d := w.until.Sub(w.from); d > longest {
			longest, s.Query = d, w.query.SQL
		}
	}
	s.Queries = len(queries)
	switch {
	case kinds[write] && kinds[read]:
		s.Kind = "read and write"
	case kinds[write]:
		s.Kind = write
	default:
		s.Kind = read
	}
	return s
}

// statementCosts returns the costs by statement; waits without a statement are left out.
func statementCosts(waits []wait) map[int]Cost {
	out := map[int]Cost{}
	type pair struct {
		statement int
		query     *Query
	}
	seen := map[pair]bool{}
	for _, w := range waits {
		if w.statement < 0 {
			continue
		}
		c := out[w.statement]
		c.Stall = max(c.Stall, w.until.Sub(w.from))
		if p := (pair{w.statement, w.query}); !seen[p] {
			seen[p] = true
			c.Waited++
		}
		out[w.statement] = c
	}
	return out
}
