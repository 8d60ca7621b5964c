package queries

import (
	"fmt"
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/lazyregexp"
	"github.com/onward-sql/onward/internal/rule"
	"github.com/onward-sql/onward/internal/workload"
	"github.com/onward-sql/onward/onward"
)

// queryForEachRow finds SELECTs that come again and again within a sequence: N+1.
var queryForEachRow = &Rule{Rule: rule.Rule{
	ID:       "query-for-each-row",
	Category: onward.Queries,
	Severity: onward.Warning,
	Summary:  "The same query is sent again and again, once for each row of another",
	Harm: "Each is a round trip to the server, and there are as many as there are rows: with production's rows the page takes seconds. " +
		"A test has few rows and shows nothing of it. Told are SELECTs with parameters that come 10 times or more at once, or by turns with one other query: " +
		"within one transaction, or with a value that an earlier query gave; where another SELECT before them is known to give as many rows.",
	Instead: "Ask once for all: a join, or = ANY ($1) with the list of keys. Mappers call it eager loading.",
}, check: checkRowLoops}

// manyTimes is how often a query must be repeated within one transaction or request to be
// reported.
const manyTimes = 10

// nearBy is the largest distance in steps between repetitions of a query: at once, or after
// one other query that belongs to it (A B A B). A test suite has many requests in one
// transaction, each of which begins with the same queries; these are no loop.
const nearBy = 2

func checkRowLoops(p *pass) {
	type loop struct {
		query       *workload.Query
		count, most int64
		test        string
	}
	found := map[string]*loop{}
	var order []*loop
	for i := range p.Workload.Sequences {
		s := &p.Workload.Sequences[i]
		for id, n := range p.countLoops(s) {
			q := p.queries[id]
			// A query without a parameter asks the same again, as pings do.
			if n < manyTimes || q == nil || !q.IsCode() || len(q.Params) == 0 || !isOnlyReading(q) || !isLoop(s, id) || !p.hasParent(s, id) {
				continue
			}
			l := found[id]
			if l == nil {
				l = &loop{query: q}
				found[id], order = l, append(order, l)
			}
			l.count += s.Count
			if test := findTest(s); n > l.most || n == l.most && l.test == "" {
				l.most, l.test = n, test
			}
		}
	}
	for _, l := range order {
		p.addFinding(onward.QueryFinding{
			Count: l.count, Most: l.most, Test: l.test,
			Fact:    fmt.Sprintf("the same query is sent up to %d times in one transaction or request", l.most),
			Harm:    "each is a round trip to the server, and there are as many as there are rows: with production's rows the page takes seconds",
			Instead: "ask once for all: a join, or = ANY ($1) with the list of keys; mappers call it eager loading",
		}, l.query)
	}
}

// countLoops counts how often each query of a sequence comes in its longest loop. A loop right after a query that has read
// the same rows at once is left out: the code asked once, and a test compares what it got.
func (p *pass) countLoops(s *workload.Sequence) map[string]int64 {
	most, now, last, compared := map[string]int64{}, map[string]int64{}, map[string]int{}, map[string]bool{}
	for i, step := range s.Steps {
		id := step.Query
		if previous, before := last[id]; !before || i-previous > nearBy {
			now[id] = 0
			compared[id] = i > 0 && readsAtOnce(p.queries[s.Steps[i-1].Query], p.queries[id])
		}
		last[id] = i
		now[id] += max(step.Times, 1)
		if !compared[id] {
			most[id] = max(most[id], now[id])
		}
	}
	return most
}

// keyList is a condition on a list of keys.
var keyList = lazyregexp.New(`(?i) (?:IN|= ANY) ?\((\$[0-9]+)(?:::[a-z ]+\[\])?\)`)

// readsAtOnce reports whether a query reads for a list of keys what another reads for one key.
func readsAtOnce(list, single *workload.Query) bool {
	if list == nil || single == nil {
		return false
	}
	from := func(sql string) string { return sql[max(strings.Index(sql, " FROM "), 0):] }
	text := from(list.SQL)
	return keyList.MatchString(text) && keyList.ReplaceAllString(text, " = $1") == from(single.SQL)
}

// hasParent reports whether a query before the loop gives the rows that it is sent for. Who
// asks for one thing again and again, until it has changed, has no such list.
func (p *pass) hasParent(s *workload.Sequence, id string) bool {
	for _, step := range s.Steps {
		if step.Query == id {
			return false
		}
		if q := p.queries[step.Query]; q != nil && q.IsCode() && isOnlyReading(q) && q.MostRows >= manyTimes {
			return true
		}
	}
	return false
}

// isLoop reports whether the repetitions of a query belong together. Outside a transaction
// they may come from a worker that polls, unless one of the values came from an earlier
// query.
func isLoop(s *workload.Sequence, id string) bool {
	return s.Transaction != "" || slices.ContainsFunc(s.Steps, func(step workload.Step) bool { return step.Query == id && step.Depends })
}
