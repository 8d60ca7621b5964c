package builtin

import (
	"iter"
	"strings"
)

// A table is text with one entry on a line, sorted by the line's first word. It needs no work at program start, and a
// search touches a dozen lines of it.

// lookUpEntries yields the entries of a table whose first word is key, without that word.
func lookUpEntries(table, key string) iter.Seq[string] {
	return func(yield func(string) bool) {
		if key == "" || strings.ContainsAny(key, " \n") {
			return
		}
		for offset := searchTable(table, key); offset < len(table); {
			line, _, _ := strings.Cut(table[offset:], "\n")
			first, rest, _ := strings.Cut(line, " ")
			if first != key || !yield(rest) {
				return
			}
			offset += len(line) + 1
		}
	}
}

// searchTable returns the position of the first line whose first word is not less than key.
func searchTable(table, key string) int {
	low, high := 0, len(table) // both are starts of lines
	for low < high {
		middle := low + (high-low)/2
		start := low + strings.LastIndexByte(table[low:middle], '\n') + 1
		end := start + strings.IndexByte(table[start:], '\n')
		first, _, _ := strings.Cut(table[start:end], " ")
		if first < key {
			low = end + 1
		} else {
			high = start
		}
	}
	return low
}

// splitFields splits the rest of a line of functions: signature, a letter for all versions or one for each, and the types
// where overloads with the same number of arguments differ.
func splitFields(rest string) (signature, letters, types string) {
	signature, rest, _ = strings.Cut(rest, " ")
	letters, types, _ = strings.Cut(rest, " ")
	return signature, letters, types
}
