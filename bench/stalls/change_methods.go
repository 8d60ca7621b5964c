package stalls

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/onward-sql/onward/bench/measure"
	"github.com/onward-sql/onward/internal/pgserver"
)

const (
	gooseVersion = "v3.29.0"
	// limitOf limits the time of a program that migrates.
	limitOf = time.Hour
)

// changeMethod is a tool that makes a change: psql, goose, pgroll or onward.
type changeMethod struct {
	name string
	// prepare makes a database ready before anything is measured; nil if nothing is needed.
	prepare func(ctx context.Context, c *change, url string) error
	// run makes the change, and deploys the new code when that is due.
	run func(ctx context.Context, c *change, url string, l *load) error
}

// tools are the programs.
type tools struct {
	*measure.Bench
	dir                         string // for files that are made
	onward, psql, goose, pgroll string
}

// findTools finds the programs. It installs goose once with go install, and uses pgroll if that is installed.
func findTools(b *measure.Bench, dir string) *tools {
	t := &tools{Bench: b, dir: dir, onward: b.Program(), psql: measure.Must(pgserver.Program("psql", 13))}
	bin := filepath.Join(measure.Must(os.UserCacheDir()), "onward-bench", "goose-"+gooseVersion)
	t.goose = filepath.Join(bin, "goose")
	if _, err := os.Stat(t.goose); err != nil {
		b.Run(measure.Command{Env: []string{"GOBIN=" + bin}}, "go", "install",
			"-tags", "no_clickhouse no_libsql no_mssql no_mysql no_sqlite3 no_vertica no_ydb no_duckdb", "github.com/pressly/goose/v3/cmd/goose@"+gooseVersion)
	}
	found, missing := exec.LookPath(b.Pgroll)
	if missing == nil {
		t.pgroll = measure.Must(filepath.Abs(found))
	} else {
		fmt.Println("pgroll is left out:", missing)
	}
	return t
}

// availableMethods returns the methods whose programs were found. The first one makes no change, and onward is the last.
func (t *tools) availableMethods() []changeMethod {
	list := []changeMethod{
		{name: "no migration", run: func(ctx context.Context, _ *change, _ string, _ *load) error { return sleepContext(ctx, quiet) }},
		{name: "psql", run: t.runPsql},
		{name: "goose", run: t.runGoose},
	}
	if t.pgroll != "" {
		list = append(list, changeMethod{name: "pgroll", prepare: t.preparePgroll, run: t.runPgroll})
	}
	return append(list, changeMethod{name: "onward", prepare: t.makePlan, run: t.applyPlan})
}

// runProgram runs one to its end.
func runProgram(ctx context.Context, dir string, env []string, name string, args ...string) (out []byte, err error) {
	ctx, cancel := context.WithTimeout(ctx, limitOf)
	defer cancel()
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Dir, cmd.Env = dir, append(os.Environ(), env...)
	out, err = cmd.CombinedOutput()
	if err != nil {
		err = &stoppedError{fmt.Errorf("%s %s: %w", filepath.Base(name), args[0], err), out}
	}
	return out, err
}

// stoppedError says that a program did not do its work.
type stoppedError struct {
	err error
	out []byte
}

func (e *stoppedError) Error() string { return e.err.Error() + "\n" + string(lastBytes(e.out)) }
func (e *stoppedError) Unwrap() error { return e.err }

// lastLine is the last line that it said.
func (e *stoppedError) lastLine() string {
	lines := strings.Split(strings.TrimSpace(string(e.out)), "\n")
	return lines[len(lines)-1]
}

func lastBytes(out []byte) []byte { return out[max(0, len(out)-4000):] }

// runPsql sends the statements unchanged.
func (t *tools) runPsql(ctx context.Context, c *change, url string, l *load) error {
	_, err := runProgram(ctx, "", nil, t.psql, "-Xq", "-v", "ON_ERROR_STOP=1", "-c", strings.ReplaceAll(c.sql, "\n", " "), url)
	l.deployCode(code{c.namesAfter(), "public"})
	return err
}

func (t *tools) runGoose(ctx context.Context, c *change, url string, l *load) error {
	dir, err := os.MkdirTemp(t.dir, "goose")
	if err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(dir, "00002_step.sql"), []byte("-- +goose Up\n"+c.sql+"\n"), 0o644); err != nil {
		return err
	}
	_, err = runProgram(ctx, dir, nil, t.goose, "-dir", dir, "postgres", url, "up")
	l.deployCode(code{c.namesAfter(), "public"})
	return err
}

// errWithout says that pgroll has no operation for a change.
var errWithout = errors.New("it cannot express the change")

const version = "02_step"

func (t *tools) pgrollEnv(url string) []string { return []string{"PGROLL_PG_URL=" + url} }

