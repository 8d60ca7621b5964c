package builtin

import "strings"

// IsAggregate reports whether a built-in function of that name, of any version, is an aggregate.
func IsAggregate(name string) bool { return strings.Contains(shapeLetters(name), "a") }

// ReturnsSet reports whether a built-in function of that name, of any version, returns a set.
func ReturnsSet(name string) bool { return strings.Contains(shapeLetters(name), "s") }

// GivesOneValue reports whether a built-in function of that name, of any version, returns one value for each row, without OVER.
func GivesOneValue(name string) bool { return strings.Contains(shapeLetters(name), "f") }

// shapeLetters returns the letters of a name in the table shapes: "a" for an aggregate, "w" for a window function, "s" for one that
// returns a set, "f" for any other. It is "" if no version has a function of that name.
func shapeLetters(name string) string {
	for letters := range lookUpEntries(shapes, name) {
		return letters
	}
	if Known(name) {
		return "f"
	}
	return ""
}
