//go:build unix

// Command bench runs the benchmarks that have limits, and prints each figure beside its limit.
//
//	go run ./bench [flags] [CASE ...]
//
// README.md beside this file says what is measured and how, and table/limits.go has the limits. It exits with 0 if all limits are kept, 1
// if one is missed, 2 for wrong usage and 3 if it could not measure.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"github.com/onward-sql/onward/bench/compare"
	"github.com/onward-sql/onward/bench/cost"
	"github.com/onward-sql/onward/bench/growth"
	"github.com/onward-sql/onward/bench/measure"
	"github.com/onward-sql/onward/bench/stalls"
	"github.com/onward-sql/onward/bench/table"
)

// benchmark is a case.
type benchmark struct {
	name    string
	rounds  int  // the default of -rounds; 0 if the case has no rounds
	byName  bool // it runs only if it is named
	what    string
	measure func(b *measure.Bench)
}

var cases = []benchmark{
	{"compare", 5, false, "onward check beside squawk, and the throwaway Postgres", compare.Measure},
	{"growth", 0, false, "cost for ten times the input, in many shapes", growth.Measure},
	{"rehearse", 5, false, "rehearsals beside psql", measureRehearsals},
	{"wire", 5, false, "the recording proxy beside pgbouncer (scripts/setup.sh pgbouncer)", measureWire},
	{"verify", 3, false, "recorded queries at the commit points of a release", measureVerification},
	{"plan", 11, false, "sketches, proofs, triggers and locks of plans", measurePlans},
	{"capture", 5, false, "capture: and render: beside the project's own command", measureCaptures},
	{"adapters", 5, false, "changelogs of several tools' files beside plain SQL files", measureAdapters},
	{"lsp", 0, false, "keystrokes in an editor", measureEditor},
	{"hook", 40, false, "a coding assistant's edits beside git grep", measureHook},
	{"changelog", 5, true, "a release of REPO from BASE to HEAD beside git grep", measureChangelog},
	{"install", 0, true, "from the README's install line to the first finding", measureInstall},
	{"stalls", 5, true, "what a load feels of a migration: ROWS and RUNS say how big", stalls.Measure},
	{"backfill", 5, true, "backfills beside a plain loop and pgroll: ROWS and RUNS say how big", stalls.MeasureBackfills},
}

// children are functions that run in a further process of this program, which a benchmark starts with the name as its first argument.
var children = map[string]func(args []string){"child-parse": compare.RunParser, "child-suite": runSuite, "child-proxy": runProxy}

func main() {
	cost.RunOne()
	if len(os.Args) > 1 && children[os.Args[1]] != nil {
		measure.ExitIf(false, measure.Catch(func() { children[os.Args[1]](os.Args[2:]) }))
		return
	}
	var s measure.Settings
	s.RegisterFlags(flag.CommandLine)
	limits := flag.Bool("limits", false, "print the limits as a table")
	flag.Usage = printUsage
	flag.Parse()
	chosen, ok := chooseCases(flag.Args(), s.Repo != "")
	switch {
	case *limits:
		fmt.Print(formatLimits())
		return
	case !ok || s.Rounds < 0 || s.Rows < 0 || s.Files < 1 || s.Many < s.Files || s.Reduce < 1 || s.Sizes < 1 || s.Network < 1 || s.Rate < 1:
		printUsage()
		os.Exit(2)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	os.Exit(runCases(ctx, s, chosen))
}

// chooseCases returns the named cases; without a name, changelog if there is a clone, else all that need not be named.
func chooseCases(names []string, clone bool) (chosen []benchmark, ok bool) {
	if len(names) == 0 && clone {
		names = []string{"changelog"}
	}
	for _, name := range names {
		i := slices.IndexFunc(cases, func(c benchmark) bool { return c.name == name })
		if i < 0 {
			return nil, false
		}
		chosen = append(chosen, cases[i])
	}
	if len(names) == 0 {
		chosen = slices.DeleteFunc(slices.Clone(cases), func(c benchmark) bool { return c.byName })
	}
	return chosen, true
}

// runCases runs the cases, and returns the exit code.
func runCases(ctx context.Context, s measure.Settings, chosen []benchmark) (code int) {
	root, err := os.MkdirTemp("", "onward-bench-")
	measure.ExitIf(false, err)
	defer os.RemoveAll(root)
	for _, c := range chosen {
		b := &measure.Bench{Context: ctx, Settings: s, Dir: filepath.Join(root, c.name)}
		if b.Rounds == 0 {
			b.Rounds = c.rounds
		}
		fmt.Printf("\n%s: %s\n", c.name, c.what)
		err := measure.Catch(func() {
			measure.Check(os.Mkdir(b.Dir, 0o755))
			c.measure(b)
		})
		switch {
		case err != nil:
			fmt.Fprintf(os.Stderr, "bench: %s: %v\n", c.name, err)
			code = 3
		case b.Missed:
			code = max(code, 1)
		}
		s.Onward = b.Onward
		measure.Check(os.RemoveAll(b.Dir))
	}
	return code
}

func printUsage() {
	fmt.Fprintln(os.Stderr, "usage: bench [flags] [CASE ...]")
	for _, c := range cases {
		fmt.Fprintf(os.Stderr, "  %-10s %s%s\n", c.name, c.what, map[bool]string{true: "; only if it is named"}[c.byName])
	}
	flag.PrintDefaults()
}

// formatLimits returns the limits as README.md has them.
func formatLimits() string {
	var b strings.Builder
	b.WriteString("| figure | limit | what it bounds |\n| --- | --- | --- |\n")
	for _, l := range table.Limits {
		fmt.Fprintf(&b, "| `%s` | %s | %s |\n", l.Name, l, l.Bounds)
	}
	return b.String()
}
