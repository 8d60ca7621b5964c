package blocking

import (
	"cmp"
	"strings"

	"github.com/onward-sql/onward/internal/prose"
	"github.com/onward-sql/onward/internal/recipe"
	"github.com/onward-sql/onward/internal/rule"
	"github.com/onward-sql/onward/onward"
)

// ColumnAddGeneratedStored flags ADD COLUMN … GENERATED ALWAYS AS (…) STORED. A
// virtual column (18) is computed when it is read: adding it is instant.
// https://www.postgresql.org/docs/current/ddl-generated-columns.html
var ColumnAddGeneratedStored = &rule.Rule{
	ID:       "column-add-generated-stored",
	Category: onward.Locking,
	Severity: onward.Error,
	Summary:  "ADD COLUMN of a stored generated column rewrites the table while nobody can read it",
	Harm:     "The expression is computed for every row, so the table and all its indexes are rewritten under ACCESS EXCLUSIVE. Every query waits.",
	Instead: "Add a plain column, keep it in step with a trigger and fill the old rows in batches; or compute the value in a view or an expression index; " +
		"or, from Postgres 18, make it VIRTUAL.",
	Manual: []string{
		"https://www.postgresql.org/docs/current/ddl-generated-columns.html",
		"https://www.postgresql.org/docs/current/sql-altertable.html#SQL-ALTERTABLE-NOTES",
	},
	Kinds:     rule.AlterTable,
	Statement: checkAddGeneratedStored,
}

func checkAddGeneratedStored(p *rule.Pass, s *rule.Stmt) {
	var w sharedWork
	for a, e := range listRewrites(p, s, fromGenerated) {
		table, column := a.sqlNames()
		w.add(a.Command, e, a.column.Name, recipe.FilledColumn{
			Table: a.table.Name, Column: column, Type: a.typ, Value: a.generatedExpr(),
			Prepare: cmp.Or(recipe.FillByTrigger(a.table, a.column.Name, a.generatedExpr(), ""),
				"-- a trigger BEFORE INSERT OR UPDATE ON "+table+" that sets "+column),
		}.Statements()+a.followingConstraintsSQL(s))
	}
	if w.e == nil {
		return
	}
	r := newWaitReport(w.e, "adding the stored generated "+prose.EnumerateColumns(w.names)+" rewrites "+w.e.Name.String(),
		"while each row is computed",
		"add a plain column that a trigger fills, then fill the old rows in batches (from Postgres 18, VIRTUAL instead of STORED is instant):\n"+
			strings.Join(w.steps, "\n"))
	r.Steps = w.steps
	p.Report(w.at, r)
}

// generatedExpr is what a generated column is computed from.
func (a *newColumn) generatedExpr() string {
	if a.column.DefaultText == "" {
		return "…"
	}
	return a.column.DefaultText
}
