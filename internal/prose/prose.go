// Package prose has parts of sentences: lists of names, texts in one line, the name that was probably meant.
package prose

import (
	"strconv"
	"strings"
)

// EnumerateNames lists names in a sentence: "a, b and c". A long list is shortened to the
// first three and the number of others.
func EnumerateNames(names []string) string {
	if n := len(names); n > 4 {
		return strings.Join(names[:3], ", ") + " and " + strconv.Itoa(n-3) + " others"
	}
	return JoinNames(names)
}

// JoinNames lists all names in a sentence: "a", "a and b", "a, b and c".
func JoinNames(names []string) string {
	if n := len(names); n > 1 {
		return strings.Join(names[:n-1], ", ") + " and " + names[n-1]
	}
	return strings.Join(names, "")
}

// CountNoun returns a number with its noun: "1 error", "2 errors", "3 queries".
func CountNoun(n int, noun string) string { return strconv.Itoa(n) + " " + Pluralize(int64(n), noun) }

// Pluralize returns the noun in the form for a number.
func Pluralize(n int64, noun string) string {
	if n == 1 {
		return noun
	}
	if stem, ok := strings.CutSuffix(noun, "query"); ok {
		return stem + "queries"
	}
	return noun + "s"
}

// FirstNames lists the first names, and counts the rest: "a, b and 3 more".
func FirstNames(names []string, most int) string {
	return NamesAndMore(TakeFirst(names, most))
}

// NamesAndMore lists names, and says how many more there are: "a, b and 3 more".
func NamesAndMore(names []string, more int) string {
	text := strings.Join(names, ", ")
	if more > 0 {
		text += " and " + countRest(more)
	}
	return text
}

// FirstAndRest lists the first names, with the count of the rest as the last one: "a, b, 3 more".
func FirstAndRest(names []string, most int) string {
	first, more := TakeFirst(names, most)
	if more > 0 {
		first = append(first, countRest(more))
	}
	return strings.Join(first, ", ")
}

// FirstLines returns the first lines, and a line that counts the rest: "and 3 more".
func FirstLines(lines []string, most int) []string {
	first, more := TakeFirst(lines, most)
	if more > 0 {
		first = append(first, "and "+countRest(more))
	}
	return first
}

// TakeFirst returns the first elements of a list, at most so many, and how many more it has.
func TakeFirst[T any](list []T, most int) (first []T, more int) {
	if len(list) <= most {
		return list, 0
	}
	return list[:most:most], len(list) - most
}

func countRest(n int) string { return strconv.Itoa(n) + " more" }

// PickForm returns the form of a word that fits a number.
func PickForm(n int, singular, plural string) string {
	if n == 1 {
		return singular
	}
	return plural
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
	return PickForm(len(names), "column ", "columns ") + EnumerateNames(names)
}

// CutNumbers removes the numbers from a text, in which ages and process IDs change from look to look.
func CutNumbers(text string) string {
	return strings.Map(func(r rune) rune {
		if '0' <= r && r <= '9' || r == '.' {
			return -1
		}
		return r
	}, text)
}
