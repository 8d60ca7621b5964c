package data

import (
	"github.com/onward-sql/onward/internal/analysis"
	"github.com/onward-sql/onward/internal/rule"
	"github.com/onward-sql/onward/onward"
)

// DeleteAll flags DELETE without a condition on an existing table.
// https://www.postgresql.org/docs/current/sql-delete.html
var DeleteAll = &rule.Rule{
	ID:       "data-delete-all",
	Category: onward.DataLoss,
	Severity: onward.Error,
	Summary:  "DELETE without a condition removes every row of an existing table",
	Harm: "Every row is gone when the migration commits, while the deployed code still reads them. " +
		"Until then each row is locked, and the time grows with the table.",
	Instead:   "Name the rows, and delete them in batches. To delete all of them, stop using the table first.",
	Manual:    []string{"https://www.postgresql.org/docs/current/sql-delete.html"},
	Kinds:     rule.Data,
	Statement: checkDeleteAll,
}

func checkDeleteAll(p *rule.Pass, s *rule.Stmt) {
	for _, w := range p.ListWrites(s) {
		if w.Verb != "DELETE" || w.Extent != analysis.Whole || !p.InUse(w.Table) {
			continue
		}
		table := w.Table.Name.String()
		r := rule.Report{
			Fact:    "DELETE removes every row of " + table,
			Harm:    "the rows are gone when the migration commits, while the deployed code still reads them",
			Instead: "say which rows:\nDELETE FROM " + analysis.QuoteTable(w.Table.Name) + " WHERE …;",
		}
		if p.IsSmall(w.Table.Name) {
			r.Severity = onward.Warning
		}
		addFiredTriggers(&r, s, &w)
		p.Report(s, r)
		return
	}
}
