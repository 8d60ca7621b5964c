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
	best, least := "", max(1, (len(name)+1)/3)+1
	for _, candidate := range names {
		n := CountEdits(strings.ToLower(name), candidate)
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

// CountEdits counts the bytes that were changed, inserted or removed, and the neighbors that were swapped, to make b
// of a.
func CountEdits(a, b string) int {
	rows := make([][]int, len(a)+1)
	for i := range rows {
		rows[i] = make([]int, len(b)+1)
		rows[i][0] = i
	}
	for j := range rows[0] {
		rows[0][j] = j
	}
	for i := 1; i <= len(a); i++ {
		for j := 1; j <= len(b); j++ {
			cost := rows[i-1][j-1]
			if a[i-1] != b[j-1] {
				cost++
			}
			rows[i][j] = min(cost, rows[i-1][j]+1, rows[i][j-1]+1)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				rows[i][j] = min(rows[i][j], rows[i-2][j-2]+1)
			}
		}
	}
	return rows[len(a)][len(b)]
}
