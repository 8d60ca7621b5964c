package constraint

import (
	"github.com/onward-sql/onward/internal/analysis"
	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/rule"
	"github.com/onward-sql/onward/onward"
)

// ForeignKeyTypeMismatch flags foreign keys between columns of different types.
// https://www.postgresql.org/docs/current/ddl-constraints.html#DDL-CONSTRAINTS-FK
var ForeignKeyTypeMismatch = &rule.Rule{
	ID:       "constraint-foreign-key-type-mismatch",
	Category: onward.Design,
	Severity: onward.Warning,
	OnlyIn:   onward.DesignSet,
	Summary:  "a foreign key joins columns of different types",
	Harm: "An integer that refers to a bigint holds until the keys pass 2147483647, and then the referencing side cannot store them; " +
		"other pairs are converted in each check, and joins on them may not use the index.",
	Instead: "Give the referencing column the type of the key that it refers to.",
	Manual:  []string{"https://www.postgresql.org/docs/current/ddl-constraints.html#DDL-CONSTRAINTS-FK"},
	Commit:  checkForeignKeyTypeMismatch,
}

func checkForeignKeyTypeMismatch(p *rule.Pass, t *rule.Tx) {
	for i := range t.Deltas {
		switch d := &t.Deltas[i]; d.Kind {
		case catalog.ConstraintAdded:
			judgeForeignKey(p, t, d, d.NewConstraint)
		case catalog.RelationCreated:
			for _, c := range d.After.Constraints {
				judgeForeignKey(p, t, d, c)
			}
		}
	}
}

// isWider reports whether both are integers and the first holds all that the
// second does.
func isWider(a, b catalog.Type) bool {
	size := map[string]int{"int2": 2, "int4": 4, "int8": 8}
	x, y := size[a.Name.Name], size[b.Name.Name]
	return x > 0 && y > 0 && x >= y
}

// judgeForeignKey judges one constraint.
func judgeForeignKey(p *rule.Pass, t *rule.Tx, d *rule.Delta, c *catalog.Constraint) {
	if c == nil || c.Kind != catalog.ForeignKey || c.Parent || d.By == nil {
		return
	}
	ref := t.After.Relation(c.Ref)
	for i, n := range c.Columns {
		if ref == nil || i >= len(c.RefColumns) {
			return
		}
		from, to := d.After.Attr(n), ref.Attr(c.RefColumns[i])
		if from == nil || to == nil || !from.Type.IsKnown() || !to.Type.IsKnown() || from.Type.Name == to.Type.Name || isWider(from.Type, to.Type) {
			continue
		}
		p.Report(d, rule.Report{
			Fact: "foreign key " + c.Name + " refers from " + d.After.Name.String() + "." + from.Name + " (" + from.Type.String() + ") to " + ref.Name.String() +
				"." + to.Name + " (" + to.Type.String() + ")",
			Harm:    "keys that the one type holds and the other does not cannot be referred to, and each check converts",
			Instead: "give " + from.Name + " the type of the key:\n" + pgparse.QuoteIdent(from.Name) + " " + analysis.QuoteType(to.Type),
		})
		return
	}
}
