package release

import (
	"slices"

	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/history"
	"github.com/onward-sql/onward/internal/recipe"
	"github.com/onward-sql/onward/internal/rule"
	"github.com/onward-sql/onward/onward"
)

// ForeignKeyLeft notes a foreign key that stays in the database when its field or
// model leaves the code. Django's on_delete is Python: the constraint clears nothing.
// https://docs.djangoproject.com/en/stable/ref/models/fields/#django.db.models.ForeignKey.on_delete
var ForeignKeyLeft = &rule.Rule{
	ID:       "release-foreign-key-left",
	Category: onward.Compatibility,
	Severity: onward.Info,
	Summary:  "a ForeignKey leaves the models, and its constraint stays",
	Harm: "Before Django deletes a row, it deletes or changes the rows that point at it. It does so in Python, and only where its models know of them. " +
		"The constraint does neither: where old rows still point at one, the new code cannot delete it.",
	Instead: "Drop the constraint in the migration that takes the field or the model out of the state, and the column or the table a release later.",
	Manual:  []string{"https://docs.djangoproject.com/en/stable/ref/models/fields/#django.db.models.ForeignKey.on_delete"},
	Release: checkForeignKeyLeft,
}

func checkForeignKeyLeft(p *rule.Pass, r *rule.Release) {
	for _, h := range changesOfKind(r, history.Uncleared) {
		t, name := mappedColumn(r, h)
		if t == nil || t.Column(name) == nil {
			continue
		}
		column := t.Column(name)
		for _, con := range t.Constraints {
			to := r.Head.Relation(con.Ref)
			if con.Kind != catalog.ForeignKey || to == nil || !slices.Contains(con.Columns, column.Attnum) || con.OnDelete != "" && con.OnDelete != "restrict" {
				continue
			}
			p.ReportAt(h.Migration, h.Path, h.Line, rule.Report{
				Fact: "the foreign key " + con.Name + " of " + t.Name.String() + " stays, and the new code does not know " + column.Name,
				Harm: "it no longer clears the rows that point at one of " + to.Name.String() +
					" before it deletes that, and the DELETE fails: violates foreign key constraint \"" + con.Name + "\"",
				Instead: "drop the constraint here, and its column or table a release later:\n" + recipe.DropConstraint(t.Name, con.Name) + ";",
				Cause:   "and so do %d other foreign keys",
			})
		}
	}
}
