package queries

import (
	"fmt"

	"github.com/onward-sql/onward/internal/rule"
	"github.com/onward-sql/onward/internal/workload"
	"github.com/onward-sql/onward/onward"
)

// queryChain finds long chains of different queries of which each needs an earlier one.
var queryChain = &Rule{Rule: rule.Rule{
	ID:       "query-chain",
	Category: onward.Queries,
	Severity: onward.Warning,
	Summary:  "Many different reads follow on one another, each with a value that an earlier one gave",
	Harm: "None can be sent before the one that it needs has answered: the request waits for as many round trips, whatever each costs. " +
		"A test's server is a tenth of a millisecond away, production's a whole one or more. " +
		"Told are chains of eight reads or more in a row, each another query, in one request or one transaction that commits.",
	Instead: "Join what belongs together, or read it with one query in WITH; what does not need the others goes out beside them.",
}, check: checkChains}

// longChain is the number of reads, including the first, from which a chain is reported.
const longChain = 8

func checkChains(p *pass) {
	found := map[string]int{} // by first and last query: index into out
	for i := range p.Workload.Sequences {
		s := &p.Workload.Sequences[i]
		// A suite wraps a whole test into a transaction, and takes it back: that is many
		// requests, all about the rows that the test has made.
		if s.Transaction == "rollback" {
			continue
		}
		list := p.longestChain(s)
		if len(list) < longChain {
			continue
		}
		key := list[0].ID + list[len(list)-1].ID
		if index, exists := found[key]; exists {
			f := &p.out[index]
			f.Count += s.Count
			if n := int64(len(list)); n > f.Most || n == f.Most && f.Test == "" {
				f.Most, f.Fact, f.Test = n, formatChainFact(n), findTest(s)
			}
			continue
		}
		found[key] = len(p.out)
		p.addFinding(onward.QueryFinding{
			Sender: workload.DescribeSenders(s.Senders), Count: s.Count, Most: int64(len(list)), Test: findTest(s),
			Fact:    formatChainFact(int64(len(list))),
			Harm:    "none can be sent before the one that it needs has answered: the request waits for as many round trips to the server",
			Instead: "join what belongs together, or read it with one query",
		}, list...)
	}
}

func formatChainFact(n int64) string {
	return fmt.Sprintf("%d different reads follow on one another, each with a value that an earlier one gave", n)
}

// longestChain is the longest chain of a sequence: reads that each wait for one more round trip. A query that comes again begins anew: a loop is
// another finding, and requests that begin alike are no chain.
func (p *pass) longestChain(s *workload.Sequence) []*workload.Query {
	var best, now []*workload.Query
	in, trips := map[string]bool{}, 0
	end := func() {
		if len(now) > len(best) {
			best = now
		}
		now, in, trips = nil, map[string]bool{}, 0
	}
	for _, step := range s.Steps {
		q := p.queries[step.Query]
		if q == nil || !q.IsCode() || !isOnlyReading(q) {
			end()
			continue
		}
		if !step.Depends || in[q.ID] || step.Times > 1 {
			end()
		}
		in[q.ID] = true
		if len(now) > 0 && step.Trips > 0 && step.Trips <= trips {
			continue // it could be sent beside the last one
		}
		now, trips = append(now, q), step.Trips
	}
	end()
	return best
}
