// Package function holds the rules about functions and procedures.
package function

import (
	"github.com/onward-sql/onward/internal/catalog"
)

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
