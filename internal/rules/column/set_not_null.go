package column

import (
	"slices"

	"github.com/onward-sql/onward/internal/analysis"
	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/predicate"
	"github.com/onward-sql/onward/internal/prose"
	"github.com/onward-sql/onward/internal/rule"
	"github.com/onward-sql/onward/onward"
)

// SetNotNull flags a column that is now NOT NULL, for the sake of
// those who write NULL. The scan is column-set-not-null-scan's.
// https://www.postgresql.org/docs/current/ddl-constraints.html#DDL-CONSTRAINTS-NOT-NULL
var SetNotNull = &rule.Rule{
	ID:       "column-set-not-null",
	Category: onward.Compatibility,
	Severity: onward.Error,
	Summary:  "SET NOT NULL refuses what the deployed code may still write",
	Harm: "The constraint applies to every write from the moment it is there, NOT VALID or not: " +
		"deployed code that writes NULL, or leaves the column out when it has no default, gets \"null value in column violates not-null constraint\". " +
		"The backfill before it does not help: old code keeps running after it.",
	Instead: "Release code that always writes the column first. Make the column NOT NULL a release later.",
	Manual:  []string{"https://www.postgresql.org/docs/current/ddl-constraints.html#DDL-CONSTRAINTS-NOT-NULL"},
	Commit:  checkSetNotNull,
}

// why a column that is NOT NULL now is a hazard.
type why uint8

const (
	unknown      why = iota // the release added it: no deployed INSERT names it
	neverNamed              // nothing in the deployed code names it
	maybeLeftOut            // deployed code uses it, and may leave it out
	maybeNull               // it has a default, and deployed code may write NULL
	modelGives              // the model has one, and deployed code may write NULL
	alwaysNamed             // each INSERT that the deployed code spells out names it
	leftOut                 // an INSERT in the deployed code leaves it out
)

// bindingColumn is a column that is NOT NULL now.
type bindingColumn struct {
	*rule.Delta
	analysis.Usage
	why  why
	left *analysis.Insert // of leftOut
}

func checkSetNotNull(p *rule.Pass, t *rule.Tx) {
	var all []bindingColumn
	for d := range p.DeployedChanges(t, catalog.ColumnSetNotNull) {
		if wasNullRefused(d.Before, d.Old) || d.After.IsInPrimaryKey(d.New.Attnum) || d.New.Identity != "" ||
			d.New.Generated != "" ||
			isFilledByTriggers(p, t.After, d, d.New.Name) {
			continue
		}
		needs, fresh := isInsertRequired(t.After, d.New), p.NewColumn(d, d.Old)
		x := bindingColumn{d, p.UsesColumn(d, d.Old).ByWriters(), maybeNull, nil}
		if needs && !fresh {
			x.left = p.LeavesOut(d, d.Old)
		}
		switch {
		case fresh && !needs, needs && analysis.IsSetByTrigger(t.After, d.After, d.New.Name):
			continue // the default, or a trigger, speaks for the deployed code
		case fresh:
			x.why = unknown
		case x.left != nil:
			x.why = leftOut
		case needs && p.IsOmitted(d, d.Old):
			x.why = neverNamed
		case x.IsIdle():
			continue
		case needs && !x.Named && p.FindInsert(d, d.Old) != nil:
			x.why = alwaysNamed
		case needs && x.GivesValue:
			x.why = modelGives
		case needs:
			x.why = maybeLeftOut
		}
		all = append(all, x)
	}
	type key struct {
		by    *rule.Stmt
		table catalog.OID
		why   why
	}
	for _, list := range analysis.GroupByKey(all, func(x *bindingColumn) key { return key{x.By, x.OID, x.why} }) {
		reportNotNullColumns(p, t.After, list)
	}
}

// reportNotNullColumns reports the columns that one statement makes NOT NULL, and that
// are a hazard for one reason.
func reportNotNullColumns(p *rule.Pass, after *catalog.Catalog, list []bindingColumn) {
	d, n := list[0], len(list)
	table := d.Before.Name.String()
	var names []string
	var uses []analysis.Usage
	for _, x := range list {
		names, uses = append(names, x.New.Name), append(uses, x.Usage.ByWriters())
	}
	u := analysis.MergeUsages(uses)
	r := rule.Report{
		Fact:    prose.EnumerateColumns(names) + " of " + table + prose.PickForm(n, " is", " are") + " now NOT NULL",
		Instead: "release code that always writes " + prose.EnumerateNames(names) + " first, and set NOT NULL a release later",
	}
	the := prose.PickForm(n, "the column", "the columns")
	switch d.why {
	case unknown:
		r.Harm = "the deployed code does not know " + the + ", so that all its INSERTs on " + table + " fail" + describeFiller(after, d.After, names...)
		r.Severity = severityIfFilled(after, d.After, names...)
	case neverNamed:
		r.Harm = "nothing in the deployed code names " + the + ", so that its INSERTs on " + table + " leave " +
			prose.PickForm(n, "it", "them") + " out and fail" +
			describeFiller(after, d.After, names...)
		r.Severity = severityIfFilled(after, d.After, names...)
	case leftOut:
		r.Harm = "the INSERT at " + d.left.FormatPlace() + " leaves " + prose.PickForm(n, "it", "one of them") + " out and fails" +
			describeFiller(after, d.After, names...)
		r.Severity, r.Evidence = severityIfFilled(after, d.After, names...), []onward.Evidence{d.left.Evidence}
	case maybeLeftOut:
		r.Harm = "deployed code that writes NULL or leaves " + prose.PickForm(n, "the column", "one of them") + " out fails" + u.FirstPlace()
		r.Severity, r.Evidence = onward.Warning, u.Evidence
		if d.New.NotNullInvalid && !u.Used && !u.Named && !u.Nothing {
			r.Severity = onward.Info // like a CHECK that is NOT VALID
		}
	case alwaysNamed:
		r.Harm = "each INSERT that the deployed code spells out writes " + the + "; one that writes NULL fails" + u.FirstPlace()
		r.Severity, r.Evidence = onward.Info, u.Evidence
	case maybeNull:
		r.Harm = "deployed code that writes NULL fails" + u.FirstPlace() + "; if it leaves " + the + " out, the default is stored"
		r.Severity, r.Evidence = onward.Info, u.Evidence
	case modelGives:
		r.Harm = "deployed code that writes NULL fails; if it gives no value, its model writes a default" + u.FirstPlace()
		r.Severity, r.Evidence = onward.Info, u.Evidence
	}
	if n == 1 {
		r.Cause = "and so are %d others of " + table
	}
	r.Severity = p.UsesTable(d.Delta).LowerSeverity(r.Severity)
	p.Report(d, r)
}

// wasNullRefused reports whether a CHECK refused NULL already, valid or not. Adding that CHECK
// was already reported.
func wasNullRefused(r *catalog.Relation, c *catalog.Column) bool {
	return slices.ContainsFunc(r.Constraints, func(k *catalog.Constraint) bool {
		return k.Kind == catalog.Check && k.Enforced && predicate.ProvesNotNull(k.Expr, c.Name)
	})
}
