// Package table prints the figures of a benchmark beside their limits.
package table

import (
	"cmp"
	"fmt"
	"slices"
)

// Table prints a line for each figure. Missed is set if one of them missed its limit.
type Table struct{ Missed bool }

// PrintLine prints a figure and its limit.
func (t *Table) PrintLine(what, figure string, holds bool, limit string) {
	mark := "holds"
	if !holds {
		mark, t.Missed = "MISSED", true
	}
	fmt.Printf("%-64s %16s   limit %-10s %s\n", what, figure, limit, mark)
}

// Median returns the middle one of some figures.
func Median[T cmp.Ordered](list []T) T {
	list = slices.Sorted(slices.Values(list))
	return list[len(list)/2]
}
