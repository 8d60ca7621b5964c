package transaction

import (
	"fmt"

	"github.com/onward-sql/onward/internal/rule"
	"github.com/onward-sql/onward/onward"
)

// StatementTimeoutMissing mentions a migration whose statements lock out others, and
// for as long as they take.
// https://www.postgresql.org/docs/current/runtime-config-client.html#GUC-STATEMENT-TIMEOUT
var StatementTimeoutMissing = &rule.Rule{
	ID:       "transaction-statement-timeout-missing",
	Category: onward.Locking,
	Severity: onward.Info,
	OnlyIn:   onward.Strict,
	Summary:  "an existing table is locked, and no statement_timeout bounds how long for",
	Harm: "lock_timeout counts anew for each lock that a statement waits for, and ends when it has them: " +
		"a statement that takes the locks of several tables may wait several times, and one that works longer than anybody thought keeps everybody out until it " +
		"is done. statement_timeout bounds waiting and work together.",
	Instead:   "Set statement_timeout beside lock_timeout, to the longest time that the table may be locked.",
	Manual:    []string{"https://www.postgresql.org/docs/current/runtime-config-client.html#GUC-STATEMENT-TIMEOUT"},
	Migration: checkStatementTimeoutMissing,
}

func checkStatementTimeoutMissing(p *rule.Pass, m *rule.Migration) {
	for _, s := range m.Statements {
		if s.Settings.StatementTimeout > 0 {
			continue
		}
		e := findStrongLock(p, s)
		if e == nil || s.Node.GetLockStmt() != nil {
			continue // what waits here works not
		}
		set, _ := formatSettingAround(s, "statement_timeout", "30s")
		p.Report(s, rule.Report{
			Fact:    fmt.Sprintf("no statement_timeout bounds how long %s stays locked", e.Name),
			Harm:    "lock_timeout bounds the wait for each lock, not the time for which the statement then holds it",
			Instead: "set one before it, to the longest time that others may wait:\n" + set,
			Cause:   "nor in %d other migrations",
		})
		return
	}
}
