package data

import (
	"cmp"
	"slices"

	"github.com/onward-sql/onward/internal/analysis"
	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/predicate"
	"github.com/onward-sql/onward/internal/rule"
	"github.com/onward-sql/onward/onward"
)

// InsertNull flags INSERT … SELECT that copies a column which may be NULL to one
// which may not. https://www.postgresql.org/docs/current/sql-insert.html
var InsertNull = &rule.Rule{
	ID:       "data-insert-null",
	Category: onward.Data,
	Severity: onward.Warning,
	Summary:  "INSERT … SELECT copies a column that may be NULL to one that must not be",
	Harm: "The first row with NULL makes the INSERT fail, and the migration with it. A test database has no such row; " +
		"production has had the time to get one.",
	Instead:   "Leave these rows out, or give them a value.",
	Manual:    []string{"https://www.postgresql.org/docs/current/sql-insert.html"},
	Kinds:     rule.Data,
	Statement: checkInsertNull,
}

func checkInsertNull(p *rule.Pass, s *rule.Stmt) {
	for _, w := range p.ListWrites(s) {
		stmt, ok := w.Node.(*pgparse.InsertStmt)
		q := stmt.GetSelectStmt().GetSelectStmt()
		if !ok || q == nil || len(q.GetFromClause()) == 0 || w.Extent == analysis.Few || len(stmt.GetCols()) != len(q.GetTargetList()) {
			continue
		}
		for i, n := range q.GetTargetList() {
			to := w.Table.Column(stmt.GetCols()[i].GetResTarget().GetName())
			ref := n.GetResTarget().GetVal().GetColumnRef()
			if to == nil || !to.NotNull || to.Inferred || ref == nil || len(stmt.GetCols()[i].GetResTarget().GetIndirection()) > 0 || isFilledBeforeCheck(w.Table, to) {
				continue
			}
			from, col := findSourceColumn(s.Before, q, ref)
			if col == nil || !p.InUse(from) || p.Rows.WasUpdated(from, col) || hasConditionOn(q, col.Name) {
				continue
			}
			p.Report(s, rule.Report{
				Fact: "INSERT copies " + col.Name + " of " + from.Name.String() + ", which may be NULL, to " + to.Name + " of " + w.Table.Name.String() +
					", which must not be",
				Harm:    "the first row with NULL makes the migration fail: null value in column \"" + to.Name + "\" violates not-null constraint",
				Instead: "leave such rows out, or give them a value: … WHERE " + pgparse.QuoteIdent(col.Name) + " IS NOT NULL",
			})
			return
		}
	}
}

// isFilledBeforeCheck reports whether a trigger may give the column a value before it is
// looked at.
func isFilledBeforeCheck(t *catalog.Relation, c *catalog.Column) bool {
	return c.Generated != "" || slices.ContainsFunc(t.Triggers, func(g *catalog.Trigger) bool { return g.RunsBefore("insert") })
}

// findSourceColumn returns the column of a plain table in FROM that a name stands for; nil where
// it is not known, or cannot be NULL.
func findSourceColumn(c *catalog.Catalog, q *pgparse.SelectStmt, ref *pgparse.ColumnRef) (*catalog.Relation, *catalog.Column) {
	fields := ref.GetFields()
	name, alias := pgparse.LastText(fields), ""
	if len(fields) > 2 || name == "" || q.GetWithClause() != nil {
		return nil, nil
	}
	if len(fields) == 2 {
		alias = fields[0].GetString_().GetSval()
	}
	var table *catalog.Relation
	var column *catalog.Column
	plain := true
	var look func(list []*pgparse.Node)
	look = func(list []*pgparse.Node) {
		for _, n := range list {
			switch x := pgparse.Unwrap(n).(type) {
			case *pgparse.RangeVar:
				t, known := c.Resolve(x)
				if alias != "" && alias != cmp.Or(x.GetAlias().GetAliasname(), x.GetRelname()) {
					continue
				}
				if !known || !t.Kind.IsTable() {
					plain = false
				} else if col := t.Column(name); col != nil && column == nil {
					table, column = t, col
				}
			case *pgparse.JoinExpr:
				look([]*pgparse.Node{x.GetLarg(), x.GetRarg()})
			default:
				plain = plain && alias != ""
			}
		}
	}
	look(q.GetFromClause())
	if !plain || column == nil || column.NotNull || column.Inferred || column.Generated != "" || isCheckedNotNull(table, column) {
		return nil, nil
	}
	return table, column
}

// isCheckedNotNull reports whether a CHECK proves that a column is not NULL.
func isCheckedNotNull(t *catalog.Relation, c *catalog.Column) bool {
	return slices.ContainsFunc(t.Constraints, func(k *catalog.Constraint) bool {
		return k.Kind == catalog.Check && k.Valid && predicate.ProvesNotNull(k.Expr, c.Name)
	})
}

// hasConditionOn reports whether the conditions of a query name a column: what they let
// through of it is not weighed.
func hasConditionOn(q *pgparse.SelectStmt, name string) bool {
	return slices.ContainsFunc(append([]*pgparse.Node{q.GetWhereClause()}, q.GetFromClause()...), func(n *pgparse.Node) bool {
		return pgparse.Contains(n, func(ref *pgparse.ColumnRef) bool { return pgparse.LastText(ref.GetFields()) == name })
	})
}
