package constraint

import (
	"slices"

	"github.com/onward-sql/onward/internal/analysis"
	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/rule"
	"github.com/onward-sql/onward/onward"
)

// addedBinding is a constraint or unique index that is new on an existing table.
type addedBinding struct {
	p *rule.Pass
	t *rule.Tx
	d *rule.Delta
	// assumeUnknown: conditions are evaluated for all rows. Something else may have filled the columns that the deployed
	// code does not know, so that their values are unknown. Otherwise these columns have their default or NULL.
	assumeUnknown bool
}

func (b *addedBinding) judgeConstraint(c *catalog.Constraint) {
	name := c.Kind.String() + " " + c.Name
	table := b.d.After.Name.String()
	switch c.Kind {
	case catalog.Check:
		b.judgeCheck(c, name)
	case catalog.Unique, catalog.PrimaryKey:
		if b.d.NewIndex != nil && !b.d.NewIndex.Inferred && b.t.Before.Relation(c.Index) == nil {
			b.judgeUnique(b.d.NewIndex, name)
		}
	case catalog.Exclude:
		b.reportIfUsed(c.Columns, rule.Report{
			Fact: name + " applies to every new write to " + table + ", the deployed code's included",
			Harm: "rows that exclude each other make the statement fail, and so does each INSERT or UPDATE of the deployed code that writes one: " +
				"conflicting key value violates exclusion constraint",
			Severity: onward.Warning,
		})
	case catalog.ForeignKey:
		b.judgeForeignKeyBinding(c, name)
	}
}

// deployedTable returns the table as the deployed code knows it; nil if the base does not have it. The code keeps to its
// constraints, even if an earlier commit of the release has dropped them.
func (b *addedBinding) deployedTable() *catalog.Relation {
	return b.p.Release.Deployed.Relation(b.d.Before.OID)
}

// listConstraintsBefore lists the constraints that the deployed code keeps to: of the table before the change, and of the base.
func (b *addedBinding) listConstraintsBefore() []*catalog.Constraint {
	list := b.d.Before.Constraints
	if deployed := b.deployedTable(); deployed != nil {
		list = append(slices.Clip(list), deployed.Constraints...)
	}
	return list
}

// isAlreadyBound reports whether an enforced constraint, even one that the release drops, bound the deployed code at least as
// much as the new one: implies compares them.
func (b *addedBinding) isAlreadyBound(implies func(*catalog.Constraint) bool) bool {
	return slices.ContainsFunc(b.listConstraintsBefore(), func(old *catalog.Constraint) bool {
		return (b.d.OldConstraint == nil || old.ID != b.d.OldConstraint.ID) && old.Enforced && implies(old)
	})
}

// severityIfUsed returns the severity of a finding about a constraint that may fail writes of the deployed code: a warning if the code may
// write one of its columns. Otherwise it is a note, because the constraint alone is no mistake: it has to be added at some time.
func severityIfUsed(used bool) onward.Severity {
	if used {
		return onward.Warning
	}
	return onward.Info
}

// mayWrite reports whether the deployed code may write one of some columns: it uses it, and not only to read it, or code that works on
// the table has its name.
func mayWrite(uses []analysis.Usage) bool {
	return slices.ContainsFunc(uses, func(u analysis.Usage) bool { return u.Named || u.Used && (u.Read == nil || u.Written != nil) })
}

// reportIfUsed reports the finding, unless all of the columns are new or the deployed code does not use them.
func (b *addedBinding) reportIfUsed(columns []int16, r rule.Report) {
	concerns := len(columns) == 0
	var uses []analysis.Usage
	for _, a := range columns {
		col := b.d.After.Attr(a)
		if col == nil || b.p.NewColumn(b.d, col) {
			continue
		}
		u := b.p.UsesColumn(b.d, col).ByWriters()
		concerns = concerns || !u.IsIdle()
		uses = append(uses, u)
	}
	if !concerns {
		return
	}
	if len(uses) > 0 {
		merged := analysis.MergeUsages(uses)
		r.Evidence = merged.Evidence
		if ins := b.findInsert(columns); ins != nil {
			r.Evidence = []onward.Evidence{ins.Evidence}
		}
		if c := b.d.NewConstraint; c == nil || c.Kind != catalog.ForeignKey {
			r.Severity = severityIfUsed(mayWrite(uses))
		}
	}
	if r.Instead == "" {
		r.Instead = "release code that keeps to it first, clean up the rows, and add the constraint a release later"
	}
	b.p.Report(b.d, r)
}

// findInsert returns an INSERT of the deployed code that writes one of the columns: better evidence than a line with the column's
// name.
func (b *addedBinding) findInsert(columns []int16) *analysis.Insert {
	for _, a := range columns {
		if col := b.d.After.Attr(a); col != nil {
			if ins := b.p.FindInsert(b.d, col); ins != nil {
				return ins
			}
		}
	}
	return nil
}
