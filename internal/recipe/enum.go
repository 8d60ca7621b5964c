package recipe

import (
	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/onward"
)

// enumValue adds a value before the new code, which writes it, is deployed. Renaming a value has
// no safe form.
// https://www.postgresql.org/docs/current/sql-altertype.html
var enumValue = &Recipe{Name: "enum-value", Make: func(c *Change) *Steps {
	stmt := c.Node.GetAlterEnumStmt()
	if stmt == nil {
		return nil
	}
	m := &Steps{}
	if stmt.GetOldVal() != "" {
		m.addStep(onward.Contract, onward.StepDDL, "rename the value, after the deployed code is gone: it does not know the new name", c.SQL)
		m.addMissing("a value of %s that is renamed is renamed for all code at once, and the new code cannot run before: "+
			"the least bad way is to add the new value, to let all code know both, "+
			"to change the rows in batches, and to leave the old value unused", qualifiedName(stmt.TypeName))
		return m
	}
	m.addStep(onward.Expand, onward.StepDDL, "add the value to "+qualifiedName(stmt.TypeName)+": no row is read, and the value can be used after the commit",
		c.SQL)
	if u := c.enumType(); u != nil {
		c.Release.Kept["TYPE "+quoteIdent(u.Name.Schema)+"."+quoteIdent(u.Name.Name)] = true
	}
	m.addNote("no value of an enum can be dropped again: after an abort %s still has the new one, which nobody uses", qualifiedName(stmt.TypeName))
	m.addNote("deployed code that reads %s may meet the new value as soon as new code writes it: "+
		"it must bear a value that it does not know, or the new code waits with it", qualifiedName(stmt.TypeName))
	return m
}}

// enumType returns the type to which a change adds a value; nil if it is not known.
func (c *Change) enumType() *catalog.UserType {
	schema, object := pgparse.SchemaAndName(c.Node.GetAlterEnumStmt().GetTypeName())
	if schema != "" {
		return c.After.LookupType(schema, object)
	}
	for _, schema := range c.Before.SearchPath {
		if u := c.After.LookupType(schema, object); u != nil {
			return u
		}
	}
	return nil
}
