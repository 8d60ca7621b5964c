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
	Statement: createBlocking,
}

func createBlocking(p *rule.Pass, s *rule.Stmt) {
	stmt := s.Node.GetIndexStmt()
	if stmt == nil || stmt.Concurrent || s.Result.Refused != nil {
		return
	}
	of, by := analysis.FindLikePair(s.Migration.Script, s.Statement)
	if of != nil {
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
		if by != nil {
			name += ", and " + by.Node.GetIndexStmt().GetIdxname() + " for LIKE,"
		}
		kept, since := s.StrongestLock(e)
		p.Report(s, rule.Report{
			Fact:    "creating " + name + " blocks " + describeBlocked(lockTaken(kept, e, since)) + e.Name.String(),
			Harm:    analysis.DescribeWaiting(kept) + " waits until the index is built, and the time grows with the table" + since,
			Grows:   e.Name,
			Instead: "build it concurrently, outside a transaction:\n" + withConcurrently(s.SQL) + ";",
			Way:     advice.BuildIndex{SQL: withConcurrently(s.SQL)},
			Cause:   "and %d other index builds do so too, on " + e.Name.String(),
			Fix:     editConcurrently(s, "INDEX"),
		})
		return
	}
}

// lockTaken is the lock that a statement takes itself: what is locked since an earlier one is
// that one's.
func lockTaken(kept, own *effect.Effect, since string) *effect.Effect {
	if since != "" {
		return own
	}
	return kept
}

// describeBlocked describes what a lock blocks, for the text before the relation's name.
func describeBlocked(e *effect.Effect) string {
	if e.Lock.BlocksReads() {
		return "reads and writes of "
	}
	return "writes to "
}

// withConcurrently returns the statement with the keyword inserted after INDEX.
func withConcurrently(sql string) string {
	at := max(pgparse.AfterWord(sql, "INDEX"), 0)
	return sql[:at] + " CONCURRENTLY" + sql[at:]
}

// editConcurrently returns the edit that makes a statement concurrent, by inserting the keyword
// after word. It returns none in a transaction block, where CONCURRENTLY would fail.
func editConcurrently(s *rule.Stmt, word string) []onward.Edit {
	at := pgparse.AfterWord(s.SQL, word)
	if s.InBlock() || at < 0 {
		return nil
	}
	return []onward.Edit{{Start: at, End: at, New: " CONCURRENTLY"}}
}
