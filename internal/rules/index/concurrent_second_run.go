package index

import (
	"github.com/onward-sql/onward/internal/rule"
	"github.com/onward-sql/onward/onward"
)

// ConcurrentSecondRun notes a concurrent build by a tool whose second process waits for an advisory lock in a statement.
// https://www.postgresql.org/docs/current/sql-createindex.html#SQL-CREATEINDEX-CONCURRENTLY
var ConcurrentSecondRun = &rule.Rule{
	ID:       "index-concurrent-second-run",
	Category: onward.Locking,
	Severity: onward.Info,
	Summary:  "a second process of the migration tool that waits for its advisory lock deadlocks with a concurrent build",
	Harm: "The tool's session holds an advisory lock while it builds. A second process, such as the next replica that migrates at its start, " +
		"waits for this lock in a SELECT, which has a snapshot. The concurrent build waits for all older snapshots, and so for the second process: a deadlock. " +
		"The server ends one of them. If it is the build, an INVALID index is left.",
	Instead:   "Let one process migrate, in a step of the deploy before the replicas start.",
	Manual:    []string{"https://www.postgresql.org/docs/current/sql-createindex.html#SQL-CREATEINDEX-CONCURRENTLY"},
	Statement: checkConcurrentSecondRun,
}

func checkConcurrentSecondRun(p *rule.Pass, s *rule.Stmt) {
	call := s.Migration.Runner.WaitsFor
	if call == "" || s.Node.GetIndexStmt() == nil && s.Node.GetReindexStmt() == nil || s.InBlock() || s.Result.Refused != nil {
		return
	}
	e := findWaitingEffect(p, &s.Result)
	if e == nil {
		return
	}
	tool := s.Migration.Runner.Name
	p.Report(s, rule.Report{
		Fact: s.Result.NoTransaction + " on " + e.Name.String() + " deadlocks with a second process of " + tool + " that waits in " + call + "()",
		Harm: "if two replicas migrate at the same time, the build waits for the snapshot of the second, which waits for the advisory lock of the first: " +
			"the server ends one of them, and an INVALID index may be left",
		Instead: "let one process run " + tool + ", in a step of the deploy before the replicas start",
		Cause:   "and so do %d other builds",
		From:    2,
	})
}
