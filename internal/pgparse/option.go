package pgparse

import "strings"

// Truth reads a boolean option of a statement: FULL, FULL off, (FULL false).
func Truth(d *DefElem) bool {
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

// Option reads a boolean option by its name; otherwise is what it is where the
// statement does not say.
func Option(options []*Node, name string, otherwise bool) bool {
	for _, o := range options {
		if d := o.GetDefElem(); d.GetDefname() == name {
			return Truth(d)
		}
	}
	return otherwise
}

// Holds reports whether an expression has a node of a kind in it.
func Holds[T any](expr *Node) bool {
	found := false
	Walk(expr, func(m any) bool {
		if _, is := m.(T); is {
			found = true
		}
		return !found
	})
	return found
}

// Code is what CREATE FUNCTION or DO says of a body, by its options: its language in
// lower case, "" where it names none, and the texts of AS.
func Code(options []*Node) (language string, as []string) {
	for _, o := range options {
		switch d := o.GetDefElem(); d.GetDefname() {
		case "language":
			language = strings.ToLower(Text(d.GetArg()))
		case "as":
			as = Texts(Items(d.GetArg()))
		}
	}
	return language, as
}
