package prose

import (
	"slices"
	"strings"
)

// NearestName returns the name that a misspelled name was probably meant to be; "" if none is
// similar. Swapped, missing or extra letters, and words in another order, count as
// similar.
func NearestName(name string, names []string) string {
	if len(name) > 200 {
		return ""
	}
	best, least := "", max(2, len(name)/3)+1
	for _, candidate := range names {
		n := editDistance(strings.ToLower(name), candidate)
		if sortedWords(name) == sortedWords(candidate) {
			n = 0
		}
		if n < least {
			best, least = candidate, n
		}
	}
	return best
}

func sortedWords(s string) string {
	words := strings.FieldsFunc(strings.ToLower(s), func(r rune) bool { return r == '-' || r == '_' || r == ' ' })
	slices.Sort(words)
	return strings.Join(words, " ")
}

// editDistance is the Levenshtein distance in bytes.
func editDistance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := 1; i <= len(a); i++ {
		diagonal := row[0]
		row[0] = i
		for j := 1; j <= len(b); j++ {
			cost := diagonal
			if a[i-1] != b[j-1] {
				cost++
			}
			diagonal = row[j]
			row[j] = min(cost, row[j]+1, row[j-1]+1)
		}
	}
	return row[len(b)]
}
