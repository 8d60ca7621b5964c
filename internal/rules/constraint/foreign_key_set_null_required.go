package constraint

import (
	"slices"

	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/recipe"
	"github.com/onward-sql/onward/internal/rule"
	"github.com/onward-sql/onward/onward"
)

// ForeignKeySetNullRequired flags ON DELETE SET NULL on a column that must not
// be null. https://www.postgresql.org/docs/current/ddl-constraints.html#DDL-CONSTRAINTS-FK
var ForeignKeySetNullRequired = &rule.Rule{
	ID:       "constraint-foreign-key-set-null-required",
	Category: onward.Compatibility,
	Severity: onward.Error,
	Summary:  "ON DELETE SET NULL on a NOT NULL column makes every DELETE of a referenced row fail",
	Harm: "The server accepts the foreign key. A DELETE of a row that is pointed at then tries to write NULL where NULL is refused, " +
		"and fails with \"null value in column violates not-null constraint\".",
	Instead: "Make the column nullable, or choose another action: RESTRICT, CASCADE, or SET NULL for the nullable columns alone (since 15).",
	Manual:  []string{"https://www.postgresql.org/docs/current/ddl-constraints.html#DDL-CONSTRAINTS-FK"},
	Gather:  gatherRequiredNulls,
	Release: reportRequired,
}

// requiredNull is a column that must not be null and that a foreign key sets to null.
type requiredNull struct {
	at     *rule.Delta
	con    *catalog.Constraint
	column *catalog.Column
	report rule.Report
}

func gatherRequiredNulls(p *rule.Pass, m *rule.Migration) {
	for _, t := range m.Txs {
		gatherRequiredNullsIn(p, t)
	}
}

func gatherRequiredNullsIn(p *rule.Pass, t *rule.Tx) {
	for i := range t.Deltas {
		d := &t.Deltas[i]
		if d.After == nil {
			continue
		}
		switch d.Kind {
		case catalog.RelationCreated:
			for _, c := range d.After.Constraints {
				keepRequiredNull(p, t, d, c, nil)
			}
		case catalog.ConstraintAdded:
			keepRequiredNull(p, t, d, d.NewConstraint, nil)
		case catalog.ColumnSetNotNull:
			if oldColumn := d.Before.Attr(d.New.Attnum); oldColumn != nil && oldColumn.NotNull {
				continue // under another name
			}
			for _, c := range d.After.Constraints {
				if t.FindChange(catalog.ConstraintAdded, func(o *rule.Delta) bool { return o.NewConstraint == c }) == nil {
					keepRequiredNull(p, t, d, c, d.New)
				}
			}
		}
	}
}

// keepRequiredNull judges a foreign key; onlyColumn is the column that is in question, nil
// for all.
func keepRequiredNull(p *rule.Pass, t *rule.Tx, d *rule.Delta, c *catalog.Constraint, onlyColumn *catalog.Column) {
	if c.Kind != catalog.ForeignKey || c.Parent || c.OnDelete != "set null" && c.OnUpdate != "set null" {
		return
	}
	act, sets := "DELETE", c.Columns
	if c.OnDelete != "set null" {
		act = "UPDATE"
	} else if c.SetColumns != nil {
		sets = c.SetColumns
	}
	for _, a := range sets {
		col := d.After.Attr(a)
		if col == nil || !col.NotNull || onlyColumn != nil && onlyColumn.Attnum != a {
			continue
		}
		ref := "the referenced table"
		if r := t.After.Relation(c.Ref); r != nil {
			ref = r.Name.String()
		}
		table := d.After.Name
		p.KeepValue(requiredNull{d, c, col, rule.Report{
			Fact:    "foreign key " + c.Name + " of " + table.String() + " sets " + col.Name + " to null ON " + act + ", but the column is NOT NULL",
			Harm:    "each " + act + " on " + ref + " of a row that is pointed at fails: null value in column \"" + col.Name + "\" violates not-null constraint",
			Instead: "choose ON " + act + " RESTRICT or CASCADE, or let the column be null:\n" + recipe.DropNotNull(table, col.Name) + ";",
		}})
		return
	}
}

// reportRequired reports what is so in the end: a later migration of the release may let the column be null, or drop one
// of them.
func reportRequired(p *rule.Pass, r *rule.Release) {
	for _, k := range rule.KeptValues[requiredNull](p) {
		now := r.Head.Relation(k.at.OID)
		if now == nil || !slices.ContainsFunc(now.Constraints, func(c *catalog.Constraint) bool { return c.ID == k.con.ID }) {
			continue
		}
		if col := now.Attr(k.column.Attnum); col != nil && col.NotNull {
			p.Report(k.at, k.report)
		}
	}
}
