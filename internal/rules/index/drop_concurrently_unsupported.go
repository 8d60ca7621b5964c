package index

import (
	"strings"

	"github.com/onward-sql/onward/internal/recipe"
	"github.com/onward-sql/onward/internal/rule"
	"github.com/onward-sql/onward/onward"
)

// DropConcurrentlyUnsupported flags DROP INDEX CONCURRENTLY where the server
// refuses it: with CASCADE, of several indexes, of a partitioned table's.
// https://www.postgresql.org/docs/current/sql-dropindex.html
var DropConcurrentlyUnsupported = &rule.Rule{
	ID:       "index-drop-concurrently-unsupported",
	Category: onward.Locking,
	Severity: onward.Error,
	Stops:    true,
	Summary:  "DROP INDEX CONCURRENTLY with CASCADE, of several indexes or of a partitioned table's index fails",
	Harm:     "The server refuses the statement, and the migration stops there.",
	Instead: "Drop one index in a statement, without CASCADE. The index of a partitioned table can only be dropped with a lock on all partitions: " +
		"set a lock_timeout.",
	Manual:    []string{"https://www.postgresql.org/docs/current/sql-dropindex.html"},
	Kinds:     rule.Drop,
	Statement: checkDropConcurrentlyUnsupported,
}

func checkDropConcurrentlyUnsupported(p *rule.Pass, s *rule.Stmt) {
	stmt := s.Node.GetDropStmt()
	if stmt == nil || s.RefusedRule() != p.Rule.ID {
		return
	}
	var listed, single []string
	for _, n := range droppedNames(stmt) {
		listed = append(listed, n.String())
		single = append(single, recipe.DropIndex(n, stmt.GetMissingOk())+";")
	}
	advice := "drop each index in a statement of its own, without CASCADE:\n" + strings.Join(single, "\n")
	if dropsPartitionedIndex(s, stmt) {
		advice = "drop it without CONCURRENTLY, under a short lock_timeout, as all partitions are locked for a moment:\nSET lock_timeout = '2s';\nDROP INDEX " +
			formatIfExists(stmt) + strings.Join(listed, ", ") + ";"
	}
	p.Report(s, rule.Report{
		Fact:    "the server refuses to drop " + strings.Join(listed, ", ") + " concurrently",
		Harm:    "the migration fails: " + s.Result.Refused.Message(),
		Instead: advice,
	})
}
