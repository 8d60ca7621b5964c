package blocking

import (
	"strings"

	"github.com/onward-sql/onward/internal/analysis"
	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/recipe"
	"github.com/onward-sql/onward/internal/rule"
)

// addConstraintsSQL returns the statements that give a new column the constraints of its definition while others read and write:
// indexes first, then constraints for new rows, then the checks of the rows that are there. It is "" without such constraints.
func (a *newColumn) addConstraintsSQL(s *rule.Stmt) string {
	var build, add, validate []string
	_, column := a.sqlNames()
	for i, n := range a.def.GetConstraints() {
		con := n.GetConstraint()
		var name, definition string
		switch con.GetContype() {
		case pgparse.ConstrType_CONSTR_UNIQUE, pgparse.ConstrType_CONSTR_PRIMARY:
			if a.table.Kind != catalog.PartitionedTable {
				_, _, steps := a.describeIndexed(s, con)
				build = append(build, steps...)
			}
			continue
		case pgparse.ConstrType_CONSTR_FOREIGN:
			name, definition = a.nameInline(s, con, catalog.ForeignKey, "fkey"), "FOREIGN KEY ("+column+") "+a.constraintText(s, i, "REFERENCES")
		case pgparse.ConstrType_CONSTR_CHECK:
			name, definition = a.nameInline(s, con, catalog.Check, "check"), a.constraintText(s, i, "CHECK")
		default:
			continue
		}
		if a.hasAttribute(con, pgparse.ConstrType_CONSTR_ATTR_NOT_ENFORCED) {
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

// constraintText returns the constraint at an index of the column's definition as written, with its attributes, from a keyword on.
func (a *newColumn) constraintText(s *rule.Stmt, index int, word string) string {
	constraints := a.def.GetConstraints()
	start, end := int(constraints[index].GetConstraint().GetLocation()), a.End()
	for _, n := range constraints[index+1:] {
		if con := n.GetConstraint(); !isAttribute(con.GetContype()) {
			end = int(con.GetLocation())
			break
		}
	}
	if c := a.def.GetCollClause(); c != nil && int(c.GetLocation()) > start {
		end = min(end, int(c.GetLocation()))
	}
	text := s.SQL[start:end]
	return strings.TrimSpace(text[pgparse.AfterWord(text, word)-len(word):])
}

// hasAttribute reports whether an attribute follows a constraint of the column's definition.
func (a *newColumn) hasAttribute(con *pgparse.Constraint, attribute pgparse.ConstrType) bool {
	found := false
	for _, n := range a.def.GetConstraints() {
		switch c := n.GetConstraint(); {
		case c == con:
			found = true
		case found && !isAttribute(c.GetContype()):
			return false
		case found && c.GetContype() == attribute:
			return true
		}
	}
	return false
}

// isAttribute reports whether a part of a column's definition belongs to the constraint before it.
func isAttribute(kind pgparse.ConstrType) bool {
	switch kind {
	case pgparse.ConstrType_CONSTR_ATTR_DEFERRABLE, pgparse.ConstrType_CONSTR_ATTR_NOT_DEFERRABLE,
		pgparse.ConstrType_CONSTR_ATTR_DEFERRED, pgparse.ConstrType_CONSTR_ATTR_IMMEDIATE,
		pgparse.ConstrType_CONSTR_ATTR_ENFORCED, pgparse.ConstrType_CONSTR_ATTR_NOT_ENFORCED:
		return true
	}
	return false
}
