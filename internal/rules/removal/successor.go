package removal

import (
	"github.com/onward-sql/onward/internal/analysis"
	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/prose"
	"github.com/onward-sql/onward/internal/rule"
)

// lostColumns returns, for a sentence, the columns that a successor lacks and that the deployed
// code uses or may use: "column a", "columns a and b". If there are none, it returns the
// first such column that a function names; "" if nothing does.
func lostColumns(p *rule.Pass, t *rule.Tx, d *rule.Delta, names []string) (columns string, u analysis.Usage) {
	var list []string
	var uses []analysis.Usage
	for _, name := range names {
		switch x := p.UsesOfTaken(t, d, d.Before.Column(name)); {
		case !x.IsIdle():
			list, uses = append(list, name), append(uses, x)
		case len(x.Functions) > 0 && columns == "":
			columns, u = "column "+name, x
		}
	}
	switch len(list) {
	case 0:
		return columns, u
	case 1:
		return "column " + list[0], uses[0]
	}
	return "columns " + prose.EnumerateNames(list), analysis.MergeUsages(uses)
}

// isUpdatable reports whether a view takes INSERT, UPDATE and DELETE like the
// table that it reads: one relation, no grouping, plain columns.
// https://www.postgresql.org/docs/current/sql-createview.html#SQL-CREATEVIEW-UPDATABLE-VIEWS
func isUpdatable(v *catalog.Relation) bool {
	if v.Kind != catalog.View || v.View == nil {
		return v.Kind.IsTable()
	}
	for _, trigger := range v.Triggers {
		if trigger.Timing == "instead of" {
			return true
		}
	}
	q := v.View.Query.GetSelectStmt()
	return q != nil && len(q.FromClause) == 1 && q.FromClause[0].GetRangeVar() != nil && len(q.GroupClause) == 0 && q.HavingClause == nil &&
		len(q.DistinctClause) == 0 && len(q.WindowClause) == 0 && q.LimitCount == nil && q.LimitOffset == nil && q.WithClause == nil &&
		(q.Op == pgparse.SetOperation_SETOP_NONE || q.Op == pgparse.SetOperation_SET_OPERATION_UNDEFINED)
}
