package traffic

import (
	"cmp"
	"slices"
	"time"

	"github.com/onward-sql/onward/onward"
)

// Held is what the migrating session had: a lock on a relation, from when a
// statement asked for it until it was released.
type Held struct {
	// Statement is the index in [onward.Rehearsal.Statements].
	Statement int
	// SQL is its text, where its outcome was seen by others from Until on; Lock is NoLock
	// then, and the relation is one that it works on.
	SQL string
	// Relation is schema-qualified and unquoted: "public.users".
	Relation    string
	Lock        onward.Lock
	From, Until time.Time
}

// Cost is what one statement cost the load.
type Cost struct {
	// Stall is the longest time for which a query stood still because of it.
	Stall time.Duration
	// Waited is how many did.
	Waited int
}

// mostShown slots are in a report.
const mostShown = 400

// Summarise puts a log on the time axis that begins at zero, and blames the
// waits on statements: the stalls, and the costs by statement index. What the
// load did before zero is left out.
func Summarise(log *Log, zero time.Time, held []Held) (*onward.Traffic, map[int]Cost) {
	t := &onward.Traffic{Source: "schema", UsualMS: ms(log.usual.median()), Slots: []onward.TrafficSlot{}, Stalls: []onward.Stall{}, Failures: []onward.TrafficFailure{}}
	showSlots(t, log, zero)
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
		t.WorstMS = max(t.WorstMS, ms(q.Until.Sub(q.From)))
		waits = append(waits, blame(q, held)...)
	}
	t.Stalls = append(t.Stalls, stalls(waits, zero)...)
	t.Waiters = waiters(waits)
	tellRecorded(t, log.Recorded)
	for _, f := range log.Failures {
		t.Failed += f.Count
		t.Failures = append(t.Failures, failure(&f, zero, held))
	}
	if log.Long != nil {
		t.LongTransaction = &onward.Span{FromMS: ms(log.Long.From.Sub(zero)), UntilMS: ms(log.Long.Until.Sub(zero))}
	}
	return t, costs(waits)
}

func ms(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

// showSlots merges the log's slots to at most mostShown, of a round width.
func showSlots(t *onward.Traffic, log *Log, zero time.Time) {
	fine := cmp.Or(log.slots.width, finest)
	span := max(log.Until.Sub(zero), 0)
	factor := 1
	for i := 0; span > mostShown*fine*time.Duration(factor); i++ {
		factor = []int{1, 2, 5}[i%3] * pow10(i/3)
	}
	width := fine * time.Duration(factor)
	t.SlotMS = ms(width)
	if span > 0 {
		t.Slots = make([]onward.TrafficSlot, (span+width-1)/width)
	}
	for i, s := range log.slots.list {
		// The log began a little before zero: a slot goes where its middle is.
		at := log.From.Add(time.Duration(i)*fine + fine/2).Sub(zero)
		if at < 0 || len(t.Slots) == 0 {
			continue
		}
		to := &t.Slots[min(int(at/width), len(t.Slots)-1)]
		to.WorstMS = max(to.WorstMS, ms(s.worst))
		to.Done += s.done
		t.Queries += s.done
		t.WorstMS = max(t.WorstMS, ms(s.worst))
	}
}

func pow10(n int) int {
	p := 1
	for range n {
		p *= 10
	}
	return p
}

// wait is a wait with the statement that is to blame, -1 for none.
type wait struct {
	query       *Query
	relation    string
	statement   int
	from, until time.Time
}

// blame cuts a query's time by its waits: the first begins with the query, and
// each lasts until the next was seen, or to the query's end.
func blame(q *Query, held []Held) []wait {
	var out []wait
	for i, w := range q.Waits {
		from, until := w.From, q.Until
		if i == 0 {
			from = q.From
		}
		if i+1 < len(q.Waits) {
			until = q.Waits[i+1].From
		}
		out = append(out, wait{query: q, relation: cmp.Or(w.Relation, q.Relation), statement: culprit(q, w, from, until, held), from: from, until: until})
	}
	return out
}

// culprit is the statement whose lock stood in the way for most of a wait; the
// first one, when several did. It is looked for on the relation that the server
// named, then on the one that the query names, then on any: the release may have
// renamed the relation, or hold a partition that the server names by its parent.
func culprit(q *Query, w Wait, from, until time.Time, held []Held) int {
	for _, relation := range []string{cmp.Or(w.Relation, q.Relation), q.Relation, ""} {
		best, statement := time.Duration(0), -1
		for _, h := range held {
			if relation != "" && h.Relation != relation || !stands(h.Lock, w.Lock) {
				continue
			}
			begin, end := later(from, h.From), until
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

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// stands reports whether a held lock stands in the way of an asked one; for a
// row (NoLock), whether its transaction can have locked rows.
func stands(held, asked onward.Lock) bool {
	if asked == onward.NoLock {
		return held >= onward.RowShareLock
	}
	return held.Conflicts(asked)
}

// stalls merges waits that overlap, of one relation and one statement.
func stalls(waits []wait, zero time.Time) []onward.Stall {
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
				until = later(until, group[end].until)
			}
			s := stall(group[first:end], zero)
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

// stall is one, of waits that overlap, sorted by their beginning.
func stall(waits []wait, zero time.Time) onward.Stall {
	s := onward.Stall{Span: onward.Span{FromMS: ms(waits[0].from.Sub(zero))}}
	queries, kinds := map[*Query]bool{}, map[string]bool{}
	longest := time.Duration(-1)
	for _, w := range waits {
		queries[w.query], kinds[w.query.Kind] = true, true
		s.UntilMS = max(s.UntilMS, ms(w.until.Sub(zero)))
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

// costs are per statement; what no statement explains is left out.
func costs(waits []wait) map[int]Cost {
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
