package skipped

import (
	"slices"

	"github.com/onward-sql/onward/internal/analysis"
	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/prose"
	"github.com/onward-sql/onward/internal/rule"
	"github.com/onward-sql/onward/onward"
)

// TypeEnumGuardedDiffers flags CREATE TYPE … AS ENUM in a DO block that passes over a
// type that exists, where the one that exists lacks some of the values.
// https://www.postgresql.org/docs/current/sql-createtype.html
var TypeEnumGuardedDiffers = &rule.Rule{
	ID:       "type-enum-guarded-differs",
	Category: onward.Idempotency,
	Severity: onward.Warning,
	Summary:  "a guarded CREATE TYPE names an enum that exists with fewer values",
	Harm: "CREATE TYPE has no IF NOT EXISTS, so people write it in a DO block with a handler for duplicate_object, or after a query of pg_type. " +
		"Both look at the name alone. If the type exists with other values, nothing happens, the migration counts as done, " +
		"and code that writes one of the new values fails: invalid input value for enum.",
	Instead:   "Add the values to the type that is there: ALTER TYPE … ADD VALUE IF NOT EXISTS.",
	Manual:    []string{"https://www.postgresql.org/docs/current/sql-createtype.html", "https://www.postgresql.org/docs/current/sql-altertype.html"},
	Kinds:     rule.Another,
	Statement: checkEnumDiffers,
}

func checkEnumDiffers(p *rule.Pass, s *rule.Stmt) {
	stmt := s.Node.GetCreateEnumStmt()
	if stmt == nil || s.Parent < 0 || !s.IsOptional() {
		return
	}
	old := s.Before.LookupType(pgparse.SchemaAndName(stmt.GetTypeName()))
	if old == nil || old.Inferred || old.Kind != catalog.Enum {
		return
	}
	var missing []string
	for _, v := range stmt.GetVals() {
		if label := v.GetString_().GetSval(); !slices.Contains(old.Labels, label) {
			missing = append(missing, "'"+label+"'")
		}
	}
	if len(missing) == 0 {
		return
	}
	enum, add := old.Name.String(), ""
	for _, m := range missing {
		add += "\nALTER TYPE " + analysis.QuoteTable(old.Name) + " ADD VALUE IF NOT EXISTS " + m + ";"
	}
	values := prose.EnumerateNames(missing)
	p.Report(s, describeSkip("enum "+enum+" exists without "+values, "this CREATE TYPE",
		"and what writes "+values+" fails: invalid input value for enum "+enum, "add to the type that is there:"+add))
}
