package data

import (
	"github.com/onward-sql/onward/internal/analysis"
	"github.com/onward-sql/onward/internal/rule"
	"github.com/onward-sql/onward/onward"

	"github.com/onward-sql/onward/internal/pgparse"
)

// InsertWithoutColumns flags INSERT without a list of columns into a table in
// use. https://www.postgresql.org/docs/current/sql-insert.html
var InsertWithoutColumns = &rule.Rule{
	ID:       "data-insert-without-columns",
	Category: onward.Data,
	Severity: onward.Warning,
	OnlyIn:   onward.Strict,
	Summary:  "INSERT names no columns, so it depends on their order",
	Harm: "The values go to the columns in the order in which the table happens to have them. " +
		"A database on which another release added or dropped a column takes them for other columns, or refuses them.",
	Instead:   "Name the columns.",
	Manual:    []string{"https://www.postgresql.org/docs/current/sql-insert.html"},
	Kinds:     rule.Data,
	Statement: checkInsertWithoutColumns,
}

func checkInsertWithoutColumns(p *rule.Pass, s *rule.Stmt) {
	for _, w := range p.ListWrites(s) {
		stmt, ok := w.Node.(*pgparse.InsertStmt)
		if !ok || len(stmt.Cols) > 0 || stmt.SelectStmt == nil || !p.InUse(w.Table) {
			continue
		}
		table := w.Table.Name.String()
		p.Report(s, rule.Report{
			Fact:    "INSERT into " + table + " names no columns",
			Harm:    "where the columns of " + table + " have another order, the values land in the wrong ones or are refused",
			Instead: "name the columns:\nINSERT INTO " + analysis.QuoteTable(w.Table.Name) + " (…) …;",
		})
		return
	}
}
