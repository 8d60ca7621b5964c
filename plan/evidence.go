package plan

import (
	"fmt"
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/workload"
	"github.com/onward-sql/onward/onward"
	"github.com/onward-sql/onward/verify"
)

// fromRecord is what a recording of `onward record` says of where it is from.
const fromRecord = "record"

// recorded are the recordings of both codes.
type recorded struct{ old, fresh []*verify.Workload }

// unwritten says on what evidence a code is known never to write a column of a table by itself; ""
// where it may. What code is read from its files proves nothing here: more may be put together when it runs.
func (r *recorded) unwritten(of onward.Code, table *catalog.Relation, column string) string {
	list := r.old
	if of == onward.NewCode {
		list = r.fresh
	}
	calls, queries := int64(0), 0
	for _, w := range list {
		if len(w.Notes) > 0 || len(w.Sources) == 0 || slices.ContainsFunc(w.Sources, func(s string) bool { return s != fromRecord }) {
			return "" // something is not in it
		}
		for i := range w.Queries {
			q := &w.Queries[i]
			if !q.IsCode() {
				continue
			}
			on, writes := writes(q, table.Name, column)
			if writes {
				return ""
			}
			if on {
				calls, queries = calls+q.Calls, queries+1
			}
		}
	}
	if calls == 0 { // it says nothing of the table
		return ""
	}
	return fmt.Sprintf("no write of %s among %d recorded calls (%d queries) on %s", column, calls, queries, table.Name)
}

// writes reports whether a query is on a table, and whether it writes a column of it, or may.
func writes(q *workload.Query, table catalog.Name, column string) (on, writes bool) {
	if q.Resolved != "server" || q.Disputed || q.Unread != "" || q.Kind == workload.Call || q.Kind == workload.DDL || q.Kind == workload.Broken {
		on = slices.Contains(pgparse.Names(q.SQL), table.Name)
		return on, on || q.Kind == workload.Call || q.Kind == workload.Broken
	}
	for i := range q.Uses {
		u := &q.Uses[i]
		if u.Relation != table.Qualified() {
			continue
		}
		on = true
		adds := q.Kind == workload.Insert || q.Kind == workload.Merge || q.Kind == workload.Copy && strings.Contains(u.Lock, "Exclusive")
		writes = writes || slices.Contains(u.Writes, column) || adds && len(u.Writes) == 0
	}
	return on, writes
}
