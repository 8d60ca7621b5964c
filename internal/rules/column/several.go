package column

import (
	"github.com/onward-sql/onward/internal/prose"
)

// describeColumns names columns for a sentence: "column a", "columns a and b".
func describeColumns(names []string) string {
	if len(names) == 1 {
		return "column " + names[0]
	}
	return "columns " + prose.EnumerateNames(names)
}

// chooseByCount gives the first text for one, the second for several.
func chooseByCount(n int, single, several string) string {
	if n == 1 {
		return single
	}
	return several
}
