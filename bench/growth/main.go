//go:build unix

// Command growth measures how the cost of a run grows with its input: shapes of
// input that a stranger may send, each in sizes of 1 and 10 (-sizes 3: and of 100),
// the CPU time and the peak memory of the process for each, and what ten times the
// input costs. It exits with 1 where a shape grows faster than the limits allow.
//
//	go run ./bench/growth [-shapes REGEXP] [-largest]
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"regexp"
	"time"

	"github.com/onward-sql/onward/bench/cost"
	"github.com/onward-sql/onward/bench/run"
)

type settings struct {
	onward string
	shapes string
	list   bool
	limit  time.Duration
	keep   string
	reduce int
	sizes  int
	work   bool
	large  bool
}

func main() {
	cost.RunOne()
	var s settings
	flag.StringVar(&s.onward, "onward", os.Getenv("ONWARD"), "onward `binary`; built when empty (or $ONWARD)")
	flag.StringVar(&s.shapes, "shapes", "", "measure the shapes whose names this `expression` matches")
	flag.BoolVar(&s.list, "list", false, "print the names of the shapes")
	flag.DurationVar(&s.limit, "limit", time.Minute, "give up on a run after this CPU `time`")
	flag.StringVar(&s.keep, "keep", "", "write the inputs to this `directory`, and leave them there")
	flag.IntVar(&s.reduce, "reduce", 1, "divide all sizes by this `number`")
	flag.IntVar(&s.sizes, "sizes", 2, "measure this `number` of sizes, each ten times the one before")
	flag.BoolVar(&s.work, "work", false, "count how often each place of the program runs, on small inputs, in place of time and memory")
	flag.BoolVar(&s.large, "largest", false, "measure the largest inputs, each in its one size, in place of the shapes")
	flag.Parse()
	only, err := regexp.Compile(s.shapes)
	if flag.NArg() > 0 || err != nil || s.reduce < 1 || s.sizes < 1 {
		flag.Usage()
		os.Exit(2)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	kept, err := measureShapes(ctx, s, only)
	run.ExitIf(!kept, err)
}

// measureShapes measures the shapes and prints a row for each as it goes.
func measureShapes(ctx context.Context, s settings, only *regexp.Regexp) (bool, error) {
	var chosen []shape
	from := allShapes()
	if s.large {
		from, s.sizes = largestShapes(), 1
	}
	for _, sh := range from {
		if only.MatchString(sh.name) {
			chosen = append(chosen, sh)
		}
	}
	if len(chosen) == 0 {
		return false, fmt.Errorf("no shape is called like %s; -list prints their names", s.shapes)
	}
	if s.list {
		for _, sh := range chosen {
			fmt.Println(sh.name)
		}
		return true, nil
	}
	root := s.keep
	if root == "" {
		temporary, err := os.MkdirTemp("", "onward-growth-")
		if err != nil {
			return false, err
		}
		defer os.RemoveAll(temporary)
		root = temporary
	}
	if s.work {
		return printWork(ctx, s.onward, root, chosen)
	}
	binary := s.onward
	if binary == "" {
		binary = filepath.Join(root, "onward")
		if err := run.BuildOnward(ctx, binary); err != nil {
			return false, err
		}
	}
	binary, err := filepath.Abs(binary)
	if err != nil {
		return false, err
	}
	m := &measurer{binary: binary, root: root, keep: s.keep != "", limit: s.limit}
	if m.start, err = m.measureEmpty(ctx); err != nil {
		return false, err
	}
	kept := true
	printHeads(os.Stdout)
	for _, sh := range chosen {
		sizes, err := m.measureSizes(ctx, sh, s.sizes, s.reduce)
		if err != nil {
			return false, fmt.Errorf("%s: %w", sh.name, err)
		}
		kept = printRow(os.Stdout, sh, sizes) && kept
	}
	return kept, nil
}

// printWork prints, for each shape, the places that run too often, the worst first.
// binary is onward with counters; built when empty.
func printWork(ctx context.Context, binary, root string, chosen []shape) (bool, error) {
	if binary == "" {
		built, err := buildCounting(ctx, root)
		if err != nil {
			return false, err
		}
		binary = built
	}
	kept := true
	for _, sh := range chosen {
		found, err := excessiveBlocks(ctx, binary, root, sh)
		if err != nil {
			return false, fmt.Errorf("%s: %w", sh.name, err)
		}
		for i, b := range found {
			if i == 5 {
				fmt.Printf("%-36s and %d more\n", "", len(found)-i)
				break
			}
			fmt.Printf("%-36s %10d %6.1f times  %s\n", sh.name, b.large, b.growthFactor(), b.place)
		}
		kept = kept && len(found) == 0
	}
	return kept, nil
}

// measurer runs onward on inputs.
type measurer struct {
	binary, root string
	keep         bool // the inputs
	limit        time.Duration
	start        time.Duration // CPU time of a run with next to nothing to do
}

// size is an input of a shape, and what it cost.
type size struct {
	n     int
	bytes int64
	cost.Usage
}

// measureEmpty is what a run on an empty file costs.
func (m *measurer) measureEmpty(ctx context.Context) (time.Duration, error) {
	path := filepath.Join(m.root, "nothing.sql")
	if err := os.WriteFile(path, []byte("SELECT 1;\n"), 0o644); err != nil {
		return 0, err
	}
	costs, err := cost.InTurn(ctx, 5, cost.Command{Name: "nothing", Path: m.binary, Args: []string{"check", path}, Dir: m.root, Fine: []int{0}})
	if err != nil {
		return 0, err
	}
	return costs[0].CPU, nil
}

// measureSizes measures a shape in its sizes, up to the first that takes too long.
func (m *measurer) measureSizes(ctx context.Context, sh shape, sizes, reduce int) ([]size, error) {
	var out []size
	for n := max(1, sh.n/reduce); len(out) < sizes; n *= 10 {
		dir := filepath.Join(m.root, fmt.Sprintf("%s-%d", sh.name, n))
		in := &input{dir: dir, onward: m.binary}
		if err := os.MkdirAll(dir, 0o755); err != nil {
			return nil, err
		}
		if err := in.writeInput(ctx, sh, n); err != nil {
			return nil, err
		}
		u, err := cost.Run(ctx, cost.Command{Name: sh.name, Path: m.binary, Args: in.args, Dir: dir, Fine: []int{0, 1, 2, 3}, Limit: m.limit})
		if err != nil {
			return nil, err
		}
		u.CPU -= m.start
		out = append(out, size{n: n, bytes: in.bytes, Usage: u})
		if !m.keep {
			if err := os.RemoveAll(dir); err != nil {
				return nil, err
			}
		}
		if u.Cut {
			break
		}
	}
	return out, nil
}
