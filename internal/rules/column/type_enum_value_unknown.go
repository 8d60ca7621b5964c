package column

import (
	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/rule"
	"github.com/onward-sql/onward/onward"
)

// TypeEnumValueUnknown mentions a new enum value, for the sake of those who read
// it. https://www.postgresql.org/docs/current/sql-altertype.html
var TypeEnumValueUnknown = &rule.Rule{
	ID:       "type-enum-value-unknown",
	Category: onward.Compatibility,
	Severity: onward.Info,
	OnlyIn:   onward.Strict,
	Summary:  "deployed code may not know a new enum value that it reads",
	Harm: "As soon as the new code writes the value, deployed code that turns the column into an enum of its own fails on that row. " +
		"The statement itself is harmless.",
	Instead: "Write the value a release later, when all running code can read it.",
	Manual:  []string{"https://www.postgresql.org/docs/current/sql-altertype.html"},
	Commit:  checkEnumValueUnknown,
}

func checkEnumValueUnknown(p *rule.Pass, t *rule.Tx) {
	for i := range t.Deltas {
		d := &t.Deltas[i]
		if d.Kind != catalog.EnumValueAdded || !p.DeployedType(d.OldType) {
			continue
		}
		p.Report(d, rule.Report{
			Fact:    "enum " + d.NewType.Name.String() + " gets value '" + d.What + "'",
			Harm:    "deployed code that reads the enum fails on '" + d.What + "' once the new code has written it",
			Instead: "write the value a release later, when all running code can read it",
		})
	}
}
