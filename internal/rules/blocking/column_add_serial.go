package blocking

import (
	"github.com/onward-sql/onward/internal/analysis"
	"github.com/onward-sql/onward/internal/recipe"
	"github.com/onward-sql/onward/internal/rule"
	"github.com/onward-sql/onward/onward"
)

// ColumnAddSerial flags ADD COLUMN of serial and its like: their default is
// nextval(), which is volatile.
// https://www.postgresql.org/docs/current/datatype-numeric.html#DATATYPE-SERIAL
var ColumnAddSerial = &rule.Rule{
	ID:       "column-add-serial",
	Category: onward.Locking,
	Severity: onward.Error,
	Summary:  "ADD COLUMN of a serial type rewrites the table while nobody can read it",
	Harm: "Every row gets a number of its own, so the table and all its indexes are rewritten under ACCESS EXCLUSIVE. Every query waits. " +
		"An identity column does the same.",
	Instead: "Add a plain bigint column, create the sequence and make it the default for new rows, then number the old rows in batches.",
	Manual: []string{
		"https://www.postgresql.org/docs/current/datatype-numeric.html#DATATYPE-SERIAL",
		"https://www.postgresql.org/docs/current/sql-altertable.html#SQL-ALTERTABLE-NOTES",
	},
	Kinds:     rule.AlterTable,
	Statement: checkAddSerial,
}

func checkAddSerial(p *rule.Pass, s *rule.Stmt) { judgeNumbered(p, s, fromSerial, "serial") }

// judgeNumbered reports the new columns of an origin that number the rows.
func judgeNumbered(p *rule.Pass, s *rule.Stmt, from origin, word string) {
	for a, e := range listRewrites(p, s, from) {
		p.Report(a, newWaitReport(e, "adding the "+word+" column "+a.column.Name+" rewrites "+e.Name.String(),
			"while every row gets its number",
			"add a plain column, let a sequence number the new rows, and number the old ones in batches:\n"+a.numberedColumnSQL(s)))
	}
}

// numberedColumnSQL is the SQL that adds a column that a sequence numbers, without a
// rewrite.
func (a *newColumn) numberedColumnSQL(s *rule.Stmt) string {
	table, column := a.sqlNames()
	name := a.table.Name
	name.Name += "_" + a.column.Name + "_seq"
	if seq := s.After.Relation(a.column.Sequence); seq != nil {
		name = seq.Name
	}
	seq := analysis.QuoteTable(name)
	next := "nextval('" + seq + "')"
	return recipe.FilledColumn{
		Table: a.table.Name, Column: column, Type: a.typ, Default: next, Value: next,
		Prepare: "CREATE SEQUENCE " + seq + " AS " + a.typ + " OWNED BY " + table + "." + column + ";",
	}.Statements() + "\n" + requireNotNullSQL(a.table.Name, a.column.Name) + a.followingConstraintsSQL(s)
}
