// Package table has the limits of all benchmarks, and prints their figures beside them.
package table

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// Table prints a line for each figure. Missed is set if one of them missed its limit.
type Table struct{ Missed bool }

// Check prints a figure with its limit, which it looks up by name, and what else the reader needs.
func (t *Table) Check(limit, label string, figure float64, details ...string) {
	l := FindLimit(limit)
	mark := "holds"
	if !l.Holds(figure) {
		mark, t.Missed = "MISSED", true
	}
	printLine(label, strings.Join(append([]string{l.format(figure)}, details...), ", "), "limit "+l.String()+"  "+mark)
}

// Print prints a figure that has no limit.
func (t *Table) Print(label, figure string) { printLine(label, figure, "") }

func printLine(label, figure, verdict string) {
	fmt.Println(strings.TrimRight(fmt.Sprintf("%-64s %24s   %s", label, figure, verdict), " "))
}

// Median returns the middle one of some figures.
func Median[T cmp.Ordered](list []T) T {
	list = slices.Sorted(slices.Values(list))
	return list[len(list)/2]
}