func (t *tools) preparePgroll(ctx context.Context, c *change, url string) error {
	if c.pgroll == "" {
		return errWithout
	}
	_, err := runProgram(ctx, t.dir, t.pgrollEnv(url), t.pgroll, "init")
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp(t.dir, "pgroll")
	if err != nil {
		return err
	}
	_, err = runProgram(ctx, t.dir, t.pgrollEnv(url), t.pgroll, "baseline", "--yes", "01_base", dir)
	return err
}

// writeOperations writes the file that pgroll reads.
func (t *tools) writeOperations(c *change) (file string) {
	file = filepath.Join(t.dir, version+".json")
	measure.WriteFile(file, `{"operations": [`+c.pgroll+`]}`)
	return file
}

// runPgroll starts the migration, deploys the code that uses the new version's views, and completes.
func (t *tools) runPgroll(ctx context.Context, c *change, url string, l *load) error {
	if _, err := runProgram(ctx, t.dir, t.pgrollEnv(url), t.pgroll, "start", t.writeOperations(c)); err != nil {
		return err
	}
	l.deployCode(code{c.namesAfter(), "public_" + version})
	if err := sleepContext(ctx, handOver); err != nil {
		return err
	}
	_, err := runProgram(ctx, t.dir, t.pgrollEnv(url), t.pgroll, "complete")
	return err
}

// quiet is how long the load runs without a migration: as long as with a quick one.
const quiet = 7 * time.Second

// handOver is the time that the deploy of the new code takes.
const handOver = 500 * time.Millisecond

func (t *tools) planFile(c *change) string {
	return filepath.Join(t.dir, strings.ReplaceAll(c.name, " ", "-")+".plan.json")
}

// makePlan plans a change, once.
func (t *tools) makePlan(ctx context.Context, c *change, _ string) error {
	if _, err := os.Stat(t.planFile(c)); err == nil {
		return nil
	}
	dir := t.Repository(map[string]string{"migrations/00001_step.sql": "-- +goose Up\n" + base, "go.mod": "module shop\n", "store.go": deployed.loadProgram()},
		map[string]string{"migrations/00002_step.sql": "-- +goose Up\n" + c.sql + "\n", "store.go": c.namesAfter().loadProgram()})
	file := t.planFile(c)
	out, err := runProgram(ctx, dir, nil, t.onward, "plan", "--base", "base", "--head", "main", "--format", "json", "--output", file+".new")
	var exit *exec.ExitError
	if errors.As(err, &exit) && exit.ExitCode() == 1 { // a sketch: it reports what is not proven
		if err := explainUnproven(c, file+".new", out); err != nil {
			return err
		}
	} else if err != nil {
		return err
	}
	return os.Rename(file+".new", file)
}

// explainUnproven tells why a plan is not proven.
func explainUnproven(c *change, file string, out []byte) error {
	text, err := os.ReadFile(file)
	if err != nil {
		return fmt.Errorf("%w\n%s", err, lastBytes(out))
	}
	var p struct {
		Proof struct {
			Missing []string
			Checks  []struct {
				Name, Detail string
				OK           bool
			}
		}
	}
	if err := json.Unmarshal(text, &p); err != nil {
		return err
	}
	fmt.Printf("the plan for %s is not proven: %s", c.name, strings.Join(p.Proof.Missing, "; "))
	for _, check := range p.Proof.Checks {
		if !check.OK {
			fmt.Printf("; %s: %s", check.Name, check.Detail)
		}
	}
	fmt.Println()
	return nil
}

// applyPlan carries the plan out, deploys the new code when it fits, and then contracts.
func (t *tools) applyPlan(ctx context.Context, c *change, url string, l *load) error {
	out, err := runProgram(ctx, t.dir, nil, t.onward, "apply", "--db", url, "--plan", t.planFile(c))
	t.keepOutput(c, "apply", out)
	if err != nil {
		return err
	}
	l.deployCode(code{c.namesAfter(), "public"})
	if err := sleepContext(ctx, handOver); err != nil {
		return err
	}
	out, err = runProgram(ctx, t.dir, nil, t.onward, "apply", "--db", url, "--plan", t.planFile(c), "--through", "contract", "--old-code-is-gone",
		"the load of the benchmark is the new code")
	t.keepOutput(c, "contract", out)
	return err
}

// keepOutput keeps the output of onward, for people who look into a figure.
func (t *tools) keepOutput(c *change, suffix string, out []byte) {
	_ = os.WriteFile(strings.TrimSuffix(t.planFile(c), ".plan.json")+"."+suffix+".txt", out, 0o644) // it is for looking at only
}

func sleepContext(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(d):
		return nil
	}
}
