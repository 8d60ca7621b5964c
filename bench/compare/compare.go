//go:build unix

// Package compare runs onward and squawk on the same files, in turn. It also measures how the cost of onward grows with the number of
// files, and the throwaway Postgres.
package compare

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"time"

	"github.com/onward-sql/onward/bench/cost"
	"github.com/onward-sql/onward/bench/measure"
)

const modulePath = "github.com/onward-sql/onward"

// Measure measures everything and prints the figures.
func Measure(b *measure.Bench) {
	if b.Cache == "" {
		b.Cache = filepath.Join(measure.Must(os.UserCacheDir()), "onward-bench")
	}
	tools := prepareTools(b)
	few, large := generateCorpus(b, b.Files), generateCorpus(b, b.Many)
	both := []corpus{few}
	if b.Corpus != "" {
		path := measure.Must(filepath.Abs(b.Corpus))
		both = append(both, surveyCorpus(path, path))
	}
	for _, c := range both {
		tools.checkSameInput(b, c)
		costs := measure.Must(cost.InTurn(b, b.Rounds, tools.onward.commandFor(c), tools.squawk.commandFor(c), parseCommand(c), tools.shown.commandFor(c),
			tools.onward.unpacedCommand(c)))
		printSquawkComparison(b, c, costs[0], costs[1])
		printFiguresWithoutLimit(b, parseAll(c.path), costs)
	}
	growth := measure.Must(cost.InTurn(b, b.Rounds, tools.onward.commandFor(few), tools.onward.commandFor(large)))
	printGrowth(b, few, large, growth[0], growth[1])
	small := makeSmallFile(b)
	costs := measure.Must(cost.InTurn(b, 4*b.Rounds+1, tools.onward.commandFor(small), tools.squawk.commandFor(small)))
	b.Check("check/start", fmt.Sprintf("%s, %d bytes", small.name, small.bytes), measure.Milliseconds(costs[0].Wall),
		fmt.Sprintf("squawk %.1f ms", measure.Milliseconds(costs[1].Wall)))
	out, _ := b.Run(measure.Command{}, "go", "test", "-run", "^$", "-bench", "^Benchmark(Start|NewDatabase)$", "-benchtime", strconv.Itoa(4*b.Rounds)+"x",
		modulePath+"/internal/pgserver")
	printServers(b, out)
}

// printSquawkComparison compares onward with squawk and its fastest reporter.
func printSquawkComparison(b *measure.Bench, c corpus, onward, squawk cost.Usage) {
	prefix := fmt.Sprintf("%s, %d files: ", c.name, c.files)
	b.Check("check/wall", prefix+"wall time beside squawk", ratioOf(onward.Wall, squawk.Wall), formatPair(onward.Wall, squawk.Wall))
	b.Check("check/cpu", prefix+"CPU time beside squawk", ratioOf(onward.CPU, squawk.CPU), formatPair(onward.CPU, squawk.CPU))
	b.Check("check/memory", prefix+"peak memory", onward.Megabytes(), fmt.Sprintf("squawk %.0f MB", squawk.Megabytes()))
}

// printFiguresWithoutLimit prints the figures that have no limit. costs are those of onward, squawk, parsing alone, squawk with its report
// for a terminal, and onward with the garbage collector's default pace. The figures of parsing are scaled to 25,000 statements, because
// each corpus has another number of them.
func printFiguresWithoutLimit(b *measure.Bench, statements int, costs []cost.Usage) {
	onward, parse, shown, unpaced := costs[0], costs[2], costs[3], costs[4]
	part := 25_000 / float64(max(statements, 1))
	b.Print("wall time, both for a terminal", fmt.Sprintf("%.2f times squawk's, %s", ratioOf(onward.Wall, shown.Wall), formatPair(onward.Wall, shown.Wall)))
	b.Print(fmt.Sprintf("25,000 of its %d statements: wall time", statements), fmt.Sprintf("%.3f s, %.2f times parsing alone, %.3f s",
		onward.Wall.Seconds()*part, ratioOf(onward.Wall, parse.Wall), parse.Wall.Seconds()*part))
	b.Print("CPU time with the collector's pace, beside the runtime's", fmt.Sprintf("%.2f, %s; %.0f and %.0f MB",
		ratioOf(onward.CPU, unpaced.CPU), formatPair(onward.CPU, unpaced.CPU), onward.Megabytes(), unpaced.Megabytes()))
}

// printGrowth compares the cost of the long corpus with the cost of the short one. The limit is for ten times the files; other ratios are
// scaled.
func printGrowth(b *measure.Bench, few, large corpus, short, long cost.Usage) {
	scale := 10 * float64(few.files) / float64(large.files)
	prefix := fmt.Sprintf("onward, %d and %d files: ", few.files, large.files)
	b.Check("check/growth", prefix+"wall time", ratioOf(long.Wall, short.Wall)*scale, formatPair(long.Wall, short.Wall))
	b.Check("check/growth", prefix+"CPU time", ratioOf(long.CPU, short.CPU)*scale, formatPair(long.CPU, short.CPU))
	b.Print("the same: peak memory", fmt.Sprintf("%.0f and %.0f MB", long.Megabytes(), short.Megabytes()))
}

var benchmarkLine = regexp.MustCompile(`(?m)^Benchmark(Start|NewDatabase)/(\d+)(?:-\d+)?\s+\d+\s+(\d+(?:\.\d+)?) ns/op`)

// printServers prints the figures of the Go benchmarks of internal/pgserver. If no server is found, and none can be fetched, there is none.
func printServers(b *measure.Bench, out string) {
	figures := benchmarkLine.FindAllStringSubmatch(out, -1)
	for _, m := range figures {
		limit, prefix := "server/start", "warm start of the throwaway Postgres "
		if m[1] == "NewDatabase" {
			limit, prefix = "server/database", "new database in the throwaway Postgres "
		}
		b.Check(limit, prefix+m[2], measure.Must(strconv.ParseFloat(m[3], 64))/1e6)
	}
	if len(figures) == 0 {
		b.Print("throwaway Postgres", "not measured, as there is no server")
	}
}

func ratioOf(a, b time.Duration) float64 { return float64(a) / float64(b) }

func formatPair(a, b time.Duration) string {
	return fmt.Sprintf("%.3f and %.3f s", a.Seconds(), b.Seconds())
}
