//go:build unix

package main

import (
	"bufio"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/onward-sql/onward/bench/measure"
)

// Times depend on the load of a machine, but counts do not. A build with coverage counters counts how often each block of the program
// ran. A block whose count grows much faster than the input is reported, with its file and line.
const (
	workTimes = 4        // the large input is so many times the small one
	workLeast = 30_000   // blocks that ran less often are not reported
	workShare = 20       // a reported block has at least this fraction, one of 20, of all runs
	workPart  = 1.0 / 10 // the small input has this part of the smallest size of a shape
)

// block is a place in the program, and how often it ran for the small and for the large input.
type block struct {
	place        string
	small, large uint64
}

// growthFactor is how much more often it ran for the larger input.
func (b *block) growthFactor() float64 { return float64(b.large) / float64(max(b.small, 1)) }

// buildWithCounters builds onward with coverage counters, and returns the path of the program.
func buildWithCounters(ctx context.Context, root string) (string, error) {
	binary := filepath.Join(root, "onward-counting")
	return binary, measure.BuildOnward(ctx, ".", binary, "-cover", "-covermode=atomic", "-coverpkg=github.com/onward-sql/onward/...")
}

// findExcessiveBlocks gives the blocks that ran more often than the limit allows, the worst first.
func findExcessiveBlocks(ctx context.Context, binary, root string, sh shape) ([]block, error) {
	n := max(2, int(float64(sh.n)*workPart))
	small, err := countBlocks(ctx, binary, root, sh, n)
	if err != nil {
		return nil, err
	}
	large, err := countBlocks(ctx, binary, root, sh, n*workTimes)
	if err != nil {
		return nil, err
	}
	total := uint64(0)
	for _, count := range large {
		total += count
	}
	var out []block
	for place, count := range large {
		b := block{place, small[place], count}
		if b.large >= workLeast && b.large*workShare >= total && b.growthFactor() > mostWork {
			out = append(out, b)
		}
	}
	slices.SortFunc(out, func(a, b block) int { return cmp.Compare(b.large, a.large) })
	return out, nil
}

// countBlocks runs onward on a shape in one size, and gives how often each block ran.
func countBlocks(ctx context.Context, binary, root string, sh shape, n int) (map[string]uint64, error) {
	dir, err := os.MkdirTemp(root, sh.name+"-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	in := &input{dir: filepath.Join(dir, "in"), onward: binary}
	counters := filepath.Join(dir, "counters")
	for _, d := range []string{in.dir, counters} {
		if err := os.Mkdir(d, 0o755); err != nil {
			return nil, err
		}
	}
	if err := in.writeInput(ctx, sh, n); err != nil {
		return nil, err
	}
	run := exec.CommandContext(ctx, binary, in.args...)
	run.Dir, run.Env = in.dir, append(os.Environ(), "GOCOVERDIR="+counters)
	var exit *exec.ExitError
	if out, err := run.CombinedOutput(); err != nil && !errors.As(err, &exit) {
		return nil, fmt.Errorf("%w\n%s", err, out)
	}
	text := filepath.Join(dir, "counters.txt")
	if out, err := exec.CommandContext(ctx, "go", "tool", "covdata", "textfmt", "-i="+counters, "-o="+text).CombinedOutput(); err != nil {
		return nil, fmt.Errorf("read the counters: %w\n%s", err, out)
	}
	f, err := os.Open(text)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return readBlocks(f)
}

// readBlocks reads lines like "path/file.go:12.3,14.5 2 37": place, statements, runs.
func readBlocks(r io.Reader) (map[string]uint64, error) {
	out := map[string]uint64{}
	lines := bufio.NewScanner(r)
	for lines.Scan() {
		f := strings.Fields(lines.Text())
		if len(f) != 3 {
			continue // the mode
		}
		count, err := strconv.ParseUint(f[2], 10, 64)
		if err != nil {
			return nil, err
		}
		if count > 0 {
			out[strings.TrimPrefix(f[0], "github.com/onward-sql/onward/")] = count
		}
	}
	return out, lines.Err()
}
