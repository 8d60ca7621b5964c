package constraint

import (
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/rule"
	"github.com/onward-sql/onward/onward"
)

// BindsOldWriters flags a new constraint on columns that the deployed code
// writes. https://www.postgresql.org/docs/current/ddl-constraints.html
var BindsOldWriters = &rule.Rule{
	ID:       "constraint-binds-old-writers",
	Category: onward.Compatibility,
	Severity: onward.Error,
	Preset:   rule.Recommended,
	Summary:  "a new constraint binds the deployed code too, NOT VALID or not",
	Harm:     "A constraint holds for every INSERT and UPDATE from the moment it is there. NOT VALID spares the rows that are stored, and nobody else: deployed code that does not know of the rule fails where it breaks it. A unique index refuses duplicates from its first phase on, and cannot be built when there are some already.",
	Instead:  "Release code that keeps to the rule first, clean up the rows, and add the constraint a release later.",
	Manual:   []string{"https://www.postgresql.org/docs/current/ddl-constraints.html", "https://www.postgresql.org/docs/current/sql-altertable.html#SQL-ALTERTABLE-DESC-ADD-TABLE-CONSTRAINT"},
	Commit:   bindsOldWriters,
}

func bindsOldWriters(p *rule.Pass, t *rule.Tx) {
	for i := range t.Deltas {
		d := &t.Deltas[i]
		if d.Kind == catalog.DomainChanged {
			domain(p, d)
			continue
		}
		if !p.Deployed(d) || d.After == nil {
			continue
		}
		b := binding{p: p, t: t, d: d}
		switch c := d.NewConstraint; {
		case d.Kind == catalog.IndexCreated && d.NewIndex.Index.Unique:
			b.unique(d.NewIndex, "unique index "+d.NewIndex.Name.Name)
		case d.Kind == catalog.ConstraintAdded && c.Enforced, d.Kind == catalog.ConstraintChanged && c.Enforced && !d.OldConstraint.Enforced:
			b.constraint(c)
		}
	}
}

// binding is a constraint or unique index that is new on a table in use.
type binding struct {
	p *rule.Pass
	t *rule.Tx
	d *rule.Delta
}

func (b *binding) constraint(c *catalog.Constraint) {
	name := c.Kind.String() + " " + c.Name
	table := b.d.After.Name.String()
	switch c.Kind {
	case catalog.Check:
		b.check(c, name)
	case catalog.Unique, catalog.PrimaryKey:
		if b.d.NewIndex != nil && b.t.Before.Relation(c.Index) == nil {
			b.unique(b.d.NewIndex, name)
		}
	case catalog.Exclude:
		b.report(c.Columns, rule.Report{
			Fact:     name + " binds " + table + " from here on",
			Harm:     "rows that exclude each other make the statement fail, and so does each INSERT or UPDATE of the deployed code that writes one: conflicting key value violates exclusion constraint",
			Severity: onward.Warning,
		})
	case catalog.ForeignKey:
		b.foreignKey(c, name)
	}
}

func (b *binding) check(c *catalog.Constraint, name string) {
	table := b.d.After.Name.String()
	if b.replaced(func(old *catalog.Constraint) bool { return old.Kind == catalog.Check && implies(old.Expr, c.Expr, 0) }) {
		return
	}
	r := rule.Report{
		Fact:     name + " binds " + table + " from here on",
		Harm:     "INSERTs and UPDATEs of the deployed code that do not meet it fail: new row for relation \"" + b.d.After.Name.Name + "\" violates check constraint \"" + c.Name + "\"",
		Severity: onward.Warning,
	}
	if !c.Valid {
		r.Harm += "; NOT VALID spares the stored rows only"
	}
	if len(c.Columns) == 1 {
		if col := b.d.After.Attr(c.Columns[0]); col != nil && catalog.ProvesNotNull(c.Expr, col.Name) {
			b.notNull(c, col, r)
			return
		}
	}
	b.report(c.Columns, r)
}

// notNull judges CHECK (a IS NOT NULL), the first step of a long way to NOT
// NULL.
func (b *binding) notNull(c *catalog.Constraint, col *catalog.Column, r rule.Report) {
	if col.NotNull || b.d.Before.Attr(col.Attnum) != nil && b.d.Before.Attr(col.Attnum).NotNull {
		return
	}
	u := b.p.UsesColumn(b.d, col)
	unknown := b.p.NewColumn(b.d, col)
	switch {
	case col.Default == nil && b.p.Omitted(b.d, col):
		r.Severity = onward.Off
		r.Harm = "no INSERT of the deployed code writes " + col.Name + ", which has no default, so that each fails: violates check constraint \"" + c.Name + "\""
	case unknown || u.Known && !u.Used:
		return
	case col.Default == nil:
		r.Harm = "INSERTs of the deployed code that write NULL to " + col.Name + " or leave it out fail" + u.Where() + ": violates check constraint \"" + c.Name + "\""
	}
	r.Instead = "release code that always writes " + col.Name + " first, or give it a default:\nALTER TABLE " + rule.Table(b.d.After.Name) + " ALTER COLUMN " + rule.Ident(col.Name) + " SET DEFAULT …;"
	r.Evidence = u.Evidence
	b.p.Report(b.d.By, r)
}

