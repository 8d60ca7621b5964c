package dbchecks

import (
	"slices"

	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/rule"
	"github.com/onward-sql/onward/onward"
)

var transactionPrepared = &Check{Rule: rule.Rule{
	ID:       "transaction-prepared",
	Category: onward.Locking, Severity: onward.Warning,
	Summary: "A prepared transaction was left open",
	Harm: "It belongs to no session, holds its locks through restarts, and ends by itself never: " +
		"ALTER TABLE on its tables waits for it for ever, concurrent builds wait for it, and vacuum cleans nothing since. " +
		"On a table that the release touches it is an error.",
	Instead: "Ask the transaction manager that prepared it; when that is gone, COMMIT PREPARED or ROLLBACK PREPARED, in its database, as its owner.",
	Manual:  []string{"https://www.postgresql.org/docs/current/sql-prepare-transaction.html"},
}, Scope: onward.ScopeTouched, Metric: "prepared_transactions", Help: "Prepared transactions of the database that are open.", Look: checkPreparedTransactions}

// The locks of a prepared transaction have no process. They have the same virtual
// transaction as the lock on its transaction ID.
const preparedSQL = `
SELECT x.gid, x.owner::text, extract(epoch FROM clock_timestamp() - x.prepared)::float8,
	ARRAY(SELECT DISTINCT n.nspname || '.' || c.relname FROM pg_locks l JOIN pg_class c ON c.oid = l.relation JOIN pg_namespace n ON n.oid = c.relnamespace
		WHERE l.pid IS NULL AND l.locktype = 'relation' AND l.virtualtransaction IN (SELECT o.virtualtransaction FROM pg_locks o
			WHERE o.pid IS NULL AND o.locktype = 'transactionid' AND o.transactionid = x.transaction) AND c.relkind IN ('r', 'p', 'm') AND @user ORDER BY 1)
FROM pg_prepared_xacts x WHERE x.database = current_database() ORDER BY x.prepared`

func checkPreparedTransactions(p *Pass) error {
	var gid, owner string
	var open float64
	var tables []string
	n := 0
	err := p.Each(preparedSQL, nil, []any{&gid, &owner, &open, &tables}, func() {
		n++
		touchedTables := slices.DeleteFunc(slices.Clone(tables), func(t string) bool { return !p.isTouched(t) })
		fact := "prepared transaction " + gid + " of " + owner + " is open for " + formatAge(secondsToDuration(open))
		severity := onward.Off
		switch {
		case len(touchedTables) > 0:
			severity = onward.Error
			fact += " and holds locks on " + listNames(formatTables(touchedTables)) + ", which the release touches"
		case len(tables) > 0:
			fact += " and holds locks on " + listNames(formatTables(tables))
		case secondsToDuration(open) < p.Limits.Transaction:
			return
		}
		if secondsToDuration(open) < p.Limits.Transaction && len(touchedTables) == 0 {
			return // two-phase commit under way
		}
		p.AddFinding(severity, gid, fact, "what waits for it waits for ever: ALTER TABLE on its tables, every concurrent build, vacuum",
			"ask what prepared it; when that is gone:\nROLLBACK PREPARED "+pgparse.QuoteLiteral(gid)+";")
	})
	p.AddMeasure("", float64(n))
	return err
}
