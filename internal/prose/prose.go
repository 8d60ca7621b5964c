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
