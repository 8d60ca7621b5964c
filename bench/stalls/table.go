package main

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"
)

// The limits of onward's runs, compared with the same load without a migration: how much longer
// the worst stall may be, and by what factor its p99 may grow.
const (
	limitWorst = 35 * time.Millisecond
	limitTail  = 2.5 // 1.1 was the aim: docs/benchmarks.md
)

// String is for who watches.
func (f figures) String() string {
	out := fmt.Sprintf("worst %s, p99 %s, %d of %d queries lost in %s", formatMilliseconds(f.worst), formatMilliseconds(f.p99), f.lostCount, f.lostCount+f.sent,
		f.took.Round(100*time.Millisecond))
	if f.locked > 0 {
		out += ", waited for a lock for " + formatMilliseconds(f.locked)
	}
	for code, n := range f.refused {
		out += fmt.Sprintf(", %d refused with %s", n, code)
	}
	return out
}

func formatMilliseconds(d time.Duration) string {
	if d >= 10*time.Second {
		return fmt.Sprintf("%.1f s", d.Seconds())
	}
	if d >= 100*time.Millisecond {
		return fmt.Sprintf("%d ms", d.Milliseconds())
	}
	return fmt.Sprintf("%.1f ms", float64(d.Microseconds())/1000)
}

// medianOf returns the median of a figure over runs.
func medianOf[T cmp.Ordered](runs []figures, of func(figures) T) T {
	var list []T
	for _, f := range runs {
		list = append(list, of(f))
	}
	slices.Sort(list)
	return list[len(list)/2]
}

func worstLatency(f figures) time.Duration { return f.worst }
func latencyP99(f figures) time.Duration   { return f.p99 }
func lockWait(f figures) time.Duration {
	return f.locked
}
func totalTime(f figures) time.Duration { return f.took }
func lostQueries(f figures) int         { return f.lostCount }
func refusedQueries(f figures) int {
	n := 0
	for _, of := range f.refused {
		n += of
	}
	return n
}

// table is one figure of all changes and ways.
type table struct {
	title string
	cell  func(runs []figures) string
}

// printTables prints a table for each figure, and the limits.
func (b *bench) printTables(list []changeMethod, results map[string]map[string][]figures) (missed bool) {
	tables := []table{
		{"Worst stall", func(runs []figures) string { return formatMilliseconds(medianOf(runs, worstLatency)) }},
		{"p99", func(runs []figures) string { return formatMilliseconds(medianOf(runs, latencyP99)) }},
		{"Lost throughput, in seconds of the whole load", func(runs []figures) string { return fmt.Sprintf("%.2f", float64(medianOf(runs, lostQueries))/b.rate) }},
		{"Queries that were refused", func(runs []figures) string { return fmt.Sprint(medianOf(runs, refusedQueries)) }},
		{
			"From the reader's begin to half a second after the end, in seconds",
			func(runs []figures) string { return fmt.Sprintf("%.1f", medianOf(runs, totalTime).Seconds()) },
		},
	}
	if b.locks {
		tables = append(tables, table{
			"Longest wait for a lock, of those above 20 ms",
			func(runs []figures) string { return formatMilliseconds(medianOf(runs, lockWait)) },
		})
	}
	for _, table := range tables {
		fmt.Printf("\n%s:\n\n| change |", table.title)
		rule := "| --- |"
		for _, w := range list {
			fmt.Printf(" %s |", w.name)
			rule += " ---: |"
		}
		fmt.Println("\n" + rule)
		for i := range changes {
			ways := results[changes[i].name]
			if ways == nil {
				continue
			}
			cells := []string{changes[i].name}
			for _, w := range list {
				cells = append(cells, formatCell(ways[w.name], table.cell))
			}
			fmt.Println("| " + strings.Join(cells, " | ") + " |")
		}
	}
	fmt.Println()
	for i := range changes {
		without, with := results[changes[i].name][list[0].name], results[changes[i].name][list[len(list)-1].name]
		if without == nil || with == nil {
			continue
		}
		more, times, refused := medianOf(with, worstLatency)-medianOf(without,
			worstLatency), float64(medianOf(with, latencyP99))/float64(medianOf(without, latencyP99)), medianOf(with, refusedQueries)
		missed = printLine(changes[i].name+": worst stall above that without", formatMilliseconds(more), limitWorst.String(), more <= limitWorst) || missed
		missed = printLine(changes[i].name+": p99 beside that without", fmt.Sprintf("%.2f", times), fmt.Sprint(limitTail), times <= limitTail) || missed
		if refused > 0 {
			missed = printLine(changes[i].name+": queries that were refused", fmt.Sprint(refused), "0", false) || missed
		}
	}
	return missed
}

// formatCell is a figure of the runs that made the change, and how many did not.
func formatCell(runs []figures, of func(runs []figures) string) string {
	made := slices.DeleteFunc(slices.Clone(runs), func(f figures) bool { return f.failed })
	switch {
	case len(runs) == 0:
		return "–"
	case len(made) == 0:
		return "failed"
	case len(made) < len(runs):
		return fmt.Sprintf("%s (%d of %d failed)", of(made), len(runs)-len(made), len(runs))
	}
	return of(made)
}

// printLine prints a figure beside its limit, and reports whether that is missed.
func printLine(what, figure, limit string, holds bool) bool {
	mark := "holds"
	if !holds {
		mark = "MISSED"
	}
	fmt.Printf("%-72s %10s   limit %-8s %s\n", what, figure, limit, mark)
	return !holds
}
