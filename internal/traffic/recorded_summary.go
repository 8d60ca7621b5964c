package traffic

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/onward-sql/onward/internal/lazyregexp"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/onward"
)

// addRecordedSummary adds the summary of recordings to the report.
func addRecordedSummary(t *onward.Traffic, r *Recorded) {
	if r == nil {
		return
	}
	if r.Touching > 0 {
		t.Source = "workload"
	}
	t.Recorded = &onward.RecordedTraffic{
		Queries: r.Queries, Run: r.Run, Touching: r.Touching, Sent: r.TouchingSent, Tried: r.Tried,
		Transactions: r.Transactions, Unwrapped: r.Unwrapped, Left: r.Left, MadeUp: r.MadeUp,
	}
}

// listWaiters lists who waited, by name, the longest first. A name is a place in the code or a
// test. An application_name is not specific enough, so its queries are listed one by one.
func listWaiters(waits []wait) []onward.Waiter {
	type group struct {
		onward.Waiter
		ids     map[string]bool
		queries map[*Query]bool
	}
	groups := map[string]*group{}
	var order []string
	for _, w := range waits {
		origin := w.query.Of
		if origin == nil {
			continue
		}
		key := origin.ID
		if origin.Named {
			key = "\x00" + origin.Sender
		}
		g := groups[key]
		if g == nil {
			g = &group{Waiter: onward.Waiter{Sender: origin.Sender, WorstMS: -1}, ids: map[string]bool{}, queries: map[*Query]bool{}}
			groups[key] = g
			order = append(order, key)
		}
		g.ids[origin.ID], g.queries[w.query] = true, true
		if d := toMillis(w.until.Sub(w.from)); d > g.WorstMS {
			g.WorstMS, g.Statement, g.Query, g.ID = d, w.statement, w.query.SQL, origin.ID
		}
	}
	var out []onward.Waiter
	for _, key := range order {
		g := groups[key]
		g.Queries, g.Waits = len(g.ids), len(g.queries)
		out = append(out, g.Waiter)
	}
	slices.SortStableFunc(out, func(a, b onward.Waiter) int { return cmp.Compare(b.WorstMS, a.WorstMS) })
	return out
}

// describeFailure describes an error, with the statement after which it occurred.
func describeFailure(f *Failure, zero time.Time, locks []Held) onward.TrafficFailure {
	out := onward.TrafficFailure{Relation: f.Relation, Query: f.SQL, Error: f.Err, AtMS: toMillis(f.At.Sub(zero)), Count: f.Count,
		After: findCausingStatement(f, locks)}
	if f.Of != nil {
		out.Sender, out.ID = f.Of.Sender, f.Of.ID
	}
	return out
}

// late is how much later the end of a transaction may be recorded than others have seen
// it.
const late = 100 * time.Millisecond

// findCausingStatement returns the statement after which a query failed. Of the statements whose
// transaction had ended, it takes the last one that has the most names of the server's
// message; else the last one on a relation of the query. It is nil if there is none.
func findCausingStatement(f *Failure, locks []Held) *int {
	names := listErrorNames(f.Err.Message)
	best, rank := -1, 0
	var ended time.Time
	for i := range locks {
		h := &locks[i]
		if h.SQL == "" || h.Until.After(f.At.Add(late)) {
			continue
		}
		r := 0
		if h.Relation == f.Relation || f.Of != nil && slices.Contains(f.Of.Relations, h.Relation) {
			r = 1
		}
		words := pgparse.ListNames(h.SQL)
		for _, n := range names {
			if slices.Contains(words, n) {
				r += 2
			}
		}
		if r > rank || r > 0 && r == rank && (h.Until.After(ended) || h.Until.Equal(ended) && h.Statement > best) {
			best, rank, ended = h.Statement, r, h.Until
		}
	}
	if best < 0 {
		return nil
	}
	return &best
}

var namePattern = lazyregexp.New(`"([^"]+)"|(?:column|relation|type|function) ([\w$.]+)`)

// listErrorNames returns the names in the server's message: the last part of each.
func listErrorNames(message string) []string {
	var out []string
	for _, m := range namePattern.FindAllStringSubmatch(message, -1) {
		name := cmp.Or(m[1], m[2])
		if name = name[strings.LastIndexByte(name, '.')+1:]; !slices.Contains(out, name) {
			out = append(out, name)
		}
	}
	return out
}
