package relation

import (
	"github.com/onward-sql/onward/internal/analysis"
	"github.com/onward-sql/onward/internal/rule"
	"github.com/onward-sql/onward/onward"
)

// TableLockExplicit flags LOCK TABLE in a mode that blocks reads or writes, where
// nothing bounds the wait: neither NOWAIT nor a lock_timeout.
// https://www.postgresql.org/docs/current/sql-lock.html
var TableLockExplicit = &rule.Rule{
	ID:       "table-lock-explicit",
	Category: onward.Locking,
	Severity: onward.Warning,
	Summary:  "LOCK TABLE in a mode that blocks reads or writes, without NOWAIT or a lock_timeout",
	Harm:     "The lock is held until the transaction ends, and while LOCK waits for a running query, later conflicting queries wait for it.",
	Instead: "Set a short lock_timeout before it and retry, or use NOWAIT; keep the transaction short. " +
		"Often the statement that follows takes the lock that it needs by itself.",
	Manual:    []string{"https://www.postgresql.org/docs/current/sql-lock.html", "https://www.postgresql.org/docs/current/explicit-locking.html#LOCKING-TABLES"},
	Kinds:     rule.Another,
	Statement: checkLockExplicit,
}

func checkLockExplicit(p *rule.Pass, s *rule.Stmt) {
	stmt := s.Node.GetLockStmt()
	if stmt == nil || !s.InBlock() || stmt.GetNowait() || s.Settings.IsBounded() {
		return
	}
	for i := range s.Result.Effects {
		e := &s.Result.Effects[i]
		if !e.Lock.BlocksWrites() || !p.IsExisting(e) {
			continue
		}
		p.Report(s, rule.Report{
			Fact:    "LOCK TABLE holds " + e.Lock.Words() + " on " + e.Name.String() + " until the transaction ends",
			Harm:    analysis.DescribeWaiting(e) + " waits for that long, and from the moment it begins to wait for the queries that are running",
			Instead: "bound the wait, and retry:\nSET LOCAL lock_timeout = '2s';\n" + s.SQL + ";",
			Cause:   "and %d other LOCK TABLE do so with theirs",
		})
		return
	}
}
