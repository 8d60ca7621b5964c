package main

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

	"github.com/onward-sql/onward/bench/release"
	"github.com/onward-sql/onward/internal/pgserver"
)

const (
	gooseVersion = "v3.29.0"
	// limitOf bounds a program that migrates.
	limitOf = time.Hour
)

// way is one way to make a change.
type way struct {
	name string
	// prepare gets a database ready before anything is measured; nil where nothing is to be done.
	prepare func(ctx context.Context, c *change, url string) error
	// run makes the change, and deploys the new code when that is due.
	run func(ctx context.Context, c *change, url string, l *load) error
}

// tools are the programs.
type tools struct {
	dir                         string // for files that are made
	onward, psql, goose, pgroll string
}

// find looks for the programs. goose is built once, by the Go that runs this; pgroll is used where it is there.
func find(ctx context.Context, dir, pgroll string) (*tools, error) {
	t := &tools{dir: dir}
	var err error
	if t.onward, err = filepath.Abs("bin/onward"); err != nil {
		return nil, err
	}
	if t.psql, err = pgserver.Program("psql", 13); err != nil {
		return nil, err
	}
	user, err := os.UserCacheDir()
	if err != nil {
		return nil, err
	}
	bin := filepath.Join(user, "onward-bench", "goose-"+gooseVersion)
	t.goose = filepath.Join(bin, "goose")
	if _, err := os.Stat(t.goose); err != nil {
		build := exec.CommandContext(ctx, "go", "install", "-tags", "no_clickhouse no_libsql no_mssql no_mysql no_sqlite3 no_vertica no_ydb no_duckdb", "github.com/pressly/goose/v3/cmd/goose@"+gooseVersion)
		build.Env = append(os.Environ(), "GOBIN="+bin)
		if out, err := build.CombinedOutput(); err != nil {
			return nil, fmt.Errorf("build goose: %w\n%s", err, out)
		}
	}
	found, missing := exec.LookPath(pgroll)
	if missing == nil {
		t.pgroll, err = filepath.Abs(found)
	} else {
		fmt.Println("pgroll is left out:", missing)
	}
	return t, err
}

// ways are those that there are programs for, without any first and onward last.
func (t *tools) ways() []way {
	list := []way{
		{name: "no migration", run: func(ctx context.Context, _ *change, _ string, _ *load) error { return sleep(ctx, quiet) }},
		{name: "psql", run: t.asWritten},
		{name: "goose", run: t.byGoose},
	}
	if t.pgroll != "" {
		list = append(list, way{name: "pgroll", prepare: t.rollable, run: t.roll})
	}
	return append(list, way{name: "onward", prepare: t.plan, run: t.apply})
}

// program runs one to its end.
func program(ctx context.Context, dir string, env []string, name string, args ...string) (out []byte, err error) {
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

func (e *stoppedError) Error() string { return e.err.Error() + "\n" + string(tail(e.out)) }
func (e *stoppedError) Unwrap() error { return e.err }

// last is the last line that it said.
func (e *stoppedError) last() string {
	lines := strings.Split(strings.TrimSpace(string(e.out)), "\n")
	return lines[len(lines)-1]
}

func tail(out []byte) []byte { return out[max(0, len(out)-4000):] }

// asWritten sends the statements as they stand.
func (t *tools) asWritten(ctx context.Context, c *change, url string, l *load) error {
	_, err := program(ctx, "", nil, t.psql, "-Xq", "-v", "ON_ERROR_STOP=1", "-c", strings.ReplaceAll(c.sql, "\n", " "), url)
	l.deploy(code{c.names(), "public"})
	return err
}

func (t *tools) byGoose(ctx context.Context, c *change, url string, l *load) error {
	dir, err := os.MkdirTemp(t.dir, "goose")
	if err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(dir, "00002_step.sql"), []byte("-- +goose Up\n"+c.sql+"\n"), 0o644); err != nil {
		return err
	}
	_, err = program(ctx, dir, nil, t.goose, "-dir", dir, "postgres", url, "up")
	l.deploy(code{c.names(), "public"})
	return err
}

// errWithout says that a tool has no words for a change.
var errWithout = errors.New("it cannot express the change")

