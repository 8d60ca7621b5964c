package traffic

import (
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/onward-sql/onward/internal/outside"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/workload"
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
