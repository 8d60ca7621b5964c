//go:build unix

package main

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/onward-sql/onward/bench/cost"
)

// The limits that onward keeps. README.md says what was aimed at, and what stops it.
const (
	wallLimit   = 1.4                   // of squawk's wall time
	cpuLimit    = 1.25                  // of squawk's CPU time
	peakLimit   = 200 << 20             // bytes
	growthLimit = 14.0                  // for ten times the files
	smallLimit  = 20 * time.Millisecond // from the start of the process to its end
	// How long a warm start of a throwaway Postgres and a fresh database in it
	// may take.
	startLimit    = 500 * time.Millisecond
	databaseLimit = 100 * time.Millisecond
)

// table prints rows of figures and remembers whether one missed its limit.
type table struct {
	w    *tabwriter.Writer
	kept bool
}

func newTable(w io.Writer, title string, heads ...string) *table {
	t := &table{w: tabwriter.NewWriter(w, 0, 8, 3, ' ', tabwriter.AlignRight), kept: true}
	fmt.Fprintf(w, "\n%s\n", title)
	for _, head := range heads {
		fmt.Fprintf(t.w, "%s\t", head)
	}
	fmt.Fprintln(t.w)
	return t
}

// printRow prints cells, the limit, and whether it is kept.
func (t *table) printRow(kept bool, cells ...string) {
	verdict := "ok"
	if !kept {
		verdict, t.kept = "MISSED", false
	}
	for _, cell := range cells {
		fmt.Fprintf(t.w, "%s\t", cell)
	}
	fmt.Fprintf(t.w, "%s\t\n", verdict)
}

// printFigures prints cells that have no limit.
func (t *table) printFigures(cells ...string) {
	for _, cell := range cells {
		fmt.Fprintf(t.w, "%s\t", cell)
	}
	fmt.Fprintln(t.w, "\t")
}

func (t *table) endTable() bool {
	t.w.Flush()
	return t.kept
}

// printPair holds onward against squawk with its fastest reporter. What squawk
// needs for the report that its users see, shown, is printed beside it, without a
// limit.
func printPair(w io.Writer, c corpus, onward, squawk, shown cost.Usage) bool {
	t := newTable(w, fmt.Sprintf("%s: %d files", c.name, c.files), "", "onward", "squawk", "ratio", "limit", "")
	wall, cpu := ratioOf(onward.Wall, squawk.Wall), ratioOf(onward.CPU, squawk.CPU)
	t.printRow(wall <= wallLimit, "wall", formatSeconds(onward.Wall), formatSeconds(squawk.Wall), formatFactor(wall), "at most "+formatFactor(wallLimit))
	t.printRow(cpu <= cpuLimit, "CPU", formatSeconds(onward.CPU), formatSeconds(squawk.CPU), formatFactor(cpu), "at most "+formatFactor(cpuLimit))
	t.printRow(onward.Peak < peakLimit, "peak memory", formatMegabytes(onward.Peak), formatMegabytes(squawk.Peak),
		formatFactor(float64(onward.Peak)/float64(squawk.Peak)), "below "+formatMegabytes(peakLimit))
	t.printFigures("wall, both for a terminal", formatSeconds(onward.Wall), formatSeconds(shown.Wall), formatFactor(ratioOf(onward.Wall, shown.Wall)), "none")
	return t.endTable()
}

// printGrowth compares the cost of the long corpus with the cost of the short one. The
// limit is for ten times the files; other ratios are scaled.
func printGrowth(w io.Writer, few, many corpus, short, long cost.Usage) bool {
	limit := growthLimit * float64(many.files) / float64(few.files) / 10
	t := newTable(w, "onward, more files", "", fmt.Sprint(few.files), fmt.Sprint(many.files), "ratio", "limit", "")
	wall, cpu := ratioOf(long.Wall, short.Wall), ratioOf(long.CPU, short.CPU)
	t.printRow(wall <= limit, "wall", formatSeconds(short.Wall), formatSeconds(long.Wall), formatFactor(wall), "at most "+formatFactor(limit))
	t.printRow(cpu <= limit, "CPU", formatSeconds(short.CPU), formatSeconds(long.CPU), formatFactor(cpu), "at most "+formatFactor(limit))
	t.printFigures("peak memory", formatMegabytes(short.Peak), formatMegabytes(long.Peak), formatFactor(float64(long.Peak)/float64(short.Peak)), "none")
	return t.endTable()
}

func printSmall(w io.Writer, c corpus, onward, squawk cost.Usage) bool {
	t := newTable(w, fmt.Sprintf("%s: %d bytes", c.name, c.bytes), "", "onward", "squawk", "limit", "")
	t.printRow(onward.Wall <= smallLimit, "wall", formatMilliseconds(onward.Wall), formatMilliseconds(squawk.Wall), "at most "+formatMilliseconds(smallLimit))
	return t.endTable()
}

// printParse prints the wall time beside what reading and parsing alone take.
// A corpus has as many statements as it has: the figures are for 25,000.
func printParse(w io.Writer, c corpus, statements int, onward, parse cost.Usage) {
	t := newTable(w, fmt.Sprintf("%s: 25,000 of its %d statements", c.name, statements), "", "onward", "parsing alone", "ratio", "limit", "")
	of := func(d time.Duration) string {
		return formatSeconds(time.Duration(float64(d) * 25_000 / float64(max(statements, 1))))
	}
	wall := ratioOf(onward.Wall, parse.Wall)
	t.printFigures("wall", of(onward.Wall), of(parse.Wall), formatFactor(wall), "none")
	t.endTable()
}

// printPace prints what the collector's pace brings: the same run with the pace that
// the runtime has by itself.
func printPace(w io.Writer, c corpus, paced, unpaced cost.Usage) {
	t := newTable(w, c.name+": the collector's pace", "", "ours", "the runtime's", "ratio", "limit", "")
	t.printFigures("CPU", formatSeconds(paced.CPU), formatSeconds(unpaced.CPU), formatFactor(ratioOf(paced.CPU, unpaced.CPU)), "none")
	t.printFigures("peak memory", formatMegabytes(paced.Peak), formatMegabytes(unpaced.Peak), formatFactor(float64(paced.Peak)/float64(unpaced.Peak)), "none")
	t.endTable()
}

func printServers(w io.Writer, figures []serverFigure) bool {
	if len(figures) == 0 {
		fmt.Fprint(w, "\nthrowaway Postgres: not measured, as there is no server\n")
		return true
	}
	t := newTable(w, "throwaway Postgres", "", "took", "limit", "")
	for _, f := range figures {
		name, limit := "warm start", startLimit
		if strings.HasPrefix(f.name, "NewDatabase") {
			name, limit = "new database", databaseLimit
		}
		_, major, _ := strings.Cut(f.name, "/")
		t.printRow(f.took <= limit, name+", "+major, formatMilliseconds(f.took), "at most "+formatMilliseconds(limit))
	}
	return t.endTable()
}

func ratioOf(a, b time.Duration) float64   { return float64(a) / float64(b) }
func formatFactor(f float64) string        { return fmt.Sprintf("%.2f", f) }
func formatSeconds(d time.Duration) string { return fmt.Sprintf("%.3f s", d.Seconds()) }
func formatMegabytes(n int64) string       { return fmt.Sprintf("%.0f MB", float64(n)/(1<<20)) }
func formatMilliseconds(d time.Duration) string {
	return fmt.Sprintf("%.1f ms", float64(d)/float64(time.Millisecond))
}
