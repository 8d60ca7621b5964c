// Package judge finds in a recording what makes an application slow by the way in which it
// asks: one query for each row of another, joins that multiply each other, transactions
// that stay open for nothing.
//
// Recordings are of tests, with small tables, so what is told rests on counts of messages and
// rows of one call, never on times of a query.
package judge

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/onward-sql/onward/internal/workload"
)

// Finding is what was found, most expensive first.
type Finding struct {
	// Rule names what is wrong: "query-for-each-row".
	Rule string
	// Queries are the IDs of those that it is about; SQL is the text of the first.
	Queries []string
	SQL     string
	// Sender is who sends it; "" where nobody says.
	Sender string
	// Count is how often it was seen, Most the size that it had at most: messages,
	// rows, milliseconds.
	Count, Most int64
	// Fact, Harm, Instead are as in onward.Finding.
	Fact, Harm, Instead string
}

// The sizes from which on something is told.
const (
	manyTimes  = 10   // the same query within one transaction or request
	manyRows   = 100  // rows of one call, where parents are counted
	multiplied = 5    // rows for each parent
	idle       = 1000 // milliseconds in which a transaction was open and nothing ran
)

// Judge lists what is wrong with the queries of a recording. Migrations, fixtures and
// questions to the catalogs are not judged.
func Judge(w *workload.Workload) []Finding {
	queries := make(map[string]*workload.Query, len(w.Queries))
	var out []Finding
	for i := range w.Queries {
		q := &w.Queries[i]
		queries[q.ID] = q
		if f, ok := multiplies(q); ok {
			out = append(out, f)
		}
	}
	each := map[string]*Finding{}
	for i := range w.Sequences {
		s := &w.Sequences[i]
		forEachRow(each, queries, s)
		if f, ok := idles(queries, s); ok {
			out = append(out, f)
		}
	}
	for _, f := range each {
		f.Fact = fmt.Sprintf("the same query is sent up to %d times in one transaction or request", f.Most)
		out = append(out, *f)
	}
	slices.SortFunc(out, func(a, b Finding) int {
		return cmp.Or(cmp.Compare(a.Rule, b.Rule), cmp.Compare(b.Most, a.Most), cmp.Compare(b.Count, a.Count), slices.Compare(a.Queries, b.Queries))
	})
	return out
}

// nearBy is how many steps on the same query comes again: at once, or behind one other
// that goes with it (A B A B). A suite has many requests in one transaction, each of which
// begins with the same queries: these are no loop.
const nearBy = 2

// runs are how often each query of a sequence comes in its longest loop.
func runs(s *workload.Sequence) map[string]int64 {
	most, now, last := map[string]int64{}, map[string]int64{}, map[string]int{}
	for i, step := range s.Steps {
		if at, before := last[step.Query]; before && i-at > nearBy {
			now[step.Query] = 0
		}
		last[step.Query] = i
		now[step.Query] += max(step.Times, 1)
		most[step.Query] = max(most[step.Query], now[step.Query])
	}
	return most
}

// reads reports whether a SELECT reads tables, and does no more: a call of a function, and
// a WITH that changes rows, are there for what they do.
func reads(q *workload.Query) bool {
	return (len(q.Uses) > 0 || q.Resolved == "") && !slices.ContainsFunc(q.Uses, func(u workload.Use) bool { return len(u.Writes) > 0 || u.Lock == "RowExclusiveLock" })
}

// loops reports whether the repetitions of a query belong together: outside of a
// transaction they may be those of a worker that asks for news, unless what it is given
// came from a query before.
func loops(s *workload.Sequence, id string) bool {
	return s.Transaction != "" || slices.ContainsFunc(s.Steps, func(step workload.Step) bool { return step.Query == id && step.Depends })
}

// forEachRow notes SELECTs that come again and again within a sequence: N+1.
func forEachRow(found map[string]*Finding, queries map[string]*workload.Query, s *workload.Sequence) {
	for id, n := range runs(s) {
		q := queries[id]
		// A query without a parameter asks the same again, as pings do.
		if n < manyTimes || q == nil || !q.IsCode() || q.Kind != workload.Select || len(q.Params) == 0 || !reads(q) || !loops(s, id) {
			continue
		}
		f := found[id]
		if f == nil {
			f = &Finding{
				Rule: "query-for-each-row", Queries: []string{id}, SQL: q.SQL, Sender: workload.Who(q.Senders),
				Harm:    "each is a round trip to the server, and there are as many as there are rows: with production's rows the page takes seconds",
				Instead: "ask once for all: a join, or = ANY ($1) with the list of keys; mappers call it eager loading",
			}
			found[id] = f
		}
		f.Count += s.Count
		f.Most = max(f.Most, n)
	}
}

// multiplies tells of joins whose rows are many times the parents that they are of.
func multiplies(q *workload.Query) (Finding, bool) {
	if !q.IsCode() || q.Kind != workload.Select || q.Parents <= 0 || q.MostRows < manyRows || q.Rows/q.Parents < multiplied || len(q.Uses) < 3 {
		return Finding{}, false
	}
	return Finding{
		Rule: "join-multiplies", Queries: []string{q.ID}, SQL: q.SQL, Sender: workload.Who(q.Senders), Count: q.Calls, Most: q.MostRows,
		Fact:    fmt.Sprintf("a join of %d tables gives %d rows for %d different values of its first column", len(q.Uses), q.Rows, q.Parents),
		Harm:    "where two tables have many rows for one, the join gives each of the one with each of the other: rows grow as their product",
		Instead: "read one of the many sides with a query of its own, or aggregate it before the join",
	}, true
}

// idles tells of transactions that only read, and stay open while nothing runs.
func idles(queries map[string]*workload.Query, s *workload.Sequence) (Finding, bool) {
	if s.Transaction == "" || s.MostIdleMS < idle {
		return Finding{}, false
	}
	reads := true
	var ids []string
	for _, step := range s.Steps {
		q := queries[step.Query]
		if q == nil || q.Kind == workload.DDL || q.Mark != workload.Code {
			if q == nil || q.Mark != workload.Session {
				return Finding{}, false
			}
			continue
		}
		reads = reads && q.Kind == workload.Select
		ids = append(ids, q.ID)
	}
	if len(ids) == 0 {
		return Finding{}, false
	}
	f := Finding{
		Rule: "transaction-idle", Queries: ids, SQL: queries[ids[0]].SQL, Sender: workload.Who(s.Senders), Count: s.Count, Most: int64(s.MostIdleMS),
		Fact:    fmt.Sprintf("a transaction stays open for %.1f s in which it sends nothing", s.MostIdleMS/1000),
		Harm:    "what it has locked stays locked meanwhile, and a migration waits for it",
		Instead: "do what takes long, such as calls to other services, before the transaction or behind it",
	}
	if reads {
		f.Instead = "it only reads: end it before what takes long, or send its queries without a transaction"
	}
	return f, true
}
