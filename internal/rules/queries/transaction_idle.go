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
	Preset:   onward.Recommended,
	Summary:  "A transaction that has changed or locked rows stays open while nothing is sent",
	Harm:     "What it has locked stays locked meanwhile: others that change the same rows wait, and so does a migration of the table, with everybody behind it. Mostly the code waits for another service. Told is a second or more in which a transaction is open and sends nothing.",
	Instead:  "Do what takes long, such as calls to other services, before the transaction or behind it.",
	Manual:   []string{"https://www.postgresql.org/docs/current/runtime-config-client.html#GUC-IDLE-IN-TRANSACTION-SESSION-TIMEOUT"},
}, check: func(p *pass) {
	p.idle(func(s *workload.Sequence, queries []*workload.Query) {
		if onlyReads(queries) {
			return
		}
		p.report(onward.QueryFinding{
			Sender: workload.Who(s.Senders), Count: s.Count, Most: int64(s.MostIdleMS),
			Fact:    fmt.Sprintf("a transaction stays open for %.1f s in which it sends nothing", s.MostIdleMS/1000),
			Harm:    "what it has locked stays locked meanwhile, and a migration waits for it",
			Instead: "do what takes long, such as calls to other services, before the transaction or behind it",
		}, queries...)
	})
}}

// idle is from how many milliseconds on a transaction that is open and sends nothing is told.
const idle = 1000

// idle calls f for the transactions of code that are open while nothing runs, with the
// queries that they send.
func (p *pass) idle(f func(*workload.Sequence, []*workload.Query)) {
	for i := range p.Workload.Sequences {
		s := &p.Workload.Sequences[i]
		if s.Transaction == "" || s.MostIdleMS < idle {
			continue
		}
		if queries, ok := p.ofCode(s); ok && len(queries) > 0 {
			f(s, queries)
		}
	}
}

// ofCode are the queries of a sequence, without those of the session; ok is false where
// some are not the code's own.
func (p *pass) ofCode(s *workload.Sequence) (out []*workload.Query, ok bool) {
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
		if !reads(q) || locksRows(q) || len(q.Functions) > 0 {
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
