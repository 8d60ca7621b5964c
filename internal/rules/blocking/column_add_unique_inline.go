package blocking

import (
	"strings"

	"github.com/onward-sql/onward/internal/advice"
	"github.com/onward-sql/onward/internal/analysis"
	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/recipe"
	"github.com/onward-sql/onward/internal/rule"
	"github.com/onward-sql/onward/onward"
)

// ColumnAddUniqueInline flags UNIQUE and PRIMARY KEY inside ADD COLUMN: their
// index is built under the lock of ADD COLUMN, and reads every row although
// the column is new. https://www.postgresql.org/docs/current/sql-altertable.html
var ColumnAddUniqueInline = &rule.Rule{
	ID:       "column-add-unique-inline",
	Category: onward.Locking,
	Severity: onward.Error,
	Summary:  "UNIQUE or PRIMARY KEY inside ADD COLUMN builds an index while nobody can read the table",
	Harm: "ADD COLUMN holds ACCESS EXCLUSIVE while the index of the constraint is built. " +
		"The build reads every row, even though the column is new and all of them hold NULL.",
	Instead:   "Add the column alone, build a unique index CONCURRENTLY, and make it the constraint's index, which is instant.",
	Manual:    []string{"https://www.postgresql.org/docs/current/sql-altertable.html#SQL-ALTERTABLE-DESC-ADD-TABLE-CONSTRAINT-USING-INDEX"},
	Kinds:     rule.AlterTable,
	Statement: checkAddUniqueInline,
}

func checkAddUniqueInline(p *rule.Pass, s *rule.Stmt) {
	for _, a := range listInlineWork(p, s, analysis.BuildsIndex, pgparse.ConstrType_CONSTR_UNIQUE, pgparse.ConstrType_CONSTR_PRIMARY) {
		words, name, steps := a.describeIndexed(s, a.con)
		prose := "add the column without " + words + ", then build the index without blocking anyone:\n"
		way := prose + a.addBareSQL(!a.isDefaultSame()) + a.addConstraintsSQL(s)
		if a.table.Kind == catalog.PartitionedTable {
			prose, steps = "", nil
			way = "add the column without " + words + "; a unique index of a partitioned table must hold the partition key, " +
				"and is built on each partition CONCURRENTLY and attached"
		}
		r := newWaitReport(a.e, words+" on the new column "+a.column.Name+" builds an index on "+a.e.Name.String(),
			"until the index is built", way)
		r.Way = adviseUniqueLater(s, prose+recipe.FormatStatements(steps...))
		if a.isDefaultSame() {
			r.Fact += ", and each row has the same value there"
			r.Grows = catalog.Name{} // with two rows it fails
			r.Harm = "if the table has two rows, the statement fails: could not create unique index \"" + name + "\""
			r.Instead = strings.Replace(r.Instead, words+", then", words+" and without its default, give each row a value of its own in batches, then", 1)
			r.Way = advice.FillUnique{}
		}
		p.Report(a, r)
	}
}

// isDefaultSame reports whether a default gives all existing rows the same value. A default
// that is computed for each row rewrites the table.
func (a *newColumn) isDefaultSame() bool {
	return a.origin == fromDefault && a.column.Default != nil && !a.column.Default.GetAConst().GetIsnull()
}

// describeIndexed returns the keyword of a constraint of a new column that needs an index, its
// name, and the statements that add it without blocking anyone.
func (a *newColumn) describeIndexed(s *rule.Stmt, con *pgparse.ColumnConstraint) (words, name string, steps []string) {
	words, kind := "UNIQUE", catalog.Unique
	if con.GetContype() == pgparse.ConstrType_CONSTR_PRIMARY {
		words, kind = "PRIMARY KEY", catalog.PrimaryKey
	}
	name = a.nameInline(s, con.Constraint, kind, "key")
	if kind == catalog.PrimaryKey { // else the key would read all rows for NULL
		steps = requireNotNullStatements(a.table.Name, a.column.Name)
	}
	index := recipe.ColumnIndex{
		Table:   a.table.Name,
		Name:    name,
		Columns: []string{a.column.Name},
		Unique:  true,
	}.CreateStatement()
	if con.GetNullsNotDistinct() {
		index += " NULLS NOT DISTINCT"
	}
	index += recipe.IndexStorage(s.After.Lookup(a.table.Name.Schema, name))
	add := recipe.AddUsingIndex(a.table.Name, name, words, name)
	switch {
	case con.HasAttribute(pgparse.ConstrType_CONSTR_ATTR_DEFERRED):
		add += " DEFERRABLE INITIALLY DEFERRED"
	case con.HasAttribute(pgparse.ConstrType_CONSTR_ATTR_DEFERRABLE):
		add += " DEFERRABLE"
	}
	return words, name, append(steps, index, add)
}

// adviseUniqueLater returns the way that adds the column of a unique field without UNIQUE, and the constraint
// later; nil if UNIQUE is written in another form.
func adviseUniqueLater(s *rule.Stmt, way string) advice.Way {
	column := strings.Replace(strings.Replace(s.SQL, " UNIQUE", "", 1), " ADD COLUMN ", " ADD COLUMN IF NOT EXISTS ", 1)
	if column == s.SQL {
		return nil
	}
	return advice.UniqueInSteps(column, way)
}
