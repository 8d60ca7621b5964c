package skipped

import (
	"github.com/onward-sql/onward/internal/analysis"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/rule"
	"github.com/onward-sql/onward/onward"
)

// ColumnIfNotExistsDiffers flags ADD COLUMN IF NOT EXISTS of a column that is there
// with another type. https://www.postgresql.org/docs/current/sql-altertable.html
var ColumnIfNotExistsDiffers = &rule.Rule{
	ID:       "column-if-not-exists-differs",
	Category: onward.Idempotency,
	Severity: onward.Warning,
	Summary:  "ADD COLUMN IF NOT EXISTS names a column that exists with another type",
	Harm: "IF NOT EXISTS looks at the name alone. The column is left as it is with a notice, the migration counts as done, " +
		"and the new code meets a type that it does not expect.",
	Instead:   "Change the type in steps, or give the new column a name of its own.",
	Manual:    []string{"https://www.postgresql.org/docs/current/sql-altertable.html"},
	Kinds:     rule.AlterTable,
	Statement: checkColumnDiffers,
}

func checkColumnDiffers(p *rule.Pass, s *rule.Stmt) {
	t := s.AlteredRelation()
	if t == nil || t.Inferred || t.Partial {
		return
	}
	for _, cmd := range p.ListCommands(s) {
		def := cmd.GetDef().GetColumnDef()
		if cmd.Subtype != pgparse.AlterTableType_AT_AddColumn || !cmd.GetMissingOk() || def == nil {
			continue
		}
		col := t.Column(def.GetColname())
		if col == nil || col.Inferred {
			continue
		}
		now := s.Before.TypeOf(def.GetTypeName())
		oldType := col.Type.String()
		if analysis.CanHold(col.Type, now) || isSerial(def) {
			continue
		}
		name := t.Name.String()
		p.Report(s, describeSkip("column "+col.Name+" of "+name+" exists as "+oldType, "ADD COLUMN IF NOT EXISTS",
			"and code that expects "+now.String()+" in "+name+"."+col.Name+" finds "+oldType,
			"give the new column a name of its own, or change the type of this one"))
	}
}
