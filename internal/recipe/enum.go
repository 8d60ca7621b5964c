package recipe

import (
	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/onward"
)

// enumValue adds a value before the new code comes, which writes it; a value that is renamed has
// no safe form.
// https://www.postgresql.org/docs/current/sql-altertype.html
var enumValue = &Recipe{Name: "enum-value", Make: func(c *Change) *Made {
	stmt := c.Node.GetAlterEnumStmt()
	if stmt == nil {
		return nil
	}
	m := &Made{}
	if stmt.GetOldVal() != "" {
		m.add(onward.Contract, onward.StepDDL, "the deployed code does not know the new value: it goes first", c.SQL)
		m.missing("a value of %s that is renamed is renamed for all code at once, and the new code cannot run before: the least bad way is to add the new value, to let all code know both, "+
			"to change the rows in batches, and to leave the old value unused", qualified(stmt.TypeName))
		return m
	}
	m.add(onward.Expand, onward.StepDDL, "no row is read; a value of its own transaction can be used when that is committed", c.SQL)
	if u := c.enum(); u != nil {
		c.Release.Kept["TYPE "+quote(u.Name.Schema)+"."+quote(u.Name.Name)] = true
	}
	m.note("no value of an enum can be dropped again: after an abort %s still has the new one, which nobody uses", qualified(stmt.TypeName))
	m.note("deployed code that reads %s may meet the new value as soon as new code writes it: it must bear a value that it does not know, or the new code waits with it", qualified(stmt.TypeName))
	return m
}}

// enum is the type whose values a change adds to; nil where it is not known.
func (c *Change) enum() *catalog.UserType {
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
