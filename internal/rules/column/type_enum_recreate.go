package column

import (
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/rule"
	"github.com/onward-sql/onward/onward"
)

// TypeEnumRecreate flags an enum that comes back without values that it had.
// https://www.postgresql.org/docs/current/datatype-enum.html
var TypeEnumRecreate = &rule.Rule{
	ID:       "type-enum-recreate",
	Category: onward.Compatibility,
	Severity: onward.Error,
	Summary:  "an enum comes back without a value that the deployed code may write",
	Harm: "A value cannot be removed from an enum, so the enum is created again without it. " +
		"Deployed code that writes or compares the missing value fails with \"invalid input value for enum\", " +
		"and so does the conversion of a column when a row still holds it.",
	Instead: "Release code that no longer writes the value, change the rows, and take the value out a release later. Leaving it in costs nothing.",
	Manual:  []string{"https://www.postgresql.org/docs/current/datatype-enum.html#DATATYPE-ENUM-IMPLEMENTATION-DETAILS"},
	Commit:  checkEnumRecreate,
}

func checkEnumRecreate(p *rule.Pass, t *rule.Tx) {
	for i := range t.Deltas {
		d := &t.Deltas[i]
		if d.Kind != catalog.TypeCreated || d.NewType.Kind != catalog.Enum {
			continue
		}
		old := p.Release.Deployed.LookupType(d.NewType.Name.Schema, d.NewType.Name.Name)
		if old == nil || old.Kind != catalog.Enum || old.Inferred || t.Before.LookupType(d.NewType.Name.Schema, d.NewType.Name.Name) == nil {
			continue
		}
		var removedLabels []string
		for _, l := range old.Labels {
			if !slices.Contains(d.NewType.Labels, l) {
				removedLabels = append(removedLabels, l)
			}
		}
		if len(removedLabels) == 0 {
			continue
		}
		r := rule.Report{
			Fact:    "enum " + old.Name.String() + " comes back without '" + strings.Join(removedLabels, "', '") + "'",
			Harm:    "deployed code that writes or compares it fails: invalid input value for enum " + old.Name.Name,
			Instead: "leave the value in until no code writes it and no row holds it",
		}
		judgeRemovedLabels(p, t.Before, old, removedLabels, &r)
		p.Report(d, r)
	}
}

// judgeRemovedLabels lowers a report's severity if the deployed code knows none of the dropped values,
// and adds evidence if it does.
func judgeRemovedLabels(p *rule.Pass, c *catalog.Catalog, enum *catalog.UserType, removedLabels []string, r *rule.Report) {
	idle := true
	for _, l := range removedLabels {
		u := p.Code.UsesLabel(enum.Name, l)
		if u.Used && len(r.Evidence) == 0 {
			r.Evidence = u.Evidence
		}
		idle = idle && u.Known && !u.Used && word.MatchString(l) && !isInFunctionBody(c, l)
	}
	if idle {
		r.Severity = onward.Warning
		r.Harm = "nothing in the deployed code was seen to know it; what writes or compares it fails: invalid input value for enum " + enum.Name.Name
	}
}
