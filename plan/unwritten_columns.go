package plan

import (
	"fmt"
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/workload"
	"github.com/onward-sql/onward/verify"
)

// fromRecord is the source that a recording of `onward record` names.
const fromRecord = "record"

// recordings are of the queries that the new code sends.
type recordings []*verify.Workload

// proveUnwritten returns a sentence that proves that the new code never writes a column of a table; "" without proof.
// Queries that were read from source files are no evidence, because the code may build others at run time.
func (r recordings) proveUnwritten(table *catalog.Relation, column string) string {
	calls, queries := int64(0), 0
	for _, w := range r {
		if len(w.Notes) > 0 || len(w.Sources) == 0 || slices.ContainsFunc(w.Sources, func(s string) bool { return s != fromRecord }) {
			return "" // the recording is incomplete
		}
		for i := range w.Queries {
			q := &w.Queries[i]
			if !q.IsCode() {
				continue
			}
			mentions, writes := writesColumn(q, table.Name, column)
			if writes {
				return ""
			}
			if mentions {
				calls, queries = calls+q.Calls, queries+1
			}
		}
	}
	if calls == 0 { // the recording has no query on the table
		return ""
	}
	return fmt.Sprintf("no write of %s among %d recorded calls (%d queries) on %s", column, calls, queries, table.Name)
}

// writesColumn reports whether a query uses a table, and whether it writes a column, or onward cannot tell.
func writesColumn(q *workload.Query, table catalog.Name, column string) (mentions, writes bool) {
	if q.Resolved != "server" || q.Disputed || q.Unread != "" || q.Kind == workload.Call || q.Kind == workload.DDL || q.Kind == workload.Broken {
		mentions = slices.Contains(pgparse.ListNames(q.SQL), table.Name)
		return mentions, mentions || q.Kind == workload.Call || q.Kind == workload.Broken
	}
	for i := range q.Uses {
		u := &q.Uses[i]
		if u.Relation != table.Qualified() {
			continue
		}
		mentions = true
		adds := q.Kind == workload.Insert || q.Kind == workload.Merge || q.Kind == workload.Copy && strings.Contains(u.Lock, "Exclusive")
		writes = writes || slices.Contains(u.Writes, column) || adds && len(u.Writes) == 0
	}
	return mentions, writes
}