const version = "02_step"

func (t *tools) pgrollEnv(url string) []string { return []string{"PGROLL_PG_URL=" + url} }

func (t *tools) rollable(ctx context.Context, c *change, url string) error {
	if c.pgroll == "" {
		return errWithout
	}
	_, err := program(ctx, t.dir, t.pgrollEnv(url), t.pgroll, "init")
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp(t.dir, "pgroll")
	if err != nil {
		return err
	}
	_, err = program(ctx, t.dir, t.pgrollEnv(url), t.pgroll, "baseline", "--yes", "01_base", dir)
	return err
}

// operations writes the file that pgroll reads.
func (t *tools) operations(c *change) (file string, err error) {
	file = filepath.Join(t.dir, version+".json")
	return file, os.WriteFile(file, []byte(`{"operations": [`+c.pgroll+`]}`), 0o644)
}

// roll starts the migration, deploys the code that uses the new version's views, and completes.
func (t *tools) roll(ctx context.Context, c *change, url string, l *load) error {
	file, err := t.operations(c)
	if err != nil {
		return err
	}
	_, err = program(ctx, t.dir, t.pgrollEnv(url), t.pgroll, "start", file)
	if err != nil {
		return err
	}
	l.deploy(code{c.names(), "public_" + version})
	if err := sleep(ctx, handOver); err != nil {
		return err
	}
	_, err = program(ctx, t.dir, t.pgrollEnv(url), t.pgroll, "complete")
	return err
}

// quiet is for how long a load runs without a migration: as a quick one.
const quiet = 7 * time.Second

// handOver is for how long code is being deployed.
const handOver = 500 * time.Millisecond

func (t *tools) planFile(c *change) string {
	return filepath.Join(t.dir, strings.ReplaceAll(c.name, " ", "-")+".plan.json")
}

// plan plans a change, once.
func (t *tools) plan(ctx context.Context, c *change, _ string) error {
	if _, err := os.Stat(t.planFile(c)); err == nil {
		return nil
	}
	dir, err := os.MkdirTemp(t.dir, "release")
	if err != nil {
		return err
	}
	if err := release.Repository(dir, map[string]string{"migrations/00001_step.sql": "-- +goose Up\n" + base, "go.mod": "module shop\n", "store.go": deployed.code()},
		map[string]string{"migrations/00002_step.sql": "-- +goose Up\n" + c.sql + "\n", "store.go": c.names().code()}); err != nil {
		return err
	}
	file := t.planFile(c)
	out, err := program(ctx, dir, nil, t.onward, "plan", "--base", "base", "--head", "main", "--format", "json", "--output", file+".new")
	var exit *exec.ExitError
	if errors.As(err, &exit) && exit.ExitCode() == 1 { // a sketch: what is not proven is told
		if err := missing(c, file+".new", out); err != nil {
			return err
		}
	} else if err != nil {
		return err
	}
	return os.Rename(file+".new", file)
}

// missing tells why a plan is not proven.
func missing(c *change, file string, out []byte) error {
	text, err := os.ReadFile(file)
	if err != nil {
		return fmt.Errorf("%w\n%s", err, tail(out))
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

// apply carries the plan out, deploys the new code when it fits, and then contracts.
func (t *tools) apply(ctx context.Context, c *change, url string, l *load) error {
	out, err := program(ctx, t.dir, nil, t.onward, "apply", "--db", url, "--plan", t.planFile(c))
	t.keep(c, "apply", out)
	if err != nil {
		return err
	}
	l.deploy(code{c.names(), "public"})
	if err := sleep(ctx, handOver); err != nil {
		return err
	}
	out, err = program(ctx, t.dir, nil, t.onward, "apply", "--db", url, "--plan", t.planFile(c), "--through", "contract", "--old-code-is-gone", "the load of the benchmark is the new code")
	t.keep(c, "contract", out)
	return err
}

// keep keeps what onward said, for who looks into a figure.
func (t *tools) keep(c *change, what string, out []byte) {
	_ = os.WriteFile(strings.TrimSuffix(t.planFile(c), ".plan.json")+"."+what+".txt", out, 0o644) // it is for looking at only
}

func sleep(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(d):
		return nil
	}
}
