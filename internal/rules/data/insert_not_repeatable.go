package data

import (
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/rule"
	"github.com/onward-sql/onward/internal/script"
	"github.com/onward-sql/onward/onward"
)

// InsertNotRepeatable flags an INSERT of fixed rows that a second run of the
// file would repeat or fail at.
// https://www.postgresql.org/docs/current/sql-insert.html#SQL-ON-CONFLICT
var InsertNotRepeatable = &rule.Rule{
	ID:       "data-insert-not-repeatable",
	Category: onward.Idempotency,
	Severity: onward.Warning,
	OnlyIn:   onward.Strict,
	Summary:  "INSERT outside a transaction has no ON CONFLICT, so a second run fails or doubles the rows",
	Harm: "The statement commits by itself. When a later one fails and the file runs again, the rows are there already: " +
		"a unique key refuses them, and without one they are there twice.",
	Instead:   "Add ON CONFLICT DO NOTHING, or run the file in one transaction.",
	Manual:    []string{"https://www.postgresql.org/docs/current/sql-insert.html#SQL-ON-CONFLICT"},
	Kinds:     rule.Data,
	Statement: checkInsertNotRepeatable,
}

func checkInsertNotRepeatable(p *rule.Pass, s *rule.Stmt) {
	stmt := s.Node.GetInsertStmt()
	if stmt == nil || s.Origin != script.Alone || s.Parent >= 0 || stmt.OnConflictClause != nil || isGuardedInsert(stmt) {
		return
	}
	following := s.Migration.Statements[s.Index+1:]
	for _, x := range following {
		if x.Node.GetVariableSetStmt() != nil || x.Parent >= 0 {
			continue
		}
		table, _ := s.Before.Resolve(stmt.Relation)
		p.Report(s, rule.Report{
			Fact:    "INSERT into " + table.Name.String() + " commits by itself and cannot run twice",
			Harm:    "if a later statement fails and the file runs again, the rows are refused as duplicates, or are stored twice",
			Instead: "let a second run pass over the rows:\n" + s.SQL + "\nON CONFLICT DO NOTHING;",
		})
		return
	}
}

// isGuardedInsert reports whether an INSERT looks first: … WHERE NOT EXISTS (…).
func isGuardedInsert(stmt *pgparse.InsertStmt) bool {
	return pgparse.Contains(stmt.SelectStmt.GetSelectStmt().GetWhereClause(), func(l *pgparse.SubLink) bool {
		return l.SubLinkType == pgparse.SubLinkType_EXISTS_SUBLINK
	})
}
