package queries

import (
	"fmt"

	"github.com/onward-sql/onward/internal/rule"
	"github.com/onward-sql/onward/internal/workload"
	"github.com/onward-sql/onward/onward"
)

// transactionIdle finds transactions that change rows, and stay open while nothing runs.
var transactionIdle = &Rule{Rule: rule.Rule{
	ID:       "transaction-idle",
	Category: onward.Queries,
	Severity: onward.Warning,
	Summary:  "A transaction that has changed or locked rows stays open while nothing is sent",
	Harm: "Its locks stay meanwhile: others that change the same rows wait, and so does a migration of the table, " +
		"and everybody who comes after the migration. Mostly the code waits for another service. " +
		"Reported is a second or more in which a transaction is open and sends nothing.",
	Instead: "Do slow work, such as calls to other services, before or after the transaction.",
	Manual:  []string{"https://www.postgresql.org/docs/current/runtime-config-client.html#GUC-IDLE-IN-TRANSACTION-SESSION-TIMEOUT"},
}, check: func(p *pass) {
	p.reportIdleTransactions(false, onward.QueryFinding{
		Fact:    "a transaction stays open for %.1f s in which it sends nothing",
		Harm:    "what it has locked stays locked meanwhile, and a migration waits for it",
		Instead: "do slow work, such as calls to other services, before or after the transaction",
	})
}}

// idle is how many milliseconds a transaction must be open without a query to be reported.
const idle = 1000

// reportIdleTransactions reports the transactions of code that are open while nothing runs: those that only read, or the others. The
// finding's Fact has a place for how many seconds they do so.
func (p *pass) reportIdleTransactions(reads bool, f onward.QueryFinding) {
	fact := f.Fact
	for i := range p.Workload.Sequences {
		s := &p.Workload.Sequences[i]
		if s.Transaction == "" || s.MostIdleMS < idle {
			continue
		}
		if queries, ok := p.listCodeQueries(s); ok && len(queries) > 0 && onlyReads(queries) == reads {
			f.Sender, f.Count, f.Most = workload.DescribeSenders(s.Senders), s.Count, int64(s.MostIdleMS)
			f.Fact = fmt.Sprintf(fact, s.MostIdleMS/1000)
			p.addFinding(f, queries...)
		}
	}
}

// listCodeQueries returns the queries of a sequence, without queries about the session. ok is false if
// some were not sent by the code.
func (p *pass) listCodeQueries(s *workload.Sequence) (out []*workload.Query, ok bool) {
	for _, step := range s.Steps {
		q := p.queries[step.Query]
		switch {
		case q == nil || q.Kind == workload.DDL || q.Mark != workload.Code && q.Mark != workload.Session:
			return nil, false
		case q.Mark == workload.Code:
			out = append(out, q)
		}
	}
	return out, true
}

// onlyReads reports whether queries change and lock nothing. A call of a function may.
func onlyReads(queries []*workload.Query) bool {
	for _, q := range queries {
		if !isOnlyReading(q) || locksRows(q) || len(q.Functions) > 0 {
			return false
		}
	}
	return true
}

// locksRows reports whether a SELECT is FOR UPDATE, or the like.
func locksRows(q *workload.Query) bool {
	for _, u := range q.Uses {
		if u.Lock == "RowShareLock" {
			return true
		}
	}
	return false
}
