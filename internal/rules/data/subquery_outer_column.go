package data

import (
	"github.com/onward-sql/onward/internal/analysis"
	"github.com/onward-sql/onward/internal/rule"
	"github.com/onward-sql/onward/onward"
)

// SubqueryOuterColumn flags IN (SELECT column …) where the column is not one of
// the sub-query's tables, but of the table that is written.
// https://www.postgresql.org/docs/current/functions-subquery.html
var SubqueryOuterColumn = &rule.Rule{
	ID:       "data-subquery-outer-column",
	Category: onward.DataLoss,
	Severity: onward.Error,
	Summary:  "a sub-query selects a column that its table does not have, and so takes the one of the table that is written",
	Harm: "A name that the tables of a sub-query do not have is looked for in the query around it. " +
		"id IN (SELECT id FROM other) compares the row with itself where other has no id: " +
		"IN then holds for every row, NOT IN for none, and the server does not complain.",
	Instead:   "Name the column of the sub-query's table, with the table in front.",
	Manual:    []string{"https://www.postgresql.org/docs/current/functions-subquery.html"},
	Kinds:     rule.Data,
	Statement: checkSubqueryOuterColumn,
}

func checkSubqueryOuterColumn(p *rule.Pass, s *rule.Stmt) {
	if s.Parent >= 0 {
		return // the name may be a variable of the block
	}
	for _, w := range p.ListWrites(s) {
		column, inner, negated := s.Before.OuterColumn(w.Node, w.Table)
		if column == "" || !p.InUse(w.Table) {
			continue
		}
		table := w.Table.Name.String()
		r := rule.Report{
			Fact: "the sub-query selects " + column + ", which " + inner.Name.String() + " does not have: it is a column of " + table,
			Harm: "the condition holds for every row of " + table + " as soon as " + inner.Name.String() + " has one",
			Instead: "select the column of " + inner.Name.String() + " that is meant: SELECT " + analysis.QuoteTable(inner.Name) + ".… FROM " +
				analysis.QuoteTable(inner.Name),
		}
		if negated {
			r.Harm = "the condition holds for no row of " + table + " as soon as " + inner.Name.String() + " has one"
		}
		p.Report(s, r)
		return
	}
}
