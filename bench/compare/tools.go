//go:build unix

package compare

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"strconv"

	"github.com/onward-sql/onward/bench/cost"
	"github.com/onward-sql/onward/bench/measure"
)

const squawkVersion = "2.66.0"

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
func prepareTools(b *measure.Bench) toolPair {
	squawk := b.Squawk
	if squawk == "" {
		squawk = installSquawk(b)
	}
	squawk = measure.Must(filepath.Abs(squawk))
	reporting := func(reporter string) tool {
		return tool{
			name: "squawk", binary: squawk,
			args: func(c corpus) ([]string, string) { return squawkArgs(reporter, c) },
			fine: []int{0, 1},
		}
	}
	return toolPair{
		onward: tool{
			name: "onward", binary: b.Program(),
			args: func(c corpus) ([]string, string) { return []string{"check", c.path}, filepath.Dir(c.path) },
			// 3: a file of CORPUS could not be judged, and was reported.
			fine: []int{0, 1, 3},
		},
		squawk: reporting("gcc"), shown: reporting("tty"),
	}
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

// unpacedCommand is the same command with the garbage collector's default pace.
func (t tool) unpacedCommand(c corpus) cost.Command {
	out := t.commandFor(c)
	out.Name, out.Env = out.Name+", unpaced", []string{"GOGC=100"}
	return out
}

// installSquawk installs the native binary through npm, once.
func installSquawk(b *measure.Bench) string {
	arch := map[string]string{"amd64": "x64", "arm64": "arm64"}[runtime.GOARCH]
	prefix := filepath.Join(b.Cache, "squawk-"+squawkVersion)
	binary := filepath.Join(prefix, "node_modules", "@squawk-cli", runtime.GOOS+"-"+arch, "bin", "squawk")
	if _, err := os.Stat(binary); err == nil {
		return binary
	}
	measure.Check(os.MkdirAll(prefix, 0o755))
	b.Run(measure.Command{}, "npm", "install", "--prefix", prefix, "--no-audit", "--no-fund", "--no-save", "squawk-cli@"+squawkVersion)
	measure.Must(os.Stat(binary))
	return binary
}

// squawkRead finds how many files squawk read: "Found 3 issues in 2 files
// (checked 9 source files)", "Found 0 issues in 1 file". The last match counts.
var squawkRead = regexp.MustCompile(`(?:checked|issues? in) (\d+) (?:source )?file`)

// checkSameInput makes sure that both tools read the corpus: a tool that skips files is fast for nothing.
func (p toolPair) checkSameInput(b *measure.Bench, c corpus) {
	args, dir := p.onward.args(c)
	out, _ := b.Run(measure.Command{Dir: dir, Fine: p.onward.fine}, p.onward.binary, append(args, "--format", "json")...)
	var report struct {
		Summary struct{ Migrations, Statements, Errors, Warnings, Opaque int }
	}
	if err := json.Unmarshal([]byte(out), &report); err != nil {
		measure.Check(fmt.Errorf("onward on %s: not a report: %w", c.name, err))
	}
	// An up and a down file are one migration, and tools write other files beside them, so a given directory has fewer migrations than
	// files.
	least := c.files
	if !c.generated {
		least = c.files / 3
	}
	s := report.Summary
	if s.Migrations < least || s.Statements < s.Migrations/2 {
		measure.Check(fmt.Errorf("onward on %s: %d migrations with %d statements of %d files: it did not read them all",
			c.name, s.Migrations, s.Statements, c.files))
	}

	args, dir = squawkArgs("tty", c)
	out, _ = b.Run(measure.Command{Dir: dir, Fine: p.squawk.fine}, p.squawk.binary, args...)
	n := 0
	if found := squawkRead.FindAllStringSubmatch(out, -1); found != nil {
		n, _ = strconv.Atoi(found[len(found)-1][1])
	}
	if n < c.files {
		measure.Check(fmt.Errorf("squawk on %s: it read %d of %d files", c.name, n, c.files))
	}
	fmt.Printf("%s: %d files, %.1f MB; onward: %d migrations, %d statements, %d errors, %d warnings, %d not judged\n",
		c.name, c.files, float64(c.bytes)/1e6, s.Migrations, s.Statements, s.Errors, s.Warnings, s.Opaque)
}
