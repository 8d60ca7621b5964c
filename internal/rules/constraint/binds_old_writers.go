package constraint

import (
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/predicate"
	"github.com/onward-sql/onward/internal/rule"
	"github.com/onward-sql/onward/onward"
)

// BindsOldWriters flags a new constraint on columns that the deployed code
// writes. https://www.postgresql.org/docs/current/ddl-constraints.html
var BindsOldWriters = &rule.Rule{
	ID:       "constraint-binds-old-writers",
	Category: onward.Compatibility,
	Severity: onward.Error,
	Summary:  "a new constraint applies to the deployed code too, NOT VALID or not",
	Harm: "A constraint holds for every INSERT and UPDATE from the moment it is there. " +
		"NOT VALID spares only the rows that are stored: deployed code that does not know the constraint fails if it breaks it. " +
		"A unique index refuses duplicates from its first phase on, and cannot be built if some exist already.",
	Instead: "Release code that keeps to the rule first, clean up the rows, and add the constraint a release later.",
	Manual: []string{
		"https://www.postgresql.org/docs/current/ddl-constraints.html",
		"https://www.postgresql.org/docs/current/sql-altertable.html#SQL-ALTERTABLE-DESC-ADD-TABLE-CONSTRAINT",
	},
	Kinds:     rule.Data | rule.Another,
	Statement: keepCopy,
	Commit:    checkBindsOldWriters,
}

func checkBindsOldWriters(p *rule.Pass, t *rule.Tx) {
	for i := range t.Deltas {
		d := &t.Deltas[i]
		if d.Kind == catalog.DomainChanged {
			judgeDomain(p, t, d)
			continue
		}
		if !p.IsDeployed(d) || d.After == nil {
			continue
		}
		b := addedBinding{p: p, t: t, d: d}
		switch c := d.NewConstraint; {
		case d.Kind == catalog.IndexCreated && d.NewIndex.Index.Unique:
			b.judgeUnique(d.NewIndex, "unique index "+d.NewIndex.Name.Name)
		case d.Kind == catalog.ConstraintAdded && c.Enforced, d.Kind == catalog.ConstraintChanged && c.Enforced && !d.OldConstraint.Enforced:
			b.judgeConstraint(c)
		}
	}
}

// judgeDomain judges a domain that got stricter: so did all columns of it.
func judgeDomain(p *rule.Pass, t *rule.Tx, d *rule.Delta) {
	if !p.DeployedType(d.OldType) || !strings.HasPrefix(d.What, "adds check") && d.What != "is now NOT NULL" {
		return
	}
	for _, c := range d.NewType.Checks {
		if d.What == "adds check "+c.Name && slices.ContainsFunc(d.OldType.Checks,
			func(old *catalog.Constraint) bool { return predicate.Implies(old.Expr, c.Expr) }) {
			return
		}
	}
	r := rule.Report{
		Fact:     "domain " + d.NewType.Name.String() + " " + d.What,
		Harm:     "INSERTs and UPDATEs of the deployed code that do not meet it fail, in every column of the domain",
		Instead:  "release code that keeps to it first, and make the domain stricter a release later",
		Severity: onward.Warning,
	}
	if !d.OldType.Inferred && !isTypeInUse(p, t.Before, d.OldType.OID) {
		// Arguments and variables of functions are not listed.
		r.Harm, r.Severity = "no column in use is of the domain; a value that the deployed code casts to it, or passes to a function as one, "+
			"fails if it breaks the constraint", onward.Info
	}
	p.Report(d, r)
}

// isTypeInUse reports whether a column that the deployed code may write is of a
// type, be it through another domain.
func isTypeInUse(p *rule.Pass, c *catalog.Catalog, typ catalog.OID) bool {
	if slices.ContainsFunc(c.TypedBy(typ), func(r *catalog.Relation) bool {
		return p.InUse(r) && (r.OfType == typ || slices.ContainsFunc(r.Columns, func(col *catalog.Column) bool { return col.Type.OID == typ }))
	}) {
		return true
	}
	found := false
	c.EachType(func(u *catalog.UserType) bool {
		found = u.Kind == catalog.Domain && u.Base.OID == typ && isTypeInUse(p, c, u.OID)
		return !found
	})
	return found
}
