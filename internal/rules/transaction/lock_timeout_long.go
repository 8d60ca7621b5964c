package transaction

import (
	"fmt"

	"github.com/onward-sql/onward/internal/analysis"
	"github.com/onward-sql/onward/internal/effect"
	"github.com/onward-sql/onward/internal/rule"
	"github.com/onward-sql/onward/onward"
)

// LockTimeoutLong flags a lock_timeout that lets a table be blocked for more than ten
// seconds.
// https://www.postgresql.org/docs/current/runtime-config-client.html#GUC-LOCK-TIMEOUT
var LockTimeoutLong = &rule.Rule{
	ID:        "transaction-lock-timeout-long",
	Category:  onward.Locking,
	Severity:  onward.Warning,
	Summary:   "lock_timeout is set to more than 10 seconds where an existing table is locked",
	Harm:      "While the statement waits for its lock, every query on the table that comes after it waits too. The timeout is how long that may last.",
	Instead:   "Set it to a few seconds, and run the migration again when it gives up.",
	Manual:    []string{"https://www.postgresql.org/docs/current/runtime-config-client.html#GUC-LOCK-TIMEOUT"},
	Migration: checkLockTimeoutLong,
}

func checkLockTimeoutLong(p *rule.Pass, m *rule.Migration) {
	reportedSetters := map[*rule.Stmt]bool{}
	for _, s := range m.Statements {
		setter := s.Settings.LockTimeoutBy // nil for the session that the migrations begin with
		if s.Settings.LockTimeout <= analysis.LongestWait || setter != nil && setter.Migration != m || reportedSetters[setter] {
			continue
		}
		if t := s.Settings.StatementTimeout; t > 0 && t <= analysis.LongestWait {
			continue // which counts the wait, and ends it first
		}
		e := findStrongLock(p, s)
		if e == nil {
			continue
		}
		reportedSetters[setter] = true
		if setter == nil {
			reportSessionTimeout(p, m, s, e)
			continue
		}
		set := "SET "
		if now, ok := analysis.SettingOf(setter.Node); ok && now.Local {
			set = "SET LOCAL "
		}
		p.Report(setter, rule.Report{
			Fact:     fmt.Sprintf("lock_timeout lets the statement at %s wait %d seconds for the lock on %s", s.FormatPlace(), s.Settings.LockTimeout/1000, e.Name),
			Harm:     fmt.Sprintf("%s that comes after it waits for all of that time", analysis.DescribeWaiting(e)),
			Instead:  "set it to a few seconds, and run the migration again when it gives up:\n" + set + "lock_timeout = '5s';",
			Evidence: []onward.Evidence{s.NewEvidence("takes " + e.Lock.String() + " on " + e.Name.String())},
		})
	}
}

// reportSessionTimeout reports a timeout that no migration sets: it comes from the tool, its
// connection or its settings.
func reportSessionTimeout(p *rule.Pass, m *rule.Migration, s *rule.Stmt, e *effect.Effect) {
	p.Report(s, rule.Report{
		Fact:    fmt.Sprintf("the session that migrates has a lock_timeout that lets this wait %d seconds for the lock on %s", s.Settings.LockTimeout/1000, e.Name),
		Harm:    fmt.Sprintf("%s that comes after it waits for all of that time", analysis.DescribeWaiting(e)),
		Instead: adviseBound(m, "set it to a few seconds, and run the migration again when it gives up:\nSET LOCAL lock_timeout = '5s';"),
		Cause:   "and those in %d other migrations",
	})
}
