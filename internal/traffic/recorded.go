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

// recorded is a query of a recording.
type recorded struct {
	*workload.Query
	node *pgparse.Node
	kind string // read or write
	// origin is where it is from; touches: one of its relations is the release's, and main
	// is the relation by which it is known.
	origin  *Origin
	touches bool
	main    string

	// What the server's trial found.
	types  []uint32 // of the parameters, as they are declared; 0 leaves it to the server
	params []param
	mode   making
	cost   time.Duration
	// noise are the SQLSTATEs with which made-up values are refused at the base.
	mu    sync.Mutex
	noise map[string]bool

	quiet atomic.Int64 // as in shape
}

// The reasons for which a recorded query is no part of the load.
const (
	leftKind    = "are no single query: COPY, CALL, or what the parser does not take"
	leftReach   = "do what a rollback does not take back, or reach other sessions"
	leftRefused = "are refused by the deployed schema"
	leftValues  = "are refused with made-up values"
	leftSlow    = "take longer than 250 ms on these rows"
	leftUntried = "were not tried, for want of time"
	leftRare    = "touch nothing of the release, beside those of the kind that are sent most"
)

// single is the tree of a text that is one query; nil for any other. What a recording
// says of its kind is not believed.
func single(sql string) *pgparse.Node {
	f, err := pgparse.Split(sql)
	if err != nil || len(f.Stmts) != 1 {
		return nil
	}
	n := f.Stmts[0].Node
	switch pgparse.Unwrap(n).(type) {
	case *pgparse.SelectStmt, *pgparse.InsertStmt, *pgparse.UpdateStmt, *pgparse.DeleteStmt, *pgparse.MergeStmt:
		return n
	}
	return nil
}

// writes reports whether a query changes rows, or locks them.
func writes(q *workload.Query, n *pgparse.Node) bool {
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

// sift takes from a recording what may be run: the code's own queries that are one
// query each, and do nothing that is not taken back. The others are in left.
func sift(load *workload.Workload, left *leftOut) []*recorded {
	var out []*recorded
	for i := range load.Queries {
		q := &load.Queries[i]
		if !q.IsCode() {
			continue
		}
		r := &recorded{Query: q, kind: read, noise: map[string]bool{}, origin: &Origin{ID: q.ID, Sender: workload.Who(q.Senders)}}
		r.origin.Named = slices.ContainsFunc(q.Senders, func(s workload.Sender) bool { return s.Place != "" || s.Test != "" })
		if r.node = single(q.SQL); r.node == nil {
			left.add(r, leftKind, nil)
			continue
		}
		if outside.Reach(r.node) != "" {
			left.add(r, leftReach, nil)
			continue
		}
		if writes(q, r.node) {
			r.kind = write
		}
		out = append(out, r)
	}
	return out
}
