package pgparse

import "strings"

// BoolValue returns the value of a boolean option of a statement: FULL, FULL off, (FULL
// false).
func BoolValue(d *DefElem) bool {
	if d.GetArg() == nil {
		return true
	}
	switch m := Unwrap(d.GetArg()).(type) {
	case *String:
		switch strings.ToLower(m.GetSval()) {
		case "off", "false", "0", "no":
			return false
		}
	case *Integer:
		return m.GetIval() != 0
	case *Boolean:
		return m.GetBoolval()
	}
	return true
}

// BoolOption returns the value of a boolean option by name; otherwise is its value if the
// statement does not set it.
func BoolOption(options []*Node, name string, otherwise bool) bool {
	for _, o := range options {
		if d := o.GetDefElem(); d.GetDefname() == name {
			return BoolValue(d)
		}
	}
	return otherwise
}

// HasNode reports whether an expression contains a node of a type.
func HasNode[T any](expr *Node) bool {
	return Contains(expr, func(T) bool { return true })
}

// SelectCommands returns an ALTER TABLE with only some of its commands.
func SelectCommands(stmt *AlterTableStmt, cmds []*Node) *Node {
	part := &AlterTableStmt{Relation: stmt.Relation, Cmds: cmds, Objtype: stmt.Objtype, MissingOk: stmt.MissingOk}
	return &Node{Node: &Node_AlterTableStmt{AlterTableStmt: part}}
}

// FunctionCode returns the language in lower case, "" if not given, and the texts of AS from the
// options of CREATE FUNCTION or DO.
func FunctionCode(options []*Node) (language string, code []string) {
	for _, o := range options {
		switch d := o.GetDefElem(); d.GetDefname() {
		case "language":
			language = strings.ToLower(StringText(d.GetArg()))
		case "as":
			code = StringTexts(ListItems(d.GetArg()))
		}
	}
	return language, code
}
