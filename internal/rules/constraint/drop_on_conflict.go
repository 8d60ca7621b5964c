package constraint

import (
	"slices"

	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/rule"
	"github.com/onward-sql/onward/onward"
)

// DropOnConflict flags a unique constraint or index that goes away without a
// successor: ON CONFLICT needs one.
// https://www.postgresql.org/docs/current/sql-insert.html#SQL-ON-CONFLICT
var DropOnConflict = &rule.Rule{
	ID:       "constraint-drop-on-conflict",
	Category: onward.Compatibility,
	Severity: onward.Warning,
	Preset:   rule.Recommended,
	Summary:  "without its unique constraint or index an upsert of the deployed code fails",
	Harm:     "INSERT … ON CONFLICT (columns) needs a unique index on exactly these columns, and one that is not deferrable. Without it each such INSERT fails with \"there is no unique or exclusion constraint matching the ON CONFLICT specification\", not only the conflicting ones. The duplicates that the constraint held off come in, too.",
	Instead:  "Keep it until no deployed code names its columns in ON CONFLICT. To replace it, build the new index first, and drop the old one in a later release.",
	Manual:   []string{"https://www.postgresql.org/docs/current/sql-insert.html#SQL-ON-CONFLICT"},
	Commit:   dropOnConflict,
}

func dropOnConflict(p *rule.Pass, t *rule.Tx) {
	for i := range t.Deltas {
		d := &t.Deltas[i]
		if !p.Deployed(d) || d.After == nil {
			continue
		}
		var idx *catalog.Relation
		var name string
		switch {
		case d.Kind == catalog.ConstraintDropped && (d.OldConstraint.Kind == catalog.Unique || d.OldConstraint.Kind == catalog.Exclude) && !d.OldConstraint.Deferrable:
			idx, name = d.OldIndex, d.OldConstraint.Kind.String()+" "+d.OldConstraint.Name
		case d.Kind == catalog.IndexDropped && d.OldIndex.Index.Unique && d.OldIndex.Index.Constraint == "":
			idx, name = d.OldIndex, "unique index "+d.OldIndex.Name.Name
		}
		if idx == nil || p.New(idx.OID) || !idx.Index.Valid || gone(d.After, idx) || arbiter(t.After, d.After, idx) {
			continue
		}
		severity, harm := onward.Off, "INSERTs of the deployed code with ON CONFLICT on its columns fail"
		if d.By.Migration.Framework == "django" {
			// The mapper says ON CONFLICT in this one case only.
			severity, harm = onward.Info, "bulk_create of the deployed code with update_conflicts and these unique_fields fails"
		} else if u := p.Upserts(); u.Known && !u.Used {
			continue
		}
		p.Report(d.By, rule.Report{
			Severity: severity,
			Cause:    "and so are %d others",
			Fact:     name + " of " + d.After.Name.String() + " is dropped without a successor",
			Harm:     harm + ": there is no unique or exclusion constraint matching the ON CONFLICT specification",
			Instead:  "keep it until no deployed code names it in ON CONFLICT, and drop it a release later",
		})
	}
}

// gone reports whether a column of an index went away too: that is another
// finding.
func gone(r *catalog.Relation, idx *catalog.Relation) bool {
	return slices.ContainsFunc(idx.Index.Keys, func(k catalog.IndexKey) bool {
		return slices.ContainsFunc(k.Columns, func(a int16) bool { return r.Attr(a) == nil })
	})
}

// arbiter reports whether another index of the table serves ON CONFLICT in the
// place of one.
func arbiter(c *catalog.Catalog, r *catalog.Relation, old *catalog.Relation) bool {
	return slices.ContainsFunc(r.Indexes, func(oid catalog.OID) bool {
		idx := c.Relation(oid)
		if idx == nil || oid == old.OID || !idx.Index.Unique || !idx.Index.Valid || len(idx.Index.Keys) != len(old.Index.Keys) ||
			idx.Index.Predicate != nil && !catalog.SameExpr(idx.Index.Predicate, old.Index.Predicate) {
			return false
		}
		if con := r.Constraint(idx.Index.Constraint); con != nil && con.Deferrable {
			return false
		}
		return !slices.ContainsFunc(old.Index.Keys, func(k catalog.IndexKey) bool {
			return !slices.ContainsFunc(idx.Index.Keys, func(o catalog.IndexKey) bool {
				return k.Column == o.Column && (k.Column != 0 || catalog.SameExpr(k.Expr, o.Expr))
			})
		})
	})
}
