// Package skipped has the rules about statements that do nothing because the name is taken: IF NOT
// EXISTS and its like look at the name alone, and what has the name may be something else.
package skipped

import (
	"slices"

	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/rule"
)

// describeSkip describes a statement that does nothing: what exists instead, and what follows for
// the code.
func describeSkip(exists, statement, harm, instead string) rule.Report {
	return rule.Report{
		Fact:    exists + ", so that " + statement + " does nothing",
		Harm:    "the migration counts as done, " + harm,
		Instead: instead,
	}
}

// isSerial reports whether a column is of one of the serial types.
func isSerial(def *pgparse.ColumnDef) bool {
	return slices.Contains([]string{"serial", "serial4", "bigserial", "serial8", "smallserial", "serial2"}, pgparse.LastText(def.GetTypeName().GetNames()))
}
