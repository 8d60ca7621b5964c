package transaction

import (
	"fmt"

	"github.com/onward-sql/onward/internal/rule"
	"github.com/onward-sql/onward/onward"
)

// WaitsForItself flags a statement that a program sends on a second connection, and that needs what its own open transaction holds.
// https://www.postgresql.org/docs/current/explicit-locking.html#LOCKING-DEADLOCKS
var WaitsForItself = &rule.Rule{
	ID:       "transaction-waits-for-itself",
	Category: onward.InTransaction,
	Severity: onward.Error,
	Summary:  "a program waits on a second connection for the lock of its own open transaction",
	Harm: "A call without the transaction, or by the pool in place of the client, is sent on another connection. It waits for the lock of the transaction, and " +
		"the program waits for it before it commits. The server sees no deadlock, so both wait until a timeout, and the queries on the table with them.",
	Instead:   "Send the statement in the transaction, or after its commit.",
	Manual:    []string{"https://www.postgresql.org/docs/current/explicit-locking.html#LOCKING-DEADLOCKS"},
	Statement: checkWaitsForItself,
}

func checkWaitsForItself(p *rule.Pass, s *rule.Stmt) {
	holder, needed, unseen := s.FindWait()
	if holder == nil {
		return
	}
	name, place := holder.Name.String(), holder.By.RelativePlace(s)
	r := rule.Report{
		Fact: fmt.Sprintf("%s waits for ever for its own program: it is sent on another connection, and the open transaction of the statement at %s holds %s on %s",
			statementVerb(s), place, holder.Lock, name),
		Harm: fmt.Sprintf("the program commits only after this statement, and the server sees no deadlock: the deploy hangs until a timeout, "+
			"and every query on %s that the lock blocks waits with it", name),
		Instead: "send it in the transaction of the statement at " + place + " (trx in place of knex or db, the option transaction, the client in place of the pool), " +
			"or after its commit",
		Evidence: []onward.Evidence{
			holder.By.NewEvidence("takes " + holder.Lock.String() + " on " + name), s.NewEvidence("needs " + needed.Lock.String() + " on " + name),
		},
		Cause: "and %d other statements wait for it, too",
	}
	if s.Migration.Runner.LockTimeout > 0 {
		r.Harm += "; lock_timeout ends that with an error, at each attempt"
	}
	if unseen {
		r.Fact = fmt.Sprintf("%s is sent on another connection, which does not see %s: the transaction that creates it at %s is still open",
			statementVerb(s), name, place)
		r.Harm = "the migration fails: relation \"" + holder.Name.Name + "\" does not exist"
	}
	if s.Migration.Runner.OutsideBeside {
		r.Instead = "move it to a later release: " + runnerName(s.Migration) + " commits the transaction of the other migrations after the last one"
	}
	p.Report(s, r)
}
