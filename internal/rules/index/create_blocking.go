// Package index holds the rules about indexes.
package index

import (
	"strings"

	"github.com/onward-sql/onward/internal/advice"
	"github.com/onward-sql/onward/internal/analysis"
	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/effect"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/rule"
	"github.com/onward-sql/onward/onward"
)

// CreateBlocking flags CREATE INDEX without CONCURRENTLY on a table that is in
// use. https://www.postgresql.org/docs/current/sql-createindex.html#SQL-CREATEINDEX-CONCURRENTLY
var CreateBlocking = &rule.Rule{
	ID:       "index-create-blocking",
	Category: onward.Locking,
	Severity: onward.Error,
	Summary:  "CREATE INDEX without CONCURRENTLY blocks writes to the table while the index is built",
	Harm: "CREATE INDEX holds a SHARE lock on the table for the whole build. Reads go on, but every INSERT, UPDATE and DELETE waits, " +
		"and the time grows with the table.",
	Instead: "Build it with CREATE INDEX CONCURRENTLY, outside a transaction and alone in its file: " +
		"it holds SHARE UPDATE EXCLUSIVE, which blocks neither reads nor writes.",
	Manual:    []string{"https://www.postgresql.org/docs/current/sql-createindex.html#SQL-CREATEINDEX-CONCURRENTLY"},
	Kinds:     rule.CreateIndex,
	Statement: checkCreateBlocking,
}

func checkCreateBlocking(p *rule.Pass, s *rule.Stmt) {
	stmt := s.Node.GetIndexStmt()
	if stmt == nil || stmt.Concurrent || s.Result.Refused != nil {
		return
	}
	original, likeIndex := analysis.FindLikePair(s.Migration.Script, s.Statement)
	if original != nil {
		return // reported with the index or the constraint of the same column
	}
	switch table, _ := s.Before.Resolve(stmt.Relation); {
	case table.Kind == catalog.PartitionedTable:
		return // index-create-partitioned: there is no concurrent build
	case table.Kind == catalog.MaterializedView:
		return // nothing writes to it but REFRESH, and it is read meanwhile
	case table.Manager.IsHypertable() && strings.Contains(s.SQL, analysis.PerChunk):
		return // it blocks writes to one chunk at a time
	}
	for i := range s.Result.Effects {
		e := &s.Result.Effects[i]
		if !e.BuildsIndex || e.Lock < onward.ShareLock || !p.IsExisting(e) || p.IsSmall(e.Name) {
			continue
		}
		name := "an index"
		if stmt.Idxname != "" {
			name = "index " + stmt.Idxname
		}
		if likeIndex != nil {
			name += ", and " + likeIndex.Node.GetIndexStmt().GetIdxname() + " for LIKE,"
		}
		strongest, since := s.StrongestLock(e)
		p.Report(s, rule.Report{
			Fact:    "creating " + name + " blocks " + describeBlocked(chooseOwnLock(strongest, e, since)) + e.Name.String(),
			Harm:    analysis.DescribeWaiting(strongest) + " waits until the index is built, and the time grows with the table" + since,
			Grows:   e.Name,
			Instead: "build it concurrently, outside a transaction:\n" + insertConcurrently(s.SQL) + ";",
			Way:     advice.BuildIndex{SQL: insertConcurrently(s.SQL)},
			Cause:   "and %d other index builds do so too, on " + e.Name.String(),
			Fix:     editConcurrently(s, "INDEX"),
		})
		return
	}
}

// chooseOwnLock returns the lock that a statement takes itself: what is locked since an earlier one is
// that one's.
func chooseOwnLock(strongest, indexLock *effect.Effect, since string) *effect.Effect {
	if since != "" {
		return indexLock
	}
	return strongest
}

// describeBlocked describes what a lock blocks, for the text before the relation's name.
func describeBlocked(e *effect.Effect) string {
	if e.Lock.BlocksReads() {
		return "reads and writes of "
	}
	return "writes to "
}

// insertConcurrently returns the statement with the keyword inserted after INDEX.
func insertConcurrently(sql string) string {
	pos := max(pgparse.AfterWord(sql, "INDEX"), 0)
	return sql[:pos] + " CONCURRENTLY" + sql[pos:]
}

// editConcurrently returns the edit that makes a statement concurrent, by inserting the keyword
// after word. It returns none in a transaction block, where CONCURRENTLY would fail.
func editConcurrently(s *rule.Stmt, word string) []onward.Edit {
	pos := pgparse.AfterWord(s.SQL, word)
	if s.InBlock() || pos < 0 {
		return nil
	}
	return []onward.Edit{{Start: pos, End: pos, New: " CONCURRENTLY"}}
}
