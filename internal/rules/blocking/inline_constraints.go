package blocking

import (
	"github.com/onward-sql/onward/internal/analysis"
	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/recipe"
	"github.com/onward-sql/onward/internal/rule"
)

// listConstraints lists the constraints of the new column's definition.
func (a *newColumn) listConstraints(s *rule.Stmt) []pgparse.ColumnConstraint {
	return pgparse.ListColumnConstraints(a.def, s.SQL, a.End())
}

// addConstraintsSQL returns the statements that give a new column the constraints of its definition while others read and write:
// indexes first, then constraints for new rows, then the checks of the rows that are there. It is "" without such constraints.
func (a *newColumn) addConstraintsSQL(s *rule.Stmt) string {
	var build, add, validate []string
	_, column := a.sqlNames()
	for _, con := range a.listConstraints(s) {
		var name, definition string
		switch con.GetContype() {
		case pgparse.ConstrType_CONSTR_UNIQUE, pgparse.ConstrType_CONSTR_PRIMARY:
			if a.table.Kind != catalog.PartitionedTable {
				_, _, steps := a.describeIndexed(s, &con)
				build = append(build, steps...)
			}
			continue
		case pgparse.ConstrType_CONSTR_FOREIGN:
			name, definition = a.nameInline(s, con.Constraint, catalog.ForeignKey, "fkey"), "FOREIGN KEY ("+column+") "+con.TextFrom("REFERENCES")
		case pgparse.ConstrType_CONSTR_CHECK:
			name, definition = a.nameInline(s, con.Constraint, catalog.Check, "check"), con.TextFrom("CHECK")
		default:
			continue
		}
		if con.HasAttribute(pgparse.ConstrType_CONSTR_ATTR_NOT_ENFORCED) {
			add = append(add, "ALTER TABLE "+analysis.QuoteTable(a.table.Name)+" ADD CONSTRAINT "+pgparse.QuoteIdent(name)+" "+definition)
			continue
		}
		add = append(add, recipe.AddUnvalidated(a.table.Name, name, definition))
		validate = append(validate, recipe.ValidateConstraint(a.table.Name, name))
	}
	steps := append(append(build, add...), validate...)
	if len(steps) == 0 {
		return ""
	}
	return recipe.FormatStatements(steps...)
}

// followingConstraintsSQL is addConstraintsSQL on lines after other statements.
func (a *newColumn) followingConstraintsSQL(s *rule.Stmt) string {
	if sql := a.addConstraintsSQL(s); sql != "" {
		return "\n" + sql
	}
	return ""
}
