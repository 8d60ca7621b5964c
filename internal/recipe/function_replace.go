package recipe

import (
	"reflect"

	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/onward"
)

// functionReplace replaces a function that the release drops and creates again with the same arguments and result. If two steps did
// that, calls in between would fail.
// https://www.postgresql.org/docs/current/sql-createfunction.html
var functionReplace = &Recipe{Name: "function-replace", Make: func(c *Change) *Steps {
	if c.droppedFunction() != nil {
		if c.Release.recreations.creationOf[c] == nil {
			return nil
		}
		return &Steps{} // the change that creates the function again has the step
	}
	if c.Node.GetCreateFunctionStmt() == nil {
		return nil
	}
	drop := c.Release.recreations.dropOf[c]
	replaced := orReplace(c.SQL)
	if drop == nil || replaced == nil {
		return nil
	}
	old := drop.droppedFunction()
	m := &Steps{}
	s := m.addStep(c.checkPhase(""), onward.StepDDL, "replace function "+old.Name.Name+": calls go on", replaced...)
	s.Undo = orReplace(old.Source)
	return m
}}

// droppedFunction returns the function that a change drops; nil if it drops none, several or other things with it.
func (c *Change) droppedFunction() *catalog.Function {
	if c.Node.GetDropStmt() == nil || len(c.Deltas) != 1 || c.Deltas[0].NewFunction != nil {
		return nil
	}
	return c.Deltas[0].OldFunction
}

// hasSameCalls reports whether CREATE OR REPLACE accepts the new function in place of the old one.
func hasSameCalls(old, made *catalog.Function) bool {
	return old.Name == made.Name && old.Kind == made.Kind && old.ReturnsSet == made.ReturnsSet && old.Variadic == made.Variadic &&
		old.Defaults <= made.Defaults && old.Returns.IsSame(made.Returns) && reflect.DeepEqual(old.Args, made.Args) && reflect.DeepEqual(old.Params, made.Params)
}
