package constraint

import (
	"github.com/onward-sql/onward/internal/analysis"
	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/rule"
	"github.com/onward-sql/onward/onward"
)

// ForeignKeySetNullRequired flags ON DELETE SET NULL on a column that must not
// be null. https://www.postgresql.org/docs/current/ddl-constraints.html#DDL-CONSTRAINTS-FK
var ForeignKeySetNullRequired = &rule.Rule{
	ID:       "constraint-foreign-key-set-null-required",
	Category: onward.Compatibility,
	Severity: onward.Error,
	Preset:   onward.Recommended,
	Summary:  "ON DELETE SET NULL on a NOT NULL column makes every DELETE of a referenced row fail",
	Harm:     "The server accepts the foreign key. A DELETE of a row that is pointed at then tries to write NULL where NULL is refused, and fails with \"null value in column violates not-null constraint\".",
	Instead:  "Make the column nullable, or choose another action: RESTRICT, CASCADE, or SET NULL for the nullable columns alone (since 15).",
	Manual:   []string{"https://www.postgresql.org/docs/current/ddl-constraints.html#DDL-CONSTRAINTS-FK"},
	Commit:   foreignKeySetNullRequired,
}

func foreignKeySetNullRequired(p *rule.Pass, t *rule.Tx) {
	for i := range t.Deltas {
		d := &t.Deltas[i]
		if d.After == nil {
			continue
		}
		switch d.Kind {
		case catalog.RelationCreated:
			for _, c := range d.After.Constraints {
				setNull(p, t, d, c, nil)
			}
		case catalog.ConstraintAdded:
			setNull(p, t, d, d.NewConstraint, nil)
		case catalog.ColumnSetNotNull:
			if was := d.Before.Attr(d.New.Attnum); was != nil && was.NotNull {
				continue // under another name
			}
			for _, c := range d.After.Constraints {
				if t.Same(catalog.ConstraintAdded, func(o *rule.Delta) bool { return o.NewConstraint == c }) == nil {
					setNull(p, t, d, c, d.New)
				}
			}
		}
	}
}

// setNull judges a foreign key; only names the column that is in question, nil
// for all.
func setNull(p *rule.Pass, t *rule.Tx, d *rule.Delta, c *catalog.Constraint, only *catalog.Column) {
	if c.Kind != catalog.ForeignKey || c.Parent || c.OnDelete != "set null" && c.OnUpdate != "set null" {
		return
	}
	act := "DELETE"
	if c.OnDelete != "set null" {
		act = "UPDATE"
	} else if listed(d.By.Node, c) {
		return // SET NULL (columns): the author chose them
	}
	for _, a := range c.Columns {
		col := d.After.Attr(a)
		if col == nil || !col.NotNull || only != nil && only.Attnum != a {
			continue
		}
		ref := "the referenced table"
		if r := t.After.Relation(c.Ref); r != nil {
			ref = r.Name.String()
		}
		table := d.After.Name
		p.Report(d, rule.Report{
			Fact:    "foreign key " + c.Name + " of " + table.String() + " sets " + col.Name + " to null ON " + act + ", but the column is NOT NULL",
			Harm:    "each " + act + " on " + ref + " of a row that is pointed at fails: null value in column \"" + col.Name + "\" violates not-null constraint",
			Instead: "choose ON " + act + " RESTRICT or CASCADE, or let the column be null:\nALTER TABLE " + analysis.Table(table) + " ALTER COLUMN " + pgparse.QuoteIdent(col.Name) + " DROP NOT NULL;",
		})
		return
	}
}

// listed reports whether a statement makes the foreign key with a list of
// columns to set (15 and later).
func listed(n *pgparse.Node, c *catalog.Constraint) bool {
	found := false
	pgparse.Walk(n, func(msg any) bool {
		con, ok := msg.(*pgparse.Constraint)
		if ok && con.GetContype() == pgparse.ConstrType_CONSTR_FOREIGN && len(con.GetFkDelSetCols()) > 0 &&
			(con.GetConname() == c.Name || con.GetConname() == "" && len(con.GetFkAttrs()) == len(c.Columns)) {
			found = true
		}
		return !found
	})
	return found
}
