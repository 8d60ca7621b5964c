package index

import (
	"slices"

	"github.com/onward-sql/onward/internal/analysis"
	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/rule"
	"github.com/onward-sql/onward/onward"
)

// ReindexBlocking flags REINDEX without CONCURRENTLY.
// https://www.postgresql.org/docs/current/sql-reindex.html#SQL-REINDEX-CONCURRENTLY
var ReindexBlocking = &rule.Rule{
	ID:       "index-reindex-blocking",
	Category: onward.Locking,
	Severity: onward.Error,
	Summary:  "REINDEX without CONCURRENTLY blocks writes to the table, and reads that would use the index, while it is built",
	Harm: "REINDEX holds SHARE on the table and ACCESS EXCLUSIVE on each index for the whole build. " +
		"Every write waits, and so does every query that the planner considers the index for.",
	Instead:   "Use REINDEX … CONCURRENTLY, outside a transaction: it builds a new index beside the old one.",
	Manual:    []string{"https://www.postgresql.org/docs/current/sql-reindex.html#SQL-REINDEX-CONCURRENTLY"},
	Kinds:     rule.Another,
	Statement: checkReindexBlocking,
}

func checkReindexBlocking(p *rule.Pass, s *rule.Stmt) {
	stmt := s.Node.GetReindexStmt()
	if stmt == nil || s.Result.Refused != nil {
		return
	}
	e := p.FindBlocked(&s.Result, analysis.RebuildsIndex)
	name, grows := "", catalog.Name{}
	if e != nil {
		name, grows = e.Name.String(), e.Name
	} else if stmt.GetKind() == pgparse.ReindexObjectType_REINDEX_OBJECT_INDEX && len(s.Result.Effects) == 1 &&
		s.Result.Effects[0].Lock == onward.AccessExclusiveLock && !s.Result.Effects[0].Waits && p.IsExisting(&s.Result.Effects[0]) {
		name = "the table of " + s.Result.Effects[0].Name.String() // which nothing created
	}
	if name == "" {
		return
	}
	words := map[pgparse.ReindexObjectType]string{
		pgparse.ReindexObjectType_REINDEX_OBJECT_INDEX:    "INDEX",
		pgparse.ReindexObjectType_REINDEX_OBJECT_TABLE:    "TABLE",
		pgparse.ReindexObjectType_REINDEX_OBJECT_SCHEMA:   "SCHEMA",
		pgparse.ReindexObjectType_REINDEX_OBJECT_DATABASE: "DATABASE",
	}
	word := words[stmt.GetKind()]
	if word == "" {
		return
	}
	pos := max(pgparse.AfterWord(s.SQL, word), 0)
	advice, fix := s.SQL[:pos]+" CONCURRENTLY"+s.SQL[pos:], editConcurrently(s, word)
	if slices.ContainsFunc(stmt.GetParams(), func(n *pgparse.Node) bool { return n.GetDefElem().GetDefname() == "concurrently" }) {
		advice, fix = "REINDEX (CONCURRENTLY) "+word+s.SQL[pos:], nil // it says off
	}
	p.Report(s, rule.Report{
		Fact:    "REINDEX blocks writes to " + name + " while its indexes are built",
		Harm:    "every INSERT, UPDATE and DELETE waits, and every query that may use an index of it; the time grows with the table",
		Grows:   grows,
		Instead: "do it concurrently, outside a transaction:\n" + advice + ";",
		Fix:     fix,
	})
}
