package traffic

import (
	"cmp"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/onward-sql/onward/internal/lazyregexp"
	"github.com/onward-sql/onward/internal/outside"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/workload"
	"github.com/onward-sql/onward/onward"
)

// recordedQuery is a query of a recording.
type recordedQuery struct {
	*workload.Query
	node *pgparse.Node
	kind string // read or write
	// origin is its source. touches: one of its relations belongs to the release. mainRelation
	// is the relation under which it is reported.
	origin       *Origin
	touches      bool
	mainRelation string

	// Results of the trial on the server.
	types  []uint32 // the declared types of the parameters; 0 leaves the type to the server
	params []param
	mode   valueMode
	cost   time.Duration
	// noise are the SQLSTATEs that made-up values cause at the base.
	mu    sync.Mutex
	noise map[string]bool

	quietUntil atomic.Int64 // as in shape
}

// The reasons for which a recorded query is not part of the load.
const (
	leftKind    = "are no single query: COPY, CALL, or what the parser does not take"
	leftCopies  = "are no single query: COPY, or what the parser does not take"
	leftReach   = "do what a rollback does not take back, or reach other sessions"
	leftRefused = "are refused by the deployed schema"
	leftValues  = "are refused with made-up values"
	leftSlow    = "take longer than 250 ms on these rows"
	leftUntried = "were not tried, for want of time"
	leftRare    = "touch nothing of the release, except for the most frequent ones"
)

// parseSingleQuery returns the parse tree of a text with one query, or CALL if calls are runnable; nil for any other. The kind in
// the recording is not trusted.
func parseSingleQuery(sql string, calls bool) *pgparse.Node {
	n := pgparse.ParseStatement(sql)
	switch pgparse.Unwrap(n).(type) {
	case *pgparse.CallStmt:
		if calls {
			return n
		}
	case *pgparse.SelectStmt, *pgparse.InsertStmt, *pgparse.UpdateStmt, *pgparse.DeleteStmt, *pgparse.MergeStmt:
		return n
	}
	return nil
}

// changesRows reports whether a query changes rows, or locks them.
func changesRows(q *workload.Query, n *pgparse.Node) bool {
	if _, reads := pgparse.Unwrap(n).(*pgparse.SelectStmt); !reads {
		return true
	}
	found := slices.ContainsFunc(q.Uses, func(u workload.Use) bool { return u.Lock != "" && u.Lock != "AccessShareLock" })
	pgparse.Walk(n, func(msg any) bool {
		switch msg.(type) {
		case *pgparse.LockingClause, *pgparse.InsertStmt, *pgparse.UpdateStmt, *pgparse.DeleteStmt, *pgparse.MergeStmt:
			found = true
		}
		return !found
	})
	return found
}

// selectRunnable selects the queries of a recording that may be run: single queries of the code
// without effects that survive a rollback. The others are in left. calls adds CALL: each must run in a transaction, where the server lets no procedure commit.
func selectRunnable(load *workload.Workload, left *leftOut, calls bool) []*recordedQuery {
	var out []*recordedQuery
	for i := range load.Queries {
		q := &load.Queries[i]
		if !q.IsCode() {
			continue
		}
		r := &recordedQuery{Query: q, kind: read, noise: map[string]bool{}, origin: &Origin{ID: q.ID, Sender: workload.DescribeSenders(q.Senders)}}
		r.origin.Named = slices.ContainsFunc(q.Senders, func(s workload.Sender) bool { return s.Place != "" || s.Test != "" })
		if r.node = parseSingleQuery(q.SQL, calls); r.node == nil {
			leaveReason := leftKind
			if calls {
				leaveReason = leftCopies
			}
			left.addQuery(r, leaveReason, nil)
			continue
		}
		if outside.DescribeReach(r.node) != "" {
			left.addQuery(r, leftReach, nil)
			continue
		}
		if changesRows(q, r.node) {
			r.kind = write
		}
		out = append(out, r)
	}
	return out
}

// Recorded summarizes the use of recordings.
type Recorded struct {
	// Queries counts the distinct queries of the code in the recordings. Run counts those
	// in the load, Touching those of them that use a relation of the release.
	Queries, Run, Touching int
	// Transactions counts the distinct transactions that were run. Unwrapped:
	// transactions that were rolled back were not run as such, because most were, as in a
	// test suite that wraps its tests so.
	Transactions int
	Unwrapped    bool
	// Left are the queries outside of the load, by reason.
	Left []onward.LeftOut
	// MadeUp are relations of the release without a recorded query, for which queries
	// were made up.
	MadeUp []string
	// Sent is how often each query was sent after the load had begun, by its ID.
	// TouchingSent is how many of Touching were sent. Tried also counts those that were
	// sent only after the load had ended.
	Sent                map[string]int64
	TouchingSent, Tried int
}

// Limits for the examples of queries that were left out.
const (
	fewExamples  = 3
	moreExamples = 20 // for queries that the deployed schema refuses: the recording is from another schema
)

// leftOut collects the queries outside of the load.
type leftOut struct{ list []onward.LeftOut }

func (l *leftOut) addQuery(q *recordedQuery, reason string, err *onward.ServerError) {
	index := slices.IndexFunc(l.list, func(o onward.LeftOut) bool { return o.Why == reason })
	if index < 0 {
		index = len(l.list)
		l.list = append(l.list, onward.LeftOut{Why: reason})
	}
	o := &l.list[index]
	o.Queries++
	o.Calls += q.Calls
	most := fewExamples
	if reason == leftRefused {
		most = moreExamples
	}
	if len(o.Examples) < most {
		o.Examples = append(o.Examples, onward.LeftQuery{ID: q.ID, Query: q.SQL, Sender: q.origin.Sender, Error: err})
	}
}

// sortGroups returns the largest groups first.
func (l *leftOut) sortGroups() []onward.LeftOut {
	slices.SortStableFunc(l.list, func(a, b onward.LeftOut) int { return cmp.Compare(b.Queries, a.Queries) })
	return l.list
}

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
