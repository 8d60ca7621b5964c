// Command mutants plants faults in packages and prints those that the packages' own tests do not notice. It compiles each package once, with all of
// its faults in it, each under a number; then it runs the tests once for each number of a random sample.
//
// A fault is noticed if the tests fail, panic, or take longer than the limit; the summary counts the last kind apart. A fault that no test
// reaches counts as not noticed. One that does not compile cannot occur: all of them are in one binary, and if that does not compile, the run ends with an
// error. It ends with an error, too, if the tests cannot be started, or if they fail without a fault, before the sample or after it.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
)

func main() {
	var s settings
	flag.IntVar(&s.sample, "n", 100, "faults tried in each package; 0 is all")
	flag.Uint64Var(&s.seed, "seed", 1, "chooses the sample")
	flag.DurationVar(&s.limit, "limit", 2*time.Minute, "the time that a run of the tests may take; a fault that makes it longer is noticed")
	least := flag.Int("least", 0, "percent of the faults that must be noticed in each package")
	flag.Parse()
	for _, dir := range flag.Args() {
		p, err := s.mutatePackage(dir)
		if err != nil {
			fmt.Fprintf(os.Stderr, "mutants: %s: %v\n", dir, err)
			os.Exit(3)
		}
		percent := 100 * p.noticed / max(p.tried, 1)
		fmt.Printf("%s: %d of %d faults noticed, %d %%, %d of them by the time limit, of %d that can be planted. One run: %s\n",
			dir, p.noticed, p.tried, percent, p.late, p.sites, p.once)
		if percent < *least {
			defer os.Exit(1)
		}
	}
}

type settings struct {
	sample int // faults tried in a package; 0 for all
	seed   uint64
	limit  time.Duration // of one run of the tests
}

// tally is the result for a package.
type tally struct {
	sites, tried, noticed int           // faults: that can be planted, of the sample, and that the tests notice
	late                  int           // noticed faults that only the time limit notices
	once                  time.Duration // of one run without a fault
}

// mutatePackage prints each fault of the sample that the tests do not notice.
func (s settings) mutatePackage(dir string) (out tally, err error) {
	work, err := os.MkdirTemp("", "mutants")
	if err != nil {
		return out, err
	}
	defer os.RemoveAll(work)
	faults, overlay, err := plantFaults(dir, work)
	if err != nil {
		return out, err
	}
	binary := filepath.Join(work, "tests")
	build := exec.Command("go", "test", "-c", "-overlay", overlay, "-o", binary, "./"+filepath.ToSlash(dir))
	if text, err := build.CombinedOutput(); err != nil {
		return out, fmt.Errorf("%w\n%s", err, text)
	}
	reached := filepath.Join(work, "reached")
	if err := s.runTestsWithoutFault(dir, binary, "ONWARD_MUTANTS_REACHED="+reached); err != nil {
		return out, err
	}
	start := time.Now()
	if err := s.runTestsWithoutFault(dir, binary, "ONWARD_MUTANT="); err != nil {
		return out, err
	}
	out.once = time.Since(start).Round(10 * time.Millisecond)
	lines, err := os.ReadFile(reached)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return out, err
	}
	visited := map[string]bool{}
	for line := range strings.Lines(string(lines)) {
		visited[strings.TrimSpace(line)] = true
	}
	order := rand.New(rand.NewPCG(s.seed, 0)).Perm(len(faults))
	if s.sample > 0 && s.sample < len(order) {
		order = order[:s.sample]
	}
	slices.Sort(order)
	out.sites, out.tried = len(faults), len(order)
	for _, n := range order {
		if !visited[strconv.Itoa(n)] {
			fmt.Printf("%s: %s: no test comes here\n", faults[n].place, faults[n].words)
			continue
		}
		r, err := s.runTests(dir, binary, "ONWARD_MUTANT="+strconv.Itoa(n))
		switch {
		case err != nil:
			return out, err
		case r.late:
			out.late++
			fallthrough
		case r.failed:
			out.noticed++
		default:
			fmt.Printf("%s: %s\n", faults[n].place, faults[n].words)
		}
	}
	return out, s.runTestsWithoutFault(dir, binary, "ONWARD_MUTANT=")
}

// runTestsWithoutFault runs the tests without a fault. An error says that they fail, so that what they noticed may be no fault.
func (s settings) runTestsWithoutFault(dir, binary, variable string) error {
	r, err := s.runTests(dir, binary, variable)
	if err == nil && (r.failed || r.late) {
		err = fmt.Errorf("the tests fail without a fault:\n%s", r.text)
	}
	return err
}

// run is how the tests of a package ended.
type run struct {
	failed, late bool
	text         string
}

// runTests runs a package's tests. An error says that they could not be started.
func (s settings) runTests(dir, binary, variable string) (run, error) {
	ctx, cancel := context.WithTimeout(context.Background(), s.limit)
	defer cancel()
	cmd := exec.CommandContext(ctx, binary, "-test.failfast", "-test.short")
	cmd.Dir, cmd.Env = dir, append(os.Environ(), variable)
	b, err := cmd.CombinedOutput()
	r := run{failed: err != nil, late: ctx.Err() != nil, text: string(b)}
	if exit := (*exec.ExitError)(nil); err != nil && !r.late && !errors.As(err, &exit) {
		return r, err
	}
	return r, nil
}
