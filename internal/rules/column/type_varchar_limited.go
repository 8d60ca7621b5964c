package column

import (
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/rule"
	"github.com/onward-sql/onward/onward"
)

// TypeVarcharLimited flags new columns of type varchar(n).
// https://www.postgresql.org/docs/current/datatype-character.html
var TypeVarcharLimited = &rule.Rule{
	ID:       "column-type-varchar-limited",
	Category: onward.Design,
	Severity: onward.Info,
	OnlyIn:   onward.DesignSet,
	Summary:  "a column is of type varchar with a limit",
	Harm: "A limit in the type saves no space and no time, and lowering it later rewrites the table. " +
		"As a named CHECK the same limit can be changed without a rewrite.",
	Instead: "Use text, with a CHECK on its length if it needs a limit.",
	Manual:  []string{"https://www.postgresql.org/docs/current/datatype-character.html"},
	Commit:  checkVarcharLimited,
}

func checkVarcharLimited(p *rule.Pass, t *rule.Tx) {
	for _, c := range listTypedColumns(t) {
		if !c.isOfType("varchar") || len(c.column.Type.Mods) == 0 {
			continue
		}
		p.Report(c.by, rule.Report{
			Fact: c.describeType() + ", with its limit in the type",
			Harm: "lowering the limit later rewrites the table while nobody can use it",
			Instead: "use text, with a constraint that can be changed:\n" + pgparse.QuoteIdent(c.column.Name) + " text CHECK (length(" +
				pgparse.QuoteIdent(c.column.Name) + ") <= …)",
		})
	}
}
