// Package measure is what the benchmarks share: their settings, the program that they measure, directories, repositories, servers and
// runs in turn. A benchmark stops at the first error, as a test does at Fatal.
package measure

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"time"

	"github.com/onward-sql/onward/bench/table"
	"github.com/onward-sql/onward/internal/pgserver"
)

// failure is an error that ends a benchmark.
type failure struct{ err error }

// Check ends the benchmark if there is an error.
func Check(err error) {
	if err != nil {
		panic(failure{err})
	}
}

// Must returns a value, or ends the benchmark.
func Must[T any](value T, err error) T {
	Check(err)
	return value
}

// Catch runs a benchmark, and returns the error that ended it.
func Catch(run func()) (err error) {
	defer func() {
		switch f := recover().(type) {
		case nil:
		case failure:
			err = f.err
		default:
			panic(f)
		}
	}()
	run()
	return nil
}

// Bench is one run of a benchmark. Dir is removed after it.
type Bench struct {
	context.Context
	Settings
	table.Table
	Dir string
}

// Program returns onward's path. It is built once for all benchmarks, if the settings name none.
func (b *Bench) Program() string {
	if b.Onward == "" {
		b.Onward = filepath.Join(filepath.Dir(b.Dir), "onward")
		Check(BuildOnward(b, b.Onward))
	}
	b.Onward = Must(filepath.Abs(b.Onward))
	return b.Onward
}

// BuildOnward builds onward as the file program.
func BuildOnward(ctx context.Context, program string, flags ...string) error {
	args := append(append([]string{"build", "-trimpath"}, flags...), "-o", program, "github.com/onward-sql/onward/cmd/onward")
	if out, err := exec.CommandContext(ctx, "go", args...).CombinedOutput(); err != nil {
		return fmt.Errorf("build onward: %w\n%s", err, out)
	}
	return nil
}

// ExitIf ends the program with 3 if it could not measure, and with 1 if a limit was missed.
func ExitIf(missed bool, err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(3)
	}
	if missed {
		os.Exit(1)
	}
}

// Repository makes a repository, and returns its directory. The branch base has the base files, by name. The branch main, which is
// checked out, also has the release's files.
func (b *Bench) Repository(base, release map[string]string) string {
	dir := Must(os.MkdirTemp(b.Dir, "repository-"))
	b.Run(Command{Dir: dir}, "git", "init", "-q", "-b", "base")
	for _, c := range []struct {
		branch string
		files  map[string]string
	}{{"base", base}, {"main", release}} {
		for name, text := range c.files {
			WriteFile(filepath.Join(dir, filepath.FromSlash(name)), text)
		}
		b.Run(Command{Dir: dir}, "git", "checkout", "-q", "-B", c.branch)
		b.Run(Command{Dir: dir}, "git", "add", "-A")
		b.Run(Command{Dir: dir}, "git", "-c", "user.name=bench", "-c", "user.email=bench@example.com", "-c", "commit.gpgsign=false", "commit", "-q", "-m", c.branch)
	}
	return dir
}

// GooseRelease makes a repository of two migrations: the base and the release.
func (b *Bench) GooseRelease(base, release string) string {
	const head = "-- +goose Up\n"
	return b.Repository(map[string]string{"migrations/00001_step.sql": head + base}, map[string]string{"migrations/00002_step.sql": head + release})
}

// WriteFile writes a file, and makes its directory.
func WriteFile(file, text string) {
	Check(os.MkdirAll(filepath.Dir(file), 0o755))
	Check(os.WriteFile(file, []byte(text), 0o644))
}

// Command is where and how a program runs.
type Command struct {
	Dir  string
	Env  []string // in addition to the environment
	Fine []int    // exit codes beside 0 of a run that did its work
}

// Run runs a program to its end, and returns its output and how long it took.
func (b *Bench) Run(c Command, name string, args ...string) (stdout string, took time.Duration) {
	cmd := exec.CommandContext(b, name, args...)
	cmd.Dir, cmd.Env = c.Dir, append(os.Environ(), c.Env...)
	var out, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &stderr
	start := time.Now()
	err := cmd.Run()
	took = time.Since(start)
	var exit *exec.ExitError
	if err != nil && !(errors.As(err, &exit) && slices.Contains(c.Fine, exit.ExitCode())) {
		Check(fmt.Errorf("%s %v: %w\n%s%s", filepath.Base(name), args, err, out.String(), stderr.String()))
	}
	return out.String(), took
}

// StartServer starts a throwaway server with a database.
func (b *Bench) StartServer(c pgserver.Config) (server *pgserver.Server, database string, stop func()) {
	server = Must(pgserver.Start(b, c))
	return server, Must(server.NewDatabase(b, "")), func() { Check(server.Stop()) }
}

// Exec runs SQL in one message on a connection of its own.
func (b *Bench) Exec(server *pgserver.Server, database, sql string) {
	conn := Must(server.Connect(b, "", database))
	defer conn.Close(context.WithoutCancel(b))
	Must(conn.PgConn().Exec(b, sql).ReadAll())
}

// InTurn measures figures one after the other, round by round, so that whatever else the machine does falls on all of them alike. The
// first round warms up.
func InTurn(rounds int, figures ...func() float64) [][]float64 {
	lists := make([][]float64, len(figures))
	for round := range rounds + 1 {
		for i, measure := range figures {
			if figure := measure(); round > 0 {
				lists[i] = append(lists[i], figure)
			}
		}
	}
	return lists
}

// Milliseconds are the milliseconds of a duration.
func Milliseconds(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
