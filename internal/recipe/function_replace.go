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
	replaced := addOrReplace(c.SQL)
	if drop == nil || replaced == nil {
		return nil
	}
	old := drop.droppedFunction()
	m := &Steps{}
	s := m.addStep(c.phaseOfBody(m, c.checkPhase("")), onward.StepDDL, "replace function "+old.Name.Name+": calls go on", replaced...)
	s.Undo = addOrReplace(old.Source)
	return m
}}

// droppedFunction returns the function that a change drops; nil if it drops none, several or other things with it.
func (c *Change) droppedFunction() *catalog.Function {
	if c.Node.GetDropStmt() == nil || len(c.Deltas) != 1 || c.Deltas[0].NewFunction != nil {
		return nil
	}
	return c.Deltas[0].OldFunction
}

// canReplaceFunction reports whether CREATE OR REPLACE accepts the new function in place of the old one.
func canReplaceFunction(old, newFunction *catalog.Function) bool {
	return old.Name == newFunction.Name && old.Kind == newFunction.Kind && old.ReturnsSet == newFunction.ReturnsSet && old.Variadic == newFunction.Variadic &&
		old.Defaults <= newFunction.Defaults && old.Returns.IsSame(newFunction.Returns) && reflect.DeepEqual(old.Args, newFunction.Args) &&
		reflect.DeepEqual(old.Params, newFunction.Params)
}
