package constraint

import (
	"github.com/onward-sql/onward/internal/analysis"
	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/predicate"
	"github.com/onward-sql/onward/internal/recipe"
	"github.com/onward-sql/onward/internal/rule"
	"github.com/onward-sql/onward/onward"
)

// maxCompared limits how many old conditions a new one is compared with. A table with more gets a finding that a comparison might spare.
const maxCompared = 200

func (b *addedBinding) judgeCheck(c *catalog.Constraint, name string) {
	table := b.d.After.Name.String()
	compared := 0
	if b.isAlreadyBound(func(old *catalog.Constraint) bool {
		if old.Kind != catalog.Check || compared >= maxCompared {
			return false
		}
		compared++
		return predicate.Implies(old.Expr, c.Expr)
	}) {
		return
	}
	if !b.mayRefuse(c.Expr) {
		return
	}
	r := rule.Report{
		Fact: name + " applies to every new write to " + table + ", the deployed code's included",
		Harm: "INSERTs and UPDATEs of the deployed code that do not meet it fail: new row for relation \"" + b.d.After.Name.Name +
			"\" violates check constraint \"" + c.Name + "\"",
		Severity: onward.Warning,
		Cause:    "and so do %d other constraints of " + table,
	}
	if !c.Valid {
		r.Harm += "; NOT VALID spares the stored rows only"
	}
	if col := b.onlyColumn(c); col != nil {
		if predicate.ProvesNotNull(c.Expr, col.Name) {
			b.judgeNotNullCheck(c, col, r)
			return
		}
		if value, evidence := b.findContradictedValue(c, col); evidence != nil {
			r.Harm = "an UPDATE of the deployed code" + analysis.Usage{Evidence: evidence}.FirstPlace() + " sets " + col.Name + " to '" + value +
				"', and fails: new row for relation \"" + b.d.After.Name.Name + "\" violates check constraint \"" + c.Name + "\""
			r.Instead = "let the constraint take '" + value + "' until no deployed code writes it any more"
			r.Severity, r.Evidence, r.Cause = onward.Off, evidence, ""
			b.p.Report(b.d, r)
			return
		}
	}
	b.reportIfUsed(c.Columns, r)
}

// judgeNotNullCheck judges CHECK (a IS NOT NULL), the first step of a long way to NOT
// NULL.
func (b *addedBinding) judgeNotNullCheck(c *catalog.Constraint, col *catalog.Column, r rule.Report) {
	r.Cause = ""
	if col.NotNull || b.d.Before.Attr(col.Attnum) != nil && b.d.Before.Attr(col.Attnum).NotNull {
		return
	}
	u := b.p.UsesColumn(b.d, col).ByWriters()
	unknown := b.p.NewColumn(b.d, col)
	left := b.p.LeavesOut(b.d, col)
	filler := analysis.FindFiller(b.t.After, b.d.After, []string{col.Name})
	if filler != nil && recipe.IsPlanTrigger(filler.Name) {
		return // a plan's own trigger fills it
	}
	omitted := onward.Off
	unless := ""
	if filler != nil {
		omitted, unless = onward.Warning, ", unless trigger "+filler.Name+" fills it"
	}
	switch {
	case col.Default == nil && analysis.IsSetByTrigger(b.t.After, b.d.After, col.Name):
		if !unknown || analysis.IsResetByTrigger(b.t.After, b.d.After, col.Name) || b.p.Rows.WasUpdated(b.d.After, col) {
			return
		}
		r.Severity = onward.Warning
		r.Harm = "trigger " + filler.Name + " fills " + col.Name +
			" if a row is inserted, not if it is updated: UPDATEs of rows that are stored with NULL fail: violates check constraint \"" + c.Name + "\""
		r.Instead = "fill " + col.Name + " in the stored rows first, in batches, and add the constraint after that; or let the trigger fire for UPDATE, too"
		b.p.Report(b.d, r)
		return
	case col.Default == nil && left != nil:
		r.Severity = omitted
		r.Harm = "the INSERT at " + left.FormatPlace() + " leaves " + col.Name + " out, which has no default, and fails: violates check constraint \"" + c.Name +
			"\"" + unless
		u.Evidence = []onward.Evidence{left.Evidence}
	case col.Default == nil && b.p.IsOmitted(b.d, col):
		r.Severity = b.p.UsesTable(b.d).LowerSeverity(omitted)
		r.Harm = "no INSERT of the deployed code writes " + col.Name + ", which has no default, so that each fails: violates check constraint \"" + c.Name + "\"" +
			unless
	case unknown || u.IsIdle():
		return
	case col.Default != nil:
		r.Severity = onward.Info
		r.Harm = "deployed code that writes NULL to " + col.Name + " fails" + u.FirstPlace() + ": violates check constraint \"" + c.Name +
			"\"; if it leaves the column out, the default is stored"
	default:
		r.Severity = severityIfUsed(mayWrite([]analysis.Usage{u}))
		r.Harm = "INSERTs of the deployed code that write NULL to " + col.Name + " or leave it out fail" + u.FirstPlace() + ": violates check constraint \"" +
			c.Name + "\""
	}
	r.Instead = "release code that writes no NULL to " + col.Name + " first"
	if col.Default == nil {
		r.Instead = "release code that always writes " + col.Name + " first, or give it a default:\nALTER TABLE " + analysis.QuoteTable(b.d.After.Name) +
			" ALTER COLUMN " + pgparse.QuoteIdent(col.Name) + " SET DEFAULT …;"
	}
	r.Evidence = u.Evidence
	b.p.Report(b.d, r)
}
