// Package measure is what the benchmarks share: errors that end them, directories, repositories, and the program that they measure.
package measure

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"syscall"
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

// InDirectory runs a benchmark with a directory, which is removed after it, and returns the error that ended it. An interrupt ends the
// context.
func InDirectory(run func(ctx context.Context, dir string)) error {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	return Catch(func() {
		dir := Must(os.MkdirTemp("", "onward-bench-"))
		defer os.RemoveAll(dir)
		run(ctx, dir)
	})
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

// BuildOnward builds the onward of the module of a directory as the file program, which is there only if it is whole.
func BuildOnward(ctx context.Context, dir, program string, flags ...string) error {
	args := append(append([]string{"build", "-trimpath", "-buildvcs=false"}, flags...), "-o", program+".new", "github.com/onward-sql/onward/cmd/onward")
	cmd := exec.CommandContext(ctx, "go", args...)
	cmd.Dir, cmd.Env = dir, append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("build onward: %w\n%s", err, out)
	}
	return os.Rename(program+".new", program)
}

// MakeRepository makes a repository in a directory. The branch base has the base files, by name. The branch main, which is checked out,
// also has the release's files.
func MakeRepository(ctx context.Context, dir string, base, release map[string]string) {
	RunProgram(ctx, "", "git", "init", "-q", "-b", "base", dir)
	for _, c := range []struct {
		branch string
		files  map[string]string
	}{{"base", base}, {"main", release}} {
		WriteFiles(dir, c.files)
		RunProgram(ctx, dir, "git", "checkout", "-q", "-B", c.branch)
		RunProgram(ctx, dir, "git", "add", "-A")
		RunProgram(ctx, dir, "git", "-c", "user.name=bench", "-c", "user.email=bench@example.com", "-c", "commit.gpgsign=false", "commit", "-q", "-m", c.branch)
	}
}

// WriteFiles writes files by their names below a directory.
func WriteFiles(dir string, files map[string]string) {
	for name, text := range files {
		file := filepath.Join(dir, filepath.FromSlash(name))
		Check(os.MkdirAll(filepath.Dir(file), 0o755))
		Check(os.WriteFile(file, []byte(text), 0o644))
	}
}

// RunProgram runs a program to its end in a directory, and returns its output.
func RunProgram(ctx context.Context, dir, name string, args ...string) string {
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Dir = dir
	out, err := cmd.CombinedOutput()
	if err != nil {
		Check(fmt.Errorf("%s %v: %w\n%s", filepath.Base(name), args, err, out))
	}
	return string(out)
}

// Median returns the middle one of some figures.
func Median[T cmp.Ordered](list []T) T {
	list = slices.Sorted(slices.Values(list))
	return list[len(list)/2]
}
