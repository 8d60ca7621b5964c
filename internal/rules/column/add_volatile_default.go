package column

import (
	"github.com/onward-sql/onward/internal/rule"
	"github.com/onward-sql/onward/onward"
)

// AddVolatileDefault flags ADD COLUMN with a default that has another value in
// each row. Since Postgres 11 the value of any other default is stored once,
// in the catalog: now() is STABLE and does not rewrite.
// https://www.postgresql.org/docs/current/sql-altertable.html#SQL-ALTERTABLE-NOTES
var AddVolatileDefault = &rule.Rule{
	ID:        "column-add-volatile-default",
	Category:  onward.Locking,
	Severity:  onward.Error,
	Preset:    rule.Recommended,
	Summary:   "ADD COLUMN with a volatile default rewrites the table while nobody can read it",
	Harm:      "A volatile default (gen_random_uuid(), random(), clock_timestamp(), nextval()) is computed for every row, so the table and all its indexes are written anew. The ACCESS EXCLUSIVE lock is held for all of it: every query waits.",
	Instead:   "Add the column without a default, which is instant. Set the default for new rows, fill the old ones in batches, then add NOT NULL without a scan.",
	Manual:    []string{"https://www.postgresql.org/docs/current/sql-altertable.html#SQL-ALTERTABLE-NOTES", "https://www.postgresql.org/docs/current/xfunc-volatility.html"},
	Statement: addVolatileDefault,
}

func addVolatileDefault(p *rule.Pass, s *rule.Stmt) {
	for _, a := range additions(p, s) {
		if a.origin != fromDefault {
			continue
		}
		e := a.rewrites(p)
		if e == nil {
			continue
		}
		table, column := a.sql()
		value := a.column.DefaultText
		if value == "" {
			value = "the default"
		}
		harm := rule.Waiting(e) + " waits while " + value + " is computed for each row, which takes as long as the table is big"
		if e.Unsure {
			harm = e.Why + ": if it is, " + harm
		}
		p.Report(s, rule.Report{
			Fact:     "adding column " + a.column.Name + " with a volatile default rewrites " + e.Name.String(),
			Harm:     harm,
			Severity: rule.Unsure(e),
			Instead: "add it without the default, then fill it in batches:\nALTER TABLE " + table + " ADD COLUMN " + column + " " + a.typ + ";\nALTER TABLE " + table + " ALTER COLUMN " + column + " SET DEFAULT " + value + ";\n" +
				batches(table, column+" = "+value, column+" IS NULL"),
		})
	}
}
