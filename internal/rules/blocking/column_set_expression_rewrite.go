package blocking

import (
	"github.com/onward-sql/onward/internal/analysis"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/rule"
	"github.com/onward-sql/onward/onward"
)

// ColumnSetExpressionRewrite flags ALTER COLUMN … SET EXPRESSION on a stored
// generated column.
// https://www.postgresql.org/docs/current/sql-altertable.html#SQL-ALTERTABLE-DESC-SET-EXPRESSION
var ColumnSetExpressionRewrite = &rule.Rule{
	ID:        "column-set-expression-rewrite",
	Category:  onward.Locking,
	Severity:  onward.Error,
	Since:     17,
	Summary:   "SET EXPRESSION on a stored generated column rewrites the table while nobody can read it",
	Harm:      "The new expression is computed for every row: the table and all its indexes are rewritten under ACCESS EXCLUSIVE. Every query waits.",
	Instead:   "Add a plain column, keep it in step with a trigger, fill the old rows in batches, and switch the code over.",
	Manual:    []string{"https://www.postgresql.org/docs/current/sql-altertable.html#SQL-ALTERTABLE-DESC-SET-EXPRESSION"},
	Kinds:     rule.AlterTable,
	Statement: checkSetExpressionRewrite,
}

func checkSetExpressionRewrite(p *rule.Pass, s *rule.Stmt) {
	for _, c := range p.ListCommands(s) {
		if c.Subtype != pgparse.AlterTableType_AT_SetExpression || !p.InUse(s.AlteredRelation()) {
			continue
		}
		e := p.FindBlocked(p.EffectsAlone(c), analysis.IsRewritten)
		if e == nil {
			continue
		}
		r := newWaitReport(e, "the new expression of column "+c.Name+" rewrites "+e.Name.String(), "while it is computed for each row",
			"add a plain column that a trigger fills by the new expression, fill the old rows in batches, and switch the code over")
		r.Severity = analysis.UnsureSeverity(e)
		p.Report(c, r)
	}
}
