package constraint

import (
	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/recipe"
	"github.com/onward-sql/onward/internal/rule"
	"github.com/onward-sql/onward/onward"
)

// UsingIndexUnsuitable flags ADD CONSTRAINT … USING INDEX with an index that
// the server does not take: partial, on expressions, not unique, not valid.
// https://www.postgresql.org/docs/current/sql-altertable.html#SQL-ALTERTABLE-DESC-ADD-TABLE-CONSTRAINT-USING-INDEX
var UsingIndexUnsuitable = &rule.Rule{
	ID:       "constraint-using-index-unsuitable",
	Category: onward.Locking,
	Severity: onward.Error,
	Stops:    true,
	Summary:  "ADD CONSTRAINT … USING INDEX with an index that no constraint can use: the migration fails",
	Harm: "A constraint's index must be unique, valid, on plain columns in the default order, and without a condition. " +
		"The server refuses any other, and the migration stops there.",
	Instead: "Build a plain unique index on the columns CONCURRENTLY, and use that; where the condition matters, " +
		"a unique partial index enforces it without a constraint.",
	Manual:    []string{"https://www.postgresql.org/docs/current/sql-altertable.html#SQL-ALTERTABLE-DESC-ADD-TABLE-CONSTRAINT-USING-INDEX"},
	Kinds:     rule.AlterTable,
	Statement: checkUsingIndexUnsuitable,
}

func checkUsingIndexUnsuitable(p *rule.Pass, s *rule.Stmt) {
	if s.RefusedRule() != p.Rule.ID {
		return
	}
	for _, n := range s.Node.GetAlterTableStmt().GetCmds() {
		con := n.GetAlterTableCmd().GetDef().GetConstraint()
		if con.GetIndexname() == "" {
			continue
		}
		table := s.AlteredRelation()
		columns := []string{recipe.Unknown}
		if index := s.Before.Lookup(table.Name.Schema, con.GetIndexname()); index != nil && index.Index != nil {
			var names []string
			for _, k := range index.Index.Keys {
				if col := table.Attr(k.Column); col != nil {
					names = append(names, col.Name)
				}
			}
			if len(names) == len(index.Index.Keys) && len(names) > 0 {
				columns = names
			}
		}
		kind := "UNIQUE"
		if con.GetContype() == pgparse.ConstrType_CONSTR_PRIMARY {
			kind = "PRIMARY KEY"
		}
		// The index takes the name of the constraint, which must be free.
		newName := con.GetConname()
		if newName == "" || newName == con.GetIndexname() {
			newName = catalog.ObjectName(con.GetIndexname(), "", "plain")
		}
		p.Report(s, rule.Report{
			Fact: "index " + con.GetIndexname() + " cannot be used by a constraint of " + table.Name.String(),
			Harm: "the migration fails: " + s.Result.Refused.Message(),
			Instead: "build a plain unique index for it:\n" +
				recipe.FormatStatements(recipe.ColumnIndex{
					Table:   table.Name,
					Name:    newName,
					Columns: columns,
					Unique:  true,
				}.CreateStatement(), recipe.AddUsingIndex(table.Name, newName, kind, newName)),
		})
		return
	}
}
