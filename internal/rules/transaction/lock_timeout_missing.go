package transaction

import (
	"fmt"

	"github.com/onward-sql/onward/internal/analysis"
	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/effect"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/rule"
	"github.com/onward-sql/onward/onward"
)

// LockTimeoutMissing flags the first strong lock on an existing table that no
// lock_timeout bounds: one finding for a release, and a note in a migration
// with an error about a lock, whose fix changes the locks.
// https://www.postgresql.org/docs/current/runtime-config-client.html#GUC-LOCK-TIMEOUT
var LockTimeoutMissing = &rule.Rule{
	ID:       "transaction-lock-timeout-missing",
	Category: onward.Locking,
	Severity: onward.Warning,
	Summary:  "an existing table is locked, and no lock_timeout bounds the wait for the lock",
	Harm: "The statement waits for every transaction that uses the table, and each later query on the table waits for the statement. " +
		"An instant ALTER TABLE becomes an outage as long as the longest query or forgotten session.",
	Instead: "Set lock_timeout to a few seconds for the migration, in the file, for the role or in the connection string, and run it again when it gives up. " +
		"onward.yaml takes what the runner sets as lock_timeout of the directory.",
	Manual:    []string{"https://www.postgresql.org/docs/current/runtime-config-client.html#GUC-LOCK-TIMEOUT"},
	Migration: checkLockTimeoutMissing,
}

func checkLockTimeoutMissing(p *rule.Pass, m *rule.Migration) {
	for _, s := range m.Statements {
		if s.Settings.IsBounded() {
			continue
		}
		if s.Node.GetLockStmt() != nil {
			continue // table-lock-explicit's, and with NOWAIT it does not wait
		}
		e := findStrongLock(p, s)
		if e != nil && s.FindHeldLock(&effect.Effect{Name: e.Name}, func(h *rule.Held) bool { return h.Lock >= e.Lock }) != nil {
			continue // after LOCK TABLE
		}
		if e != nil && e.Kind == catalog.Table && s.Node.GetDropStmt().GetRemoveType() == pgparse.ObjectType_OBJECT_INDEX {
			continue // index-drop-blocking's, which has the same to say
		}
		if e == nil || e.Kind == catalog.View || e.Kind == catalog.MaterializedView && !e.Lock.BlocksReads() {
			continue
		}
		set, alone := formatSettingAround(s, "lock_timeout", "5s")
		var fix []onward.Edit
		if !alone {
			fix = []onward.Edit{{New: set + "\n"}}
		}
		if timeoutPlace := m.Runner.LockTimeoutAt.String(); timeoutPlace != "" && s.Settings.LockTimeoutBy == nil {
			p.Report(s, rule.Report{
				Severity: onward.Info,
				Fact:     fmt.Sprintf("no lock_timeout in the migration bounds the wait for the lock on %s", e.Name),
				Harm:     "the one at " + timeoutPlace + " does, if that is the session that migrates",
				Instead:  "say so in onward.yaml, with lock_timeout for the directory; or set one before it:\n" + set,
				Cause:    "nor in %d other migrations",
				Fix:      fix,
			})
			return
		}
		p.Report(s, rule.Report{
			Fact:    fmt.Sprintf("no lock_timeout bounds the wait for the lock on %s", e.Name),
			Harm:    fmt.Sprintf("the statement waits for each long query on %s, and %s that comes after it waits, too", e.Name, analysis.DescribeWaiting(e)),
			Instead: adviseBound(m, "set one before it, or for the role that migrates, and run the migration again if it gives up:\n"+set),
			Cause:   "nor those in %d other migrations",
			From:    2,
			Yields:  true,
			Fix:     fix,
		})
		return
	}
}
