package constraint

import (
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/rule"
	"github.com/onward-sql/onward/onward"
)

func (b *addedBinding) judgeForeignKeyBinding(c *catalog.Constraint, name string) {
	ref := "the referenced table"
	if b.d.Other != nil {
		ref = b.d.Other.Name.String()
	}
	var old *catalog.Constraint
	var oldTarget *catalog.Relation // what the columns referred to instead
	isCopy := false                 // the referenced table has its rows
	for _, o := range b.listConstraintsBefore() {
		if o.Kind != catalog.ForeignKey || !o.Enforced || !slices.Equal(o.Columns, c.Columns) {
			continue
		}
		if o.Ref == c.Ref {
			old = o
		} else if slices.ContainsFunc(b.d.After.Constraints, func(now *catalog.Constraint) bool { return now.ID == o.ID }) {
			continue // both bind
		} else if r := b.p.Release.Deployed.Relation(o.Ref); r != nil && b.d.Other != nil && r.Name != b.d.Other.Name {
			oldTarget, isCopy = r, b.isTargetCopied(o, c)
		}
	}
	r := rule.Report{Fact: name + " applies to every new write to " + b.d.After.Name.String() + ", the deployed code's included", Severity: onward.Warning}
	deletes := b.d.Other == nil || b.p.InUse(b.d.Other)
	switch {
	case old == nil && slices.ContainsFunc(c.Columns, func(a int16) bool { return b.isAlwaysNull(b.d.After.Attr(a)) }) &&
		!strings.Contains(strings.ToUpper(b.d.By.SQL), "MATCH FULL"):
		// A key with a NULL in it is not looked up.
		if !isRestrictAction(c.OnDelete) || !deletes {
			return
		}
		r.Severity = onward.Info
		r.Harm = "DELETEs of the deployed code on " + ref + " fail where the new code has pointed at the row"
	case old == nil && oldTarget != nil:
		r.Fact = name + " of " + b.d.After.Name.String() + " refers to " + ref + " from now on (was " + oldTarget.Name.String() + ")"
		r.Harm = "the deployed code writes keys of " + oldTarget.Name.String() + " there, which point at another row of " + ref + ", or fail"
		if isCopy {
			b.describeCopy(oldTarget, b.d.Other, &r)
		}
	case old == nil:
		// Code that fills such a column points at rows that are there.
		r.Severity = onward.Info
		r.Harm = "INSERTs and UPDATEs of the deployed code that point at no row of " + ref + " fail"
		if isRestrictAction(c.OnDelete) && deletes {
			r.Harm += ", and so do its DELETEs on " + ref + " of rows that are pointed at"
		}
	case isRestrictAction(c.OnDelete) && !isRestrictAction(old.OnDelete):
		r.Fact = name + " of " + b.d.After.Name.String() + " refuses DELETEs from now on (was ON DELETE " + strings.ToUpper(old.OnDelete) + ")"
		r.Harm = "DELETEs of the deployed code on " + ref + " of rows that are pointed at fail"
	case isRestrictAction(c.OnUpdate) && !isRestrictAction(old.OnUpdate):
		r.Fact = name + " of " + b.d.After.Name.String() + " refuses UPDATEs of the key from now on (was ON UPDATE " + strings.ToUpper(old.OnUpdate) + ")"
		r.Harm = "UPDATEs of the deployed code on the key of rows of " + ref + " that are pointed at fail"
	default:
		return
	}
	r.Harm += ": violates foreign key constraint \"" + c.Name + "\""
	if old == nil {
		r.Cause = "and so do %d other foreign keys of " + b.d.After.Name.String()
		if oldTarget != nil {
			r.Cause = "and so do %d other foreign keys that referred to " + oldTarget.Name.String()
		}
	}
	b.reportIfUsed(c.Columns, r)
}

// isRestrictAction reports whether a foreign key's action is to refuse the change.
func isRestrictAction(action string) bool { return action == "" || action == "restrict" }
