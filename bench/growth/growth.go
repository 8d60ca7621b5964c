//go:build unix

// Package growth measures how the cost of a run grows with its input: shapes of input that a stranger may send, each in sizes of 1 and 10
// (-sizes 3: and of 100), the CPU time and the peak memory of the process for each, and what ten times the input costs.
package growth

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"time"

	"github.com/onward-sql/onward/bench/cost"
	"github.com/onward-sql/onward/bench/measure"
)

// Measure measures the shapes and prints a row for each as it goes.
func Measure(b *measure.Bench) {
	all, pattern := allShapes(), measure.Must(regexp.Compile(b.Shapes))
	if b.Largest {
		all, b.Sizes = largestShapes(), 1
	}
	var chosen []shape
	for _, sh := range all {
		if pattern.MatchString(sh.name) {
			chosen = append(chosen, sh)
		}
	}
	if len(chosen) == 0 {
		measure.Check(fmt.Errorf("no shape is called like %s; -list prints their names", b.Shapes))
	}
	if b.List {
		for _, sh := range chosen {
			fmt.Println(sh.name)
		}
		return
	}
	if b.Work {
		printExcessiveBlocks(b, chosen)
		return
	}
	m := &measurer{Bench: b, root: b.Dir}
	if b.Keep != "" {
		m.root = measure.Must(filepath.Abs(b.Keep))
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
			b.Missed = true
		}
	}
}

// printExcessiveBlocks prints, for each shape, the places that run too often, the worst first.
func printExcessiveBlocks(b *measure.Bench, chosen []shape) {
	binary := b.Onward // with counters
	if binary == "" {
		binary = measure.Must(buildWithCounters(b, b.Dir))
	}
	for _, sh := range chosen {
		found, err := findExcessiveBlocks(b, binary, b.Dir, sh)
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
		b.Missed = b.Missed || len(found) > 0
	}
}

// measurer runs onward on inputs.
type measurer struct {
	*measure.Bench
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

// measureEmpty is what a run on an empty file costs.
func (m *measurer) measureEmpty() time.Duration {
	path := filepath.Join(m.root, "nothing.sql")
	measure.WriteFile(path, "SELECT 1;\n")
	return measure.Must(cost.InTurn(m, 5, cost.Command{Name: "nothing", Path: m.Program(), Args: []string{"check", path}, Dir: m.root, Fine: []int{0}}))[0].CPU
}

// measureSizes measures a shape in its sizes, up to the first that takes too long.
func (m *measurer) measureSizes(sh shape) (out []size) {
	for n := max(1, sh.n/m.Reduce); len(out) < m.Sizes; n *= 10 {
		dir := filepath.Join(m.root, fmt.Sprintf("%s-%d", sh.name, n))
		in := &input{dir: dir, onward: m.Program()}
		measure.Check(os.MkdirAll(dir, 0o755))
		measure.Check(in.writeInput(m, sh, n))
		u := measure.Must(cost.Run(m, cost.Command{Name: sh.name, Path: in.onward, Args: in.args, Dir: dir, Fine: []int{0, 1, 2, 3}, Limit: m.CPULimit}))
		u.CPU -= m.start
		out = append(out, size{n: n, bytes: in.bytes, Usage: u})
		if m.Keep == "" {
			measure.Check(os.RemoveAll(dir))
		}
		if u.Cut {
			break
		}
	}
	return out
}
