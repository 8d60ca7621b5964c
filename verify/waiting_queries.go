package verify

import (
	"cmp"
	"slices"
	"strings"

	"github.com/onward-sql/onward/onward"
)

// examples bounds the queries that are named for a statement.
const examples = 3

// addWaitingQueries says of each statement which of the deployed code's queries its locks make wait.
// The locks that a query takes are those that the server took to plan it at the base.
func (c *checker) addWaitingQueries(r *onward.Report) {
	base := c.moments[0]
	byName := map[string][]*recordedQuery{}
	locksByQuery := map[*recordedQuery]map[string]onward.Lock{}
	var calls int64
	for _, q := range c.queries {
		if q.code != onward.OldCode || len(q.states) == 0 {
			continue
		}
		calls += q.calls
		locksByQuery[q] = map[string]onward.Lock{}
		for oid, text := range q.states[0].relations {
			if o := base.schema.relations[oid]; o != nil {
				byName[o.schema+"."+o.name] = append(byName[o.schema+"."+o.name], q)
				locksByQuery[q][o.schema+"."+o.name] = parseLockMode(text)
			}
		}
	}
	for i := range r.Migrations {
		for j := range r.Migrations[i].Statements {
			st := &r.Migrations[i].Statements[j]
			waits := map[*recordedQuery]bool{}
			w := &onward.Waiting{}
			for _, e := range st.Effects {
				if e.New || e.Lock < onward.ShareLock {
					continue
				}
				before := len(waits)
				for _, q := range byName[e.Relation] {
					if locksConflict(e.Lock, locksByQuery[q][e.Relation]) {
						waits[q] = true
					}
				}
				if len(waits) > before {
					w.Relations = append(w.Relations, strings.TrimPrefix(e.Relation, "public."))
				}
			}
			if len(waits) > 0 {
				sumWaiting(w, waits, calls)
				st.Waiting = w
			}
		}
	}
}

// locksConflict reports whether a query that takes one lock waits for who holds another
// (https://www.postgresql.org/docs/current/explicit-locking.html#LOCKING-TABLES).
func locksConflict(heldLock, wanted onward.Lock) bool {
	switch wanted {
	case onward.AccessShareLock:
		return heldLock.BlocksReads()
	case onward.RowShareLock:
		return heldLock >= onward.ExclusiveLock
	}
	return heldLock.BlocksWrites()
}

// sumWaiting counts the queries that wait.
func sumWaiting(w *onward.Waiting, waits map[*recordedQuery]bool, calls int64) {
	var list []*recordedQuery
	for q := range waits {
		list = append(list, q)
		w.Queries++
		w.Calls += q.calls
	}
	if calls > 0 {
		w.Share = float64(w.Calls) / float64(calls)
	}
	slices.SortFunc(list, func(a, b *recordedQuery) int { return cmp.Or(-cmp.Compare(a.calls, b.calls), cmp.Compare(a.ID, b.ID)) })
	for _, q := range list[:min(len(list), examples)] {
		w.Examples = append(w.Examples, onward.WaitingQuery{ID: q.ID, Query: q.SQL, Sender: q.sender, Calls: q.calls})
	}
}
