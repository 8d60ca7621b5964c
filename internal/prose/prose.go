// Package prose has parts of sentences: lists of names, texts in one line, the name that was probably meant.
package prose

import (
	"strconv"
	"strings"
)

// EnumerateNames lists names in a sentence: "a, b and c". A long list is shortened to the
// first three and the number of others.
func EnumerateNames(names []string) string {
	n := len(names)
	switch {
	case n < 2:
		return strings.Join(names, "")
	case n > 4:
		return strings.Join(names[:3], ", ") + " and " + strconv.Itoa(n-3) + " others"
	}
	return strings.Join(names[:n-1], ", ") + " and " + names[n-1]
}

// FirstNames lists the first names, and counts the rest: "a, b and 3 more".
func FirstNames(names []string, most int) string {
	if len(names) <= most {
		return strings.Join(names, ", ")
	}
	return strings.Join(names[:most], ", ") + " and " + countRest(len(names)-most)
}

// FirstLines returns the first lines, and a line that counts the rest: "and 3 more".
func FirstLines(lines []string, most int) []string {
	if len(lines) <= most {
		return lines
	}
	return append(lines[:most:most], "and "+countRest(len(lines)-most))
}

func countRest(n int) string { return strconv.Itoa(n) + " more" }

// PickForm returns the form of a word that fits a number.
func PickForm(n int, one, many string) string {
	if n == 1 {
		return one
	}
	return many
}

// OneLine returns a text with each run of white space replaced by one blank, cut if it is
// too long for a message.
func OneLine(s string) string {
	s = strings.Join(strings.Fields(s), " ")
	if r := []rune(s); len(r) > 100 {
		return string(r[:99]) + "…"
	}
	return s
}

// EnumerateColumns names columns: "column a", "columns a and b".
func EnumerateColumns(names []string) string {
	return ChooseByCount(len(names), "column ", "columns ") + EnumerateNames(names)
}

// ChooseByCount returns the first text for one, the second for several.
func ChooseByCount(n int, single, several string) string {
	if n == 1 {
		return single
	}
	return several
}
