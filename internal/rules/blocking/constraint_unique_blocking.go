package blocking

import (
	"cmp"

	"github.com/onward-sql/onward/internal/advice"
	"github.com/onward-sql/onward/internal/analysis"
	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/recipe"
	"github.com/onward-sql/onward/internal/rule"
	"github.com/onward-sql/onward/onward"
)

// ConstraintUniqueBlocking flags ADD UNIQUE that builds its index.
// https://www.postgresql.org/docs/current/sql-altertable.html#SQL-ALTERTABLE-DESC-ADD-TABLE-CONSTRAINT-USING-INDEX
var ConstraintUniqueBlocking = &rule.Rule{
	ID:        "constraint-unique-blocking",
	Category:  onward.Locking,
	Severity:  onward.Error,
	Summary:   "ADD UNIQUE builds its index while nobody can read the table",
	Harm:      "ALTER TABLE holds ACCESS EXCLUSIVE for the whole build of the index. Every query on the table waits, and the time grows with the table.",
	Instead:   "Build a unique index CONCURRENTLY and make it the constraint's index, which is instant.",
	Manual:    []string{"https://www.postgresql.org/docs/current/sql-altertable.html#SQL-ALTERTABLE-DESC-ADD-TABLE-CONSTRAINT-USING-INDEX"},
	Kinds:     rule.AlterTable,
	Statement: checkUniqueBlocking,
}

func checkUniqueBlocking(p *rule.Pass, s *rule.Stmt) {
	for a, e := range listBlockingConstraints(p, s, pgparse.ConstrType_CONSTR_UNIQUE, analysis.BuildsIndex) {
		builds, first := "an index", ""
		if _, like := analysis.FindLikePair(s.Migration.Script, s.Statement); like != nil {
			builds, first = "an index, and another one for LIKE,", "CREATE INDEX CONCURRENTLY"+like.SQL[pgparse.AfterWord(like.SQL, "INDEX"):]+";\n"
		}
		r := newWaitReport(e, "adding "+a.describeConstraint("unique constraint")+" builds "+builds+" on "+e.Name.String(),
			"until the index is built",
			a.adviseIndexFirst(s, "UNIQUE", first))
		r.Way = advice.InSteps(r.Instead)
		p.Report(a, r)
	}
}

// adviseIndexFirst returns the advice for a constraint whose index can be built before
// it, without blocking anyone. first is SQL that has to come before the last
// step.
func (a *newConstraint) adviseIndexFirst(s *rule.Stmt, words, first string) string {
	switch {
	case a.con.GetWithoutOverlaps():
		return "a temporal key has no concurrent way: create a new table with it, copy the rows in batches with both in step, and swap their names; " +
			"or take a window without traffic"
	case a.table.Kind == catalog.PartitionedTable:
		return "build a unique index on each partition CONCURRENTLY, then attach them to an index that was created ON ONLY " + analysis.QuoteTable(a.table.Name) +
			"; its constraint can only be added while every partition is locked"
	}
	name := cmp.Or(a.name, recipe.Unknown)
	built := name
	// It is built before the transaction, where what that drops still has the name.
	if s.Tx.First.Before.Lookup(a.table.Name.Schema, a.name) != nil {
		built = catalog.ObjectName(a.name, "", "new") // it gets the constraint's name
	}
	index := recipe.ColumnIndex{Table: a.table.Name, Name: built, Columns: pgparse.StringTexts(a.con.GetKeys()), Unique: true}.CreateStatement()
	if len(a.con.GetIncluding()) > 0 {
		index += " INCLUDE (" + analysis.QuoteIdents(pgparse.StringTexts(a.con.GetIncluding())) + ")"
	}
	if a.con.GetNullsNotDistinct() {
		index += " NULLS NOT DISTINCT"
	}
	index += recipe.IndexStorage(s.After.Lookup(a.table.Name.Schema, name))
	tail := ""
	if a.con.GetDeferrable() {
		tail = " DEFERRABLE"
		if a.con.GetInitdeferred() {
			tail += " INITIALLY DEFERRED"
		}
	}
	return "build the index without blocking anyone, then let the constraint take it over:\n" + index + ";\n" + first +
		"ALTER TABLE " + analysis.QuoteTable(a.table.Name) + " " + a.dropClauses() + recipe.UsingIndexClause(name, words, built) + tail + ";"
}