func (b *binding) unique(idx *catalog.Relation, name string) {
	info := idx.Index
	var columns []int16
	for _, k := range info.Keys {
		columns = append(columns, k.Columns...)
		if col := b.d.After.Attr(k.Column); col != nil && (col.Identity != "" || col.Sequence != 0 || b.p.NewColumn(b.d, col) && col.Default == nil && !info.NullsNotDistinct) {
			return // numbered by the server, or NULL in every row of the deployed code
		}
	}
	if b.covered(columns) {
		return
	}
	table := b.d.After.Name
	keys := make([]string, 0, len(info.Keys))
	for _, k := range info.Keys {
		if c := b.d.After.Attr(k.Column); c != nil {
			keys = append(keys, rule.Ident(c.Name))
		} else if k.ExprText != "" {
			keys = append(keys, k.ExprText)
		}
	}
	list := strings.Join(keys, ", ")
	b.report(columns, rule.Report{
		Fact: name + " binds " + table.String() + " from here on",
		Harm: "duplicates that are stored make the statement fail, and each INSERT or UPDATE of the deployed code that makes one fails: duplicate key value violates unique constraint",
		Instead: "release code that makes no duplicates first, and see that there are none:\nSELECT " + list + ", count(*) FROM " + rule.Table(table) +
			" GROUP BY " + list + " HAVING count(*) > 1;",
		Severity: onward.Warning,
	})
}

// covered reports whether rows have been unique by some of these columns
// already.
func (b *binding) covered(columns []int16) bool {
	return slices.ContainsFunc(b.d.Before.Indexes, func(oid catalog.OID) bool {
		old := b.t.Before.Relation(oid)
		if old == nil || !old.Index.Unique || old.Index.Predicate != nil {
			return false
		}
		return !slices.ContainsFunc(old.Index.Keys, func(k catalog.IndexKey) bool { return k.Column == 0 || !slices.Contains(columns, k.Column) })
	})
}

func (b *binding) foreignKey(c *catalog.Constraint, name string) {
	if b.replaced(func(old *catalog.Constraint) bool {
		return old.Kind == catalog.ForeignKey && old.Enforced && old.Ref == c.Ref && slices.Equal(old.Columns, c.Columns) &&
			(refuses(old.OnDelete) || !refuses(c.OnDelete)) && (refuses(old.OnUpdate) || !refuses(c.OnUpdate))
	}) {
		return
	}
	harm := "INSERTs and UPDATEs of the deployed code that point at no row fail"
	if b.d.Other != nil {
		harm = "INSERTs and UPDATEs of the deployed code that point at no row of " + b.d.Other.Name.String() + " fail"
		if refuses(c.OnDelete) {
			harm += ", and so do its DELETEs on " + b.d.Other.Name.String() + " of rows that are pointed at"
		}
	}
	b.report(c.Columns, rule.Report{
		Fact:     name + " binds " + b.d.After.Name.String() + " from here on",
		Harm:     harm + ": violates foreign key constraint \"" + c.Name + "\"",
		Severity: onward.Warning,
	})
}

// refuses reports whether a foreign key's action is to refuse the change.
func refuses(action string) bool { return action == "" || action == "restrict" }

// replaced reports whether the table had a constraint that bound at least as
// much, be it that the transaction drops it.
func (b *binding) replaced(same func(*catalog.Constraint) bool) bool {
	return slices.ContainsFunc(b.d.Before.Constraints, func(old *catalog.Constraint) bool {
		return (b.d.OldConstraint == nil || old.ID != b.d.OldConstraint.ID) && old.Enforced && same(old)
	})
}

// report says it, unless the deployed code has nothing to do with the columns.
func (b *binding) report(columns []int16, r rule.Report) {
	concerns := len(columns) == 0
	for _, a := range columns {
		col := b.d.After.Attr(a)
		if col == nil || b.p.NewColumn(b.d, col) {
			continue
		}
		u := b.p.UsesColumn(b.d, col)
		concerns = concerns || u.Used || !u.Known
		r.Evidence = append(r.Evidence, u.Evidence...)
	}
	if !concerns {
		return
	}
	if r.Instead == "" {
		r.Instead = "release code that keeps to it first, clean up the rows, and add the constraint a release later"
	}
	b.p.Report(b.d.By, r)
}

// domain judges a domain that got stricter: so did all columns of it.
func domain(p *rule.Pass, d *rule.Delta) {
	if !p.DeployedType(d.OldType) || !strings.HasPrefix(d.What, "adds check") && d.What != "must not be null" {
		return
	}
	for _, c := range d.NewType.Checks {
		if d.What == "adds check "+c.Name && slices.ContainsFunc(d.OldType.Checks, func(old *catalog.Constraint) bool { return implies(old.Expr, c.Expr, 0) }) {
			return
		}
	}
	p.Report(d.By, rule.Report{
		Fact:     "domain " + d.NewType.Name.String() + " " + d.What,
		Harm:     "INSERTs and UPDATEs of the deployed code that do not meet it fail, in every column of the domain",
		Instead:  "release code that keeps to it first, and make the domain stricter a release later",
		Severity: onward.Warning,
	})
}
