package column

import (
	"github.com/onward-sql/onward/internal/analysis"
	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/rule"
	"github.com/onward-sql/onward/onward"
)

// undefaultedColumn is a column that loses what filled it, and what comes of it.
type undefaultedColumn struct {
	*rule.Delta
	what, harm string
	severity   onward.Severity
	uses       analysis.Usage
}

// judgeUndefaulted says what the deployed code feels of it, and whether it feels anything.
func (x *undefaultedColumn) judgeUndefaulted(p *rule.Pass, after *catalog.Catalog) bool {
	d, name, table := x.Delta, x.New.Name, x.Before.Name.String()
	if analysis.IsSetByTrigger(after, d.After, name) || isFilledByTriggers(p, after, d, name) {
		return false
	}
	if p.NewColumn(d, d.Old) {
		x.harm = "the deployed code does not know the column, so that all its INSERTs on " + table + " fail from now on" + describeFiller(after, d.After, name)
		x.severity = severityIfFilled(after, d.After, name)
		return true
	}
	x.harm = "INSERTs that leave " + name + " out fail: null value in column \"" + name + "\" violates not-null constraint"
	x.uses, x.severity = p.UsesColumn(d, d.Old), onward.Warning
	left, in := p.LeavesOut(d, d.Old), p.FindInsert(d, d.Old)
	switch {
	case x.uses.IsIdle() && !p.IsOmitted(d, d.Old):
		return false // nobody writes the table
	case left != nil:
		x.severity = severityIfFilled(after, d.After, name)
		x.harm = "the INSERT at " + left.FormatPlace() + " leaves " + name + " out and fails from now on: null value in column \"" + name +
			"\" violates not-null constraint"
		x.uses.Evidence = []onward.Evidence{left.Evidence}
	case isNumberedKey(d):
		x.severity = severityIfFilled(after, d.After, name)
		x.harm = "the server numbered the rows: code that relies on it leaves " + name + " out of its INSERTs, and each fails from now on" + x.uses.FirstPlace() +
			": null value in column \"" + name + "\" violates not-null constraint"
	case x.uses.Defaulted:
		x.severity = severityIfFilled(after, d.After, name)
		x.harm = "the deployed model leaves the value to the database: its INSERTs say DEFAULT for " + name + " and fail from now on" + x.uses.FirstPlace() +
			": null value in column \"" + name + "\" violates not-null constraint"
	case x.uses.Sure && x.uses.Used:
		return false // a mapper names every column of its model
	case p.IsOmitted(d, d.Old):
		x.severity = severityIfFilled(after, d.After, name)
		x.harm = "nothing in the deployed code names the column, so that its INSERTs on " + table + " leave it out and fail from now on" +
			describeFiller(after, d.After, name)
	case in != nil:
		// Those that it spells out give a value, all of them.
		x.severity = onward.Info
		x.harm = "the INSERT at " + in.FormatPlace() + " gives it a value; one that leaves it out fails from now on"
		x.uses.Evidence = []onward.Evidence{in.Evidence}
	case x.uses.Used:
		x.harm = "the deployed code names the column" + x.uses.FirstPlace() + "; where an INSERT leaves it out, it fails from now on"
	}
	return true
}
