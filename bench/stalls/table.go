package stalls

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/onward-sql/onward/bench/measure"
	"github.com/onward-sql/onward/bench/table"
)

// String is the line of figures that is printed after each run.
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
func medianOf[T cmp.Ordered](runs []figures, figure func(figures) T) T {
	var list []T
	for _, f := range runs {
		list = append(list, figure(f))
	}
	return table.Median(list)
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
	for _, count := range f.refused {
		n += count
	}
	return n
}

// figureTable has one figure for all changes and methods.
type figureTable struct {
	title string
	cell  func(runs []figures) string
}

// printTables prints a table for each figure, and the limits.
func (b *bench) printTables(list []changeMethod, results map[string]map[string][]figures) {
	tables := []figureTable{
		{"Worst stall", func(runs []figures) string { return formatMilliseconds(medianOf(runs, worstLatency)) }},
		{"p99", func(runs []figures) string { return formatMilliseconds(medianOf(runs, latencyP99)) }},
		{"Lost throughput, in seconds of the whole load", func(runs []figures) string { return fmt.Sprintf("%.2f", float64(medianOf(runs, lostQueries))/b.rate) }},
		{"Queries that were refused", func(runs []figures) string { return fmt.Sprint(medianOf(runs, refusedQueries)) }},
		{
			"From the reader's begin to half a second after the end, in seconds",
			func(runs []figures) string { return fmt.Sprintf("%.1f", medianOf(runs, totalTime).Seconds()) },
		},
	}
	if b.LockWaits {
		tables = append(tables, figureTable{
			"Longest wait for a lock, of those above 20 ms",
			func(runs []figures) string { return formatMilliseconds(medianOf(runs, lockWait)) },
		})
	}
	for _, t := range tables {
		fmt.Printf("\n%s:\n\n| change |", t.title)
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
				cells = append(cells, formatCell(ways[w.name], t.cell))
			}
			fmt.Println("| " + strings.Join(cells, " | ") + " |")
		}
	}
	fmt.Println()
	for i := range changes {
		baseRuns, changeRuns := results[changes[i].name][list[0].name], results[changes[i].name][list[len(list)-1].name]
		if baseRuns == nil || changeRuns == nil {
			continue
		}
		name, more := changes[i].name, medianOf(changeRuns, worstLatency)-medianOf(baseRuns, worstLatency)
		b.Check("stalls/worst", name+": worst stall above that without", measure.Milliseconds(more))
		b.Check("stalls/p99", name+": p99 beside that without", float64(medianOf(changeRuns, latencyP99))/float64(medianOf(baseRuns, latencyP99)))
		b.Check("stalls/refused", name+": queries that were refused", float64(medianOf(changeRuns, refusedQueries)))
	}
}

// formatCell formats a figure of the runs that made the change, and how many failed: "12 ms (1 of 5 failed)".
func formatCell(runs []figures, cell func(runs []figures) string) string {
	successful := slices.DeleteFunc(slices.Clone(runs), func(f figures) bool { return f.failed })
	switch {
	case len(runs) == 0:
		return "–"
	case len(successful) == 0:
		return "failed"
	case len(successful) < len(runs):
		return fmt.Sprintf("%s (%d of %d failed)", cell(successful), len(runs)-len(successful), len(runs))
	}
	return cell(successful)
}
