package transaction

import (
	"fmt"

	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/rule"
	"github.com/onward-sql/onward/onward"
)

// LockOrder flags two transactions of a release that lock the same two tables
// in opposite order.
// https://www.postgresql.org/docs/current/explicit-locking.html#LOCKING-DEADLOCKS
var LockOrder = &rule.Rule{
	ID:       "transaction-lock-order",
	Category: onward.InTransaction,
	Severity: onward.Warning,
	OnlyIn:   onward.Strict,
	Summary:  "two transactions of the release lock the same tables in opposite order",
	Harm: "Whatever order the application uses, one of the two goes against it: a session that holds one table and waits for the other deadlocks with the " +
		"migration, and the server ends one of them.",
	Instead: "Lock the tables in one order everywhere, or give each a transaction of its own.",
	Manual:  []string{"https://www.postgresql.org/docs/current/explicit-locking.html#LOCKING-DEADLOCKS"},
	Gather:  gatherLocks,
	Release: checkLockOrder,
}

// gatherLocks keeps the transactions that lock several tables.
func gatherLocks(p *rule.Pass, m *rule.Migration) {
	for _, t := range m.Txs {
		if locked := listLockedTables(p, t); len(locked) > 1 {
			p.KeepValue(locked)
		}
	}
}

func checkLockOrder(p *rule.Pass, _ *rule.Release) {
	type pair struct{ a, b catalog.Name }
	first := map[pair]lockedTable{} // a before b: where b was locked
	for _, locked := range rule.KeptValues[[]lockedTable](p) {
		for i, a := range locked {
			for _, b := range locked[i+1:] {
				if a.by == b.by {
					continue
				}
				if other, ok := first[pair{b.Name, a.Name}]; ok {
					p.Report(b.by, rule.Report{
						Fact:     fmt.Sprintf("the transaction locks %s and then %s, the other way round than %s:%d", a.Name, b.Name, other.by.Migration.Path, other.by.Line),
						Harm:     "a session that holds one of them and waits for the other deadlocks with one of the two migrations",
						Instead:  "lock the tables in one order, or give each a transaction of its own",
						Evidence: []onward.Evidence{other.by.NewEvidence("locks " + b.Name.String() + " first")},
					})
					return
				}
				if _, ok := first[pair{a.Name, b.Name}]; !ok {
					first[pair{a.Name, b.Name}] = b
				}
			}
		}
	}
}
