package skipped

import (
	"github.com/onward-sql/onward/internal/analysis"
	"github.com/onward-sql/onward/internal/lazyregexp"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/rule"
	"github.com/onward-sql/onward/onward"
)

// IndexConcurrentIfNotExists flags CREATE INDEX CONCURRENTLY IF NOT EXISTS with
// nothing before it that removes what an attempt that failed has left.
// https://www.postgresql.org/docs/current/sql-createindex.html#SQL-CREATEINDEX-CONCURRENTLY
var IndexConcurrentIfNotExists = &rule.Rule{
	ID:       "index-concurrent-if-not-exists",
	Category: onward.Idempotency,
	Severity: onward.Warning,
	Summary:  "CREATE INDEX CONCURRENTLY IF NOT EXISTS skips the INVALID index that a failed build has left",
	Harm: "A concurrent build that is cancelled, or meets a duplicate, leaves an INVALID index: " +
		"no query uses it, every write maintains it, and a unique one does not keep duplicates out for certain. " +
		"IF NOT EXISTS sees the name, skips, and the migration counts as done.",
	Instead:   "Drop the leftover before the build: DROP INDEX CONCURRENTLY IF EXISTS, then CREATE INDEX CONCURRENTLY without IF NOT EXISTS.",
	Manual:    []string{"https://www.postgresql.org/docs/current/sql-createindex.html#SQL-CREATEINDEX-CONCURRENTLY"},
	Kinds:     rule.CreateIndex,
	Statement: checkConcurrentIfNotExists,
}

// withoutGuard matches IF NOT EXISTS before the index's name.
var withoutGuard = lazyregexp.New(`(?i)\s+IF\s+NOT\s+EXISTS\b`)

func checkConcurrentIfNotExists(p *rule.Pass, s *rule.Stmt) {
	stmt := s.Node.GetIndexStmt()
	if stmt == nil || !stmt.GetConcurrent() || !stmt.GetIfNotExists() || s.RefusedRule() != "" {
		return
	}
	if table, _ := s.Before.Resolve(stmt.GetRelation()); !p.InUse(table) || isDroppedEarlier(s, stmt.GetIdxname()) {
		return
	}
	if old, _ := findDifferentIndex(s, stmt); old != nil {
		return // index-if-not-exists-differs
	}
	name := stmt.GetIdxname()
	table, _ := s.Before.Resolve(stmt.GetRelation())
	full := pgparse.QuoteIdent(name)
	if table.Name.Schema != "public" {
		full = pgparse.QuoteIdent(table.Name.Schema) + "." + full
	}
	r := rule.Report{
		Fact: "IF NOT EXISTS skips an INVALID index " + name + " that a failed build has left",
		Harm: "the next run reports success, but no query can use the index, and every write to " + table.Name.String() + " maintains it",
		Instead: "drop the leftover first, and build it without IF NOT EXISTS:\nDROP INDEX CONCURRENTLY IF EXISTS " + full + ";\n" +
			withoutGuard.ReplaceAllString(s.SQL, "") + ";",
		Cause: "and %d other index builds do so too",
	}
	if isAdoptedLater(s, name) {
		// Nothing stays hidden: what takes the index over looks at it.
		r.Severity = onward.Info
		r.Harm = "each run after that fails where the index becomes a constraint: index \"" + name + "\" is not valid"
		r.Cause = ""
	}
	p.Report(s, r)
}

// isAdoptedLater reports whether a later statement of the migration makes a
// constraint of the index.
func isAdoptedLater(s *rule.Stmt, name string) bool {
	last := rule.BuildOnce(&s.Migration.Notes, func() adopters {
		out := adopters{}
		for _, adoption := range rule.StatementsOf[*pgparse.Node_AlterTableStmt](s.Migration) {
			for _, n := range adoption.Node.GetAlterTableStmt().GetCmds() {
				if index := n.GetAlterTableCmd().GetDef().GetConstraint().GetIndexname(); index != "" {
					out[index] = adoption
				}
			}
		}
		return out
	})[name]
	return last != nil && last.Index > s.Index
}

// adopters are the last statements of a migration that make a constraint of an
// index, and droppers the first that drop one, by the name of the index.
type (
	adopters map[string]*rule.Stmt
	droppers map[string]*rule.Stmt
)

// isDroppedEarlier reports whether an earlier statement of the migration drops an
// index of the name.
func isDroppedEarlier(s *rule.Stmt, name string) bool {
	first := rule.BuildOnce(&s.Migration.Notes, func() droppers {
		out := droppers{}
		for _, dropStmt := range rule.StatementsOf[*pgparse.Node_DropStmt](s.Migration) {
			for _, o := range analysis.ListDropped(dropStmt.Node, pgparse.ObjectType_OBJECT_INDEX) {
				if out[o.Name.Name] == nil {
					out[o.Name.Name] = dropStmt
				}
			}
		}
		return out
	})[name]
	return first != nil && first.Index < s.Index
}
