package queries

import (
	"fmt"

	"github.com/onward-sql/onward/internal/rule"
	"github.com/onward-sql/onward/internal/workload"
	"github.com/onward-sql/onward/onward"
)

// joinMultiplies finds joins whose rows are many times the parents that they are of.
var joinMultiplies = &Rule{Rule: rule.Rule{
	ID:       "join-multiplies",
	Category: onward.Queries,
	Severity: onward.Warning,
	Summary:  "Two joins to many rows multiply one another",
	Harm: "Where two tables have many rows for one of a third, joining both gives each row of the one with each of the other: " +
		"a customer with 200 orders and 50 addresses comes as 10,000 rows. Told are joins of three tables or more that give 100 rows or more in one call, " +
		"and on the whole five or more for each value of the result's first column.",
	Instead: "Read one of the many sides with a query of its own, or aggregate it before the join.",
}, check: checkMultiplied}

const (
	manyRows   = 100 // of one call, where parents are counted
	multiplied = 5   // rows for each parent
)

func checkMultiplied(p *pass) {
	p.eachCodeQuery(func(q *workload.Query) {
		if q.Kind != workload.Select || q.Parents <= 0 || q.MostRows < manyRows || q.Rows/q.Parents < multiplied || len(q.Uses) < 3 {
			return
		}
		p.addFinding(onward.QueryFinding{
			Count: q.Calls, Most: q.MostRows,
			Fact:    fmt.Sprintf("a join of %d tables gives %d rows for %d different values of its first column", len(q.Uses), q.Rows, q.Parents),
			Harm:    "where two tables have many rows for one, the join gives each of the one with each of the other: rows grow as their product",
			Instead: "read one of the many sides with a query of its own, or aggregate it before the join",
		}, q)
	})
}
