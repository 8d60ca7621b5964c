package column

import (
	"github.com/onward-sql/onward/internal/analysis"
	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/recipe"
	"github.com/onward-sql/onward/internal/rule"
	"github.com/onward-sql/onward/onward"
)

// AddSerial flags ADD COLUMN of serial and its like: their default is
// nextval(), which is volatile.
// https://www.postgresql.org/docs/current/datatype-numeric.html#DATATYPE-SERIAL
var AddSerial = &rule.Rule{
	ID:       "column-add-serial",
	Category: onward.Locking,
	Severity: onward.Error,
	Preset:   onward.Recommended,
	Summary:  "ADD COLUMN of a serial type rewrites the table while nobody can read it",
	Harm: "Every row gets a number of its own, so the table and all its indexes are rewritten under ACCESS EXCLUSIVE. Every query waits. " +
		"An identity column does the same.",
	Instead: "Add a plain bigint column, create the sequence and make it the default for new rows, then number the old rows in batches.",
	Manual: []string{
		"https://www.postgresql.org/docs/current/datatype-numeric.html#DATATYPE-SERIAL",
		"https://www.postgresql.org/docs/current/sql-altertable.html#SQL-ALTERTABLE-NOTES",
	},
	Kinds:     rule.AlterTable,
	Statement: addSerial,
}

func addSerial(p *rule.Pass, s *rule.Stmt) {
	for _, a := range listAdditions(p, s) {
		if a.origin != fromSerial {
			continue
		}
		if e := a.findRewrite(p); e != nil {
			p.Report(a, rule.Report{
				Fact:    "adding the serial column " + a.column.Name + " rewrites " + e.Name.String(),
				Harm:    analysis.DescribeWaiting(e) + " waits while every row gets its number, and the time grows with the table",
				Grows:   e.Name,
				Instead: "add a plain column, let a sequence number the new rows, and number the old ones in batches:\n" + a.addNumberedSQL(s),
			})
		}
	}
}

// addNumberedSQL is the SQL that adds a column that a sequence numbers, without a
// rewrite.
func (a *addition) addNumberedSQL(s *rule.Stmt) string {
	table, column := a.sqlNames()
	name := a.table.Name
	name.Name += "_" + a.column.Name + "_seq"
	if seq := s.After.Relation(a.column.Sequence); seq != nil {
		name = seq.Name
	}
	seq := analysis.QuoteTable(name)
	next := "nextval('" + seq + "')"
	key := ""
	if con := a.inlineConstraint(pgparse.ConstrType_CONSTR_UNIQUE, pgparse.ConstrType_CONSTR_PRIMARY); con != nil && a.table.Kind != catalog.PartitionedTable {
		_, _, key = a.describeIndexed(s, con)
		key = "\n" + key
	}
	return recipe.FilledColumn{
		Table: a.table.Name, Column: column, Type: a.typ, Default: next, Value: next,
		Prepare: "CREATE SEQUENCE " + seq + " AS " + a.typ + " OWNED BY " + table + "." + column + ";",
	}.Statements() + "\n" + proveNotNullSQL(a.table, []string{a.column.Name}) + key
}
