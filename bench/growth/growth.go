//go:build unix

// Command growth measures how the cost of a run grows with its input: shapes of input that a stranger may send, each in sizes of 1 and 10
// (-sizes 3: and of 100), the CPU time and the peak memory of the process for each, and what ten times the input costs.
//
//	go run ./bench/growth [flags]
//
// It exits with 1 if a limit of limits.go is missed, and with 3 if it could not measure.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"time"

	"github.com/onward-sql/onward/bench/cost"
	"github.com/onward-sql/onward/bench/measure"
)

// settings are the flags.
type settings struct {
	onward, shapes, keep string
	list, work, largest  bool
	reduce, sizes        int
	limit                time.Duration
}

func main() {
	cost.RunOne()
	var s settings
	flag.StringVar(&s.onward, "onward", "", "onward `binary`; built when empty")
	flag.StringVar(&s.shapes, "shapes", "", "measure the shapes whose names this `expression` matches")
	flag.StringVar(&s.keep, "keep", "", "a `directory` for the inputs, which stays")
	flag.BoolVar(&s.list, "list", false, "print the names of the shapes")
	flag.BoolVar(&s.work, "work", false, "count how often each place of the program runs, on small inputs, in place of time and memory")
	flag.BoolVar(&s.largest, "largest", false, "measure the largest inputs, each in its one size, in place of the shapes")
	flag.IntVar(&s.reduce, "reduce", 1, "divide all sizes by this `number`")
	flag.IntVar(&s.sizes, "sizes", 2, "measure this `number` of sizes, each ten times the one before")
	flag.DurationVar(&s.limit, "limit", time.Minute, "give up on a run after this CPU `time`")
	flag.Parse()
	if flag.NArg() > 0 || s.reduce < 1 || s.sizes < 1 {
		flag.Usage()
		os.Exit(2)
	}
	missed := false
	err := measure.InDirectory(func(ctx context.Context, dir string) { missed = measureShapes(ctx, &s, dir) })
	measure.ExitIf(missed, err)
}

// measureShapes measures the shapes, prints a row for each as it goes, and reports whether a limit was missed.
func measureShapes(ctx context.Context, s *settings, dir string) (missed bool) {
	all, pattern := allShapes(), measure.Must(regexp.Compile(s.shapes))
	if s.largest {
		all, s.sizes = largestShapes(), 1
	}
	var chosen []shape
	for _, sh := range all {
		if pattern.MatchString(sh.name) {
			chosen = append(chosen, sh)
		}
	}
	if len(chosen) == 0 {
		measure.Check(fmt.Errorf("no shape is called like %s; -list prints their names", s.shapes))
	}
	if s.list {
		for _, sh := range chosen {
			fmt.Println(sh.name)
		}
		return false
	}
	if s.onward == "" && s.work {
		s.onward = measure.Must(buildWithCounters(ctx, dir))
	} else if s.onward == "" {
		s.onward = filepath.Join(dir, "onward")
		measure.Check(measure.BuildOnward(ctx, ".", s.onward))
	}
	s.onward = measure.Must(filepath.Abs(s.onward))
	if s.work {
		return printExcessiveBlocks(ctx, s.onward, dir, chosen)
	}
	m := &measurer{Context: ctx, settings: s, root: dir}
	if s.keep != "" {
		m.root = measure.Must(filepath.Abs(s.keep))
	}
	m.start = m.measureEmpty()
	printHeads(os.Stdout)
	for _, sh := range chosen {
		sizes := m.measureSizes(sh)
		for range repeats {
			if printRow(io.Discard, sh, sizes) {
				break
			}
			keepLeast(sizes, m.measureSizes(sh))
		}
		if !printRow(os.Stdout, sh, sizes) {
			missed = true
		}
	}
	return missed
}

// printExcessiveBlocks prints, for each shape, the places that run too often, the worst first, and reports whether there are any. The
// binary has counters.
func printExcessiveBlocks(ctx context.Context, binary, dir string, chosen []shape) (missed bool) {
	for _, sh := range chosen {
		found, err := findExcessiveBlocks(ctx, binary, dir, sh)
		if err != nil {
			measure.Check(fmt.Errorf("%s: %w", sh.name, err))
		}
		for i, block := range found {
			if i == 5 {
				fmt.Printf("%-36s and %d more\n", "", len(found)-i)
				break
			}
			fmt.Printf("%-36s %10d %6.1f times  %s\n", sh.name, block.large, block.growthFactor(), block.place)
		}
		missed = missed || len(found) > 0
	}
	return missed
}

// measurer runs onward on inputs.
type measurer struct {
	context.Context
	*settings
	root  string        // of the inputs
	start time.Duration // CPU time of a run with next to nothing to do
}

// size is an input of a shape, and what it cost.
type size struct {
	n     int
	bytes int64
	cost.Usage
}

// repeats is how often a shape is measured again that misses a limit. What else the machine does only adds to a figure.
const repeats = 2

// keepLeast keeps the least cost of each size.
func keepLeast(sizes, repeated []size) {
	for i := range min(len(sizes), len(repeated)) {
		sizes[i].CPU, sizes[i].Peak = min(sizes[i].CPU, repeated[i].CPU), min(sizes[i].Peak, repeated[i].Peak)
	}
}

// measureEmpty returns the least that a run on an empty file costs.
func (m *measurer) measureEmpty() time.Duration {
	measure.WriteFiles(m.root, map[string]string{"nothing.sql": "SELECT 1;\n"})
	least := time.Minute
	for range 5 {
		command := cost.Command{Name: "nothing", Path: m.onward, Args: []string{"check", "nothing.sql"}, Dir: m.root, Fine: []int{0}}
		least = min(least, measure.Must(cost.Run(m, command)).CPU)
	}
	return least
}

// measureSizes measures a shape in its sizes, up to the first that takes too long.
func (m *measurer) measureSizes(sh shape) (out []size) {
	for n := max(1, sh.n/m.reduce); len(out) < m.sizes; n *= 10 {
		dir := filepath.Join(m.root, fmt.Sprintf("%s-%d", sh.name, n))
		in := &input{dir: dir, onward: m.onward}
		measure.Check(os.MkdirAll(dir, 0o755))
		measure.Check(in.writeInput(m, sh, n))
		u := measure.Must(cost.Run(m, cost.Command{Name: sh.name, Path: in.onward, Args: in.args, Dir: dir, Fine: []int{0, 1, 2, 3}, Limit: m.limit}))
		u.CPU -= m.start
		out = append(out, size{n: n, bytes: in.bytes, Usage: u})
		if m.keep == "" {
			measure.Check(os.RemoveAll(dir))
		}
		if u.Cut {
			break
		}
	}
	return out
}
