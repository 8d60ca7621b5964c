package relation

import (
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/rule"
	"github.com/onward-sql/onward/onward"
)

// TablePrimaryKeyShort flags a new table whose generated key is an integer of four
// bytes or two. https://www.postgresql.org/docs/current/datatype-numeric.html#DATATYPE-INT
var TablePrimaryKeyShort = &rule.Rule{
	ID:       "table-primary-key-short",
	Category: onward.Design,
	Severity: onward.Warning,
	OnlyIn:   onward.DesignSet,
	Summary:  "the generated primary key of a new table is shorter than bigint",
	Harm: "An integer ends at 2,147,483,647, and failed inserts use up numbers too. Once it is reached every INSERT fails, " +
		"and widening the column rewrites the table and touches every foreign key to it.",
	Instead: "Make it bigint: four bytes a row, mostly hidden by alignment.",
	Manual:  []string{"https://www.postgresql.org/docs/current/datatype-numeric.html#DATATYPE-INT"},
	Gather:  gatherTables,
	Release: checkPrimaryKeyShort,
}

func checkPrimaryKeyShort(p *rule.Pass, r *rule.Release) {
	last := map[string]string{"int2": "32767", "int4": "2147483647"}
	for _, newTable := range rule.KeptValues[rule.MadeObject](p) {
		t := r.Head.Relation(newTable.Table)
		if t == nil {
			continue
		}
		key := findPrimaryKey(t)
		if key == nil || len(key.Columns) != 1 {
			continue
		}
		c := t.Attr(key.Columns[0])
		if c == nil || c.Sequence == 0 || c.Type.Name.Schema != "pg_catalog" || last[c.Type.Name.Name] == "" {
			continue
		}
		p.Report(newTable.By, rule.Report{
			Fact:    "primary key " + c.Name + " of " + t.Name.String() + " is " + c.Type.String() + ": it ends at " + last[c.Type.Name.Name],
			Harm:    "once the numbers are used up every INSERT fails, and widening the column then rewrites the table while nobody can use it",
			Instead: "make it bigint from the start:\n" + pgparse.QuoteIdent(c.Name) + " bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY",
		})
	}
}
