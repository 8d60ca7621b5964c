//go:build unix

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strconv"

	"github.com/onward-sql/onward/bench/cost"
	"github.com/onward-sql/onward/bench/run"
)

const (
	modulePath    = "github.com/onward-sql/onward"
	squawkVersion = "2.66.0"
)

// tool is one of the two programs, with the arguments that name its input.
type tool struct {
	name   string
	binary string
	// args are the arguments for a corpus; dir is where the tool is run.
	args func(c corpus) (args []string, dir string)
	// fine are the exit codes of a run that did its work.
	fine []int
}

// toolPair are the two programs; shown is squawk with its default reporter.
type toolPair struct{ onward, squawk, shown tool }

// prepareTools builds onward and installs squawk, unless binaries were given.
func prepareTools(ctx context.Context, s settings) (toolPair, error) {
	onward, squawk := s.onward, s.squawk
	var err error
	if onward == "" {
		onward = filepath.Join(s.cache, "onward")
		if err := run.BuildOnward(ctx, onward); err != nil {
			return toolPair{}, err
		}
	}
	if squawk == "" {
		if squawk, err = installSquawk(ctx, s.cache); err != nil {
			return toolPair{}, err
		}
	}
	for _, binary := range []*string{&onward, &squawk} {
		if *binary, err = filepath.Abs(*binary); err != nil {
			return toolPair{}, err
		}
	}
	reporting := func(reporter string) tool {
		return tool{
			name: "squawk", binary: squawk,
			args: func(c corpus) ([]string, string) { return squawkArgs(reporter, c) },
			fine: []int{0, 1},
		}
	}
	return toolPair{
		onward: tool{
			name: "onward", binary: onward,
			args: func(c corpus) ([]string, string) { return []string{"check", c.path}, filepath.Dir(c.path) },
			// 3: a file of CORPUS could not be judged, and was reported.
			fine: []int{0, 1, 3},
		},
		squawk: reporting("gcc"), shown: reporting("tty"),
	}, nil
}

// squawkArgs lets squawk find the files itself, as onward does. The gcc
// reporter is its fastest by far; its terminal reporter needs more than twice
// the time.
func squawkArgs(reporter string, c corpus) ([]string, string) {
	if c.files == 1 {
		return []string{"--reporter", reporter, filepath.Base(c.path)}, filepath.Dir(c.path)
	}
	return []string{"--reporter", reporter, "**/*.sql"}, c.path
}

// commandFor is the command line of the tool for a corpus.
func (t tool) commandFor(c corpus) cost.Command {
	args, dir := t.args(c)
	return cost.Command{Name: t.name + " on " + c.name, Path: t.binary, Args: args, Dir: dir, Fine: t.fine}
}

// unpacedCommand is the same with the collector as the runtime paces it.
func (t tool) unpacedCommand(c corpus) cost.Command {
	out := t.commandFor(c)
	out.Name, out.Env = out.Name+", unpaced", []string{"GOGC=100"}
	return out
}

// installSquawk installs the native binary through npm, once.
func installSquawk(ctx context.Context, cache string) (string, error) {
	arch := map[string]string{"amd64": "x64", "arm64": "arm64"}[runtime.GOARCH]
	platform := runtime.GOOS + "-" + arch
	prefix := filepath.Join(cache, "squawk-"+squawkVersion)
	binary := filepath.Join(prefix, "node_modules", "@squawk-cli", platform, "bin", "squawk")
	if _, err := os.Stat(binary); err == nil {
		return binary, nil
	}
	if err := os.MkdirAll(prefix, 0o755); err != nil {
		return "", err
	}
	install := exec.CommandContext(ctx, "npm", "install", "--prefix", prefix, "--no-audit", "--no-fund", "--no-save", "squawk-cli@"+squawkVersion)
	if out, err := install.CombinedOutput(); err != nil {
		return "", fmt.Errorf("install squawk %s: %w (npm is needed, or -squawk with a binary)\n%s", squawkVersion, err, out)
	}
	if _, err := os.Stat(binary); err != nil {
		return "", fmt.Errorf("squawk %s has no binary for %s: %w", squawkVersion, platform, err)
	}
	return binary, nil
}

// squawkRead finds how many files squawk read: "Found 3 issues in 2 files
// (checked 9 source files)", "Found 0 issues in 1 file". The last match counts.
var squawkRead = regexp.MustCompile(`(?:checked|issues? in) (\d+) (?:source )?file`)

// checkSameInput makes sure that both tools read the corpus: a tool that skips files is
// fast for nothing.
func (p toolPair) checkSameInput(ctx context.Context, c corpus) error {
	args, dir := p.onward.args(c)
	out, err := runForOutput(ctx, p.onward, append(args, "--format", "json"), dir)
	if err != nil {
		return err
	}
	var report struct {
		Summary struct{ Migrations, Statements, Errors, Warnings, Opaque int }
	}
	if err := json.Unmarshal(out, &report); err != nil {
		return fmt.Errorf("onward on %s: not a report: %w", c.name, err)
	}
	// An up and a down file are one migration, and tools write other files
	// beside them, so a given directory has fewer migrations than files.
	least := c.files
	if !c.generated {
		least = c.files / 3
	}
	if s := report.Summary; s.Migrations < least || s.Statements < s.Migrations/2 {
		return fmt.Errorf("onward on %s: %d migrations with %d statements of %d files: it did not read them all",
			c.name, s.Migrations, s.Statements, c.files)
	}

	args, dir = squawkArgs("tty", c)
	if out, err = runForOutput(ctx, p.squawk, args, dir); err != nil {
		return err
	}
	n := 0
	if found := squawkRead.FindAllSubmatch(out, -1); found != nil {
		n, _ = strconv.Atoi(string(found[len(found)-1][1]))
	}
	if n < c.files {
		return fmt.Errorf("squawk on %s: it read %d of %d files", c.name, n, c.files)
	}
	s := report.Summary
	fmt.Printf("%s: %d files, %.1f MB; onward: %d migrations, %d statements, %d errors, %d warnings, %d not judged\n",
		c.name, c.files, float64(c.bytes)/1e6, s.Migrations, s.Statements, s.Errors, s.Warnings, s.Opaque)
	return nil
}

// runForOutput runs a tool once and gives what it printed.
func runForOutput(ctx context.Context, t tool, args []string, dir string) ([]byte, error) {
	cmd := exec.CommandContext(ctx, t.binary, args...)
	cmd.Dir = dir
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	var exit *exec.ExitError
	if err != nil && !(errors.As(err, &exit) && slices.Contains(t.fine, exit.ExitCode())) {
		return nil, fmt.Errorf("%s %v: %w\n%s", t.name, args, err, cost.Tail(stderr.Bytes()))
	}
	return out, nil
}
