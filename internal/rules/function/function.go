// Package function holds the rules about functions and procedures.
package function

import (
	"github.com/onward-sql/onward/internal/catalog"
)

// sameType reports whether an argument of the one type is one of the other.
func sameType(a, b catalog.Type) bool {
	return a.Name == b.Name && (a.Array > 0) == (b.Array > 0)
}

// takesArguments reports whether a function can be called with the arguments of
// another one.
func takesArguments(f *catalog.Function, args []catalog.Type) bool {
	if len(args) > len(f.Args) || len(args) < len(f.Args)-f.Defaults {
		return false
	}
	for i, a := range args {
		if !sameType(a, f.Args[i]) {
			return false
		}
	}
	return true
}

// describeResult is what a function returns, for messages.
func describeResult(f *catalog.Function) string {
	t := f.Returns.String()
	if t == "" {
		t = "something else"
	}
	if f.ReturnsSet {
		t = "a set of " + t
	}
	return t
}
