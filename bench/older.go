//go:build unix

package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/onward-sql/onward/bench/measure"
)

// mostRatio limits the CPU time of each row, beside the anchor's.
const mostRatio = 1.05

// anchor is the file of that name: the commit beside whose program the rows are measured, and the rows that are measured beside another
// one's, or have another limit.
type anchor struct {
	commit     string
	exceptions map[string]exception
}

// exception is a line of a row: a commit or a limit, and the reason.
type exception struct {
	commit, reason string
	most           float64
}

var commitID = regexp.MustCompile(`^[0-9a-f]{40}$`)

// parseAnchor reads the file: the commit, and then lines of a row, a commit or a limit, and the reason. A line that begins with # is a comment.
func parseAnchor(text string) (*anchor, error) {
	a := &anchor{exceptions: map[string]exception{}}
	for line := range strings.Lines(text) {
		fields := strings.Fields(line)
		switch {
		case len(fields) == 0 || fields[0][0] == '#':
			continue
		case a.commit == "" && len(fields) == 1 && commitID.MatchString(fields[0]):
			a.commit = fields[0]
			continue
		case a.commit == "" || len(fields) < 3:
			return nil, fmt.Errorf("bench/anchor: %q is neither the commit nor a row, a commit or limit, and the reason", strings.TrimSpace(line))
		}
		e, hasRow := a.exceptions[fields[0]]
		if !slices.ContainsFunc(rows, func(r row) bool { return r.name == fields[0] }) {
			return nil, fmt.Errorf("bench/anchor: there is no row %s", fields[0])
		}
		most, err := strconv.ParseFloat(fields[1], 64)
		switch {
		case commitID.MatchString(fields[1]) && e.commit == "":
			e.commit = fields[1]
		case err == nil && most > mostRatio && e.most == 0:
			e.most = most
		default:
			return nil, fmt.Errorf("bench/anchor: %s of %s is neither a commit nor a limit above %v, or is there twice", fields[1], fields[0], mostRatio)
		}
		if hasRow {
			e.reason += "; "
		}
		e.reason += strings.Join(fields[2:], " ")
		a.exceptions[fields[0]] = e
	}
	if a.commit == "" {
		return nil, errors.New("bench/anchor names no commit")
	}
	return a, nil
}

// find returns the commit and the limit of a row.
func (a *anchor) find(name string) (commit string, most float64) {
	commit, most = a.commit, mostRatio
	e := a.exceptions[name]
	if e.commit != "" {
		commit = e.commit
	}
	return commit, max(most, e.most)
}

// unused is after which time a program goes that no benchmark has used.
const unused = 14 * 24 * time.Hour

// buildCommit returns the program of a commit. It is built once, and kept in the user's cache.
func buildCommit(ctx context.Context, commit string) string {
	cache := os.Getenv("ONWARD_TEST_CACHE")
	if cache == "" {
		cache = filepath.Join(measure.Must(os.UserCacheDir()), "onward-test")
	}
	cache = filepath.Join(cache, "bench")
	program := filepath.Join(cache, "onward-"+commit+"-"+runtime.Version())
	now := time.Now()
	if os.Chtimes(program, now, now) == nil {
		return program
	}
	if exec.CommandContext(ctx, "git", "cat-file", "-e", commit+"^{commit}").Run() != nil {
		measure.Check(fmt.Errorf("the history has no commit %s: a shallow clone needs git fetch --unshallow", commit))
	}
	fmt.Fprintf(os.Stderr, "building onward of %s\n", commit)
	measure.Check(os.MkdirAll(cache, 0o755))
	for _, e := range measure.Must(os.ReadDir(cache)) {
		if info, err := e.Info(); err == nil && now.Sub(info.ModTime()) > unused {
			measure.Check(os.Remove(filepath.Join(cache, e.Name())))
		}
	}
	dir := measure.Must(os.MkdirTemp("", "onward-bench-"))
	defer os.RemoveAll(dir)
	measure.RunProgram(ctx, "", "sh", "-c", `git archive "$0" | tar x -C "$1"`, commit, dir)
	measure.Check(measure.BuildOnward(ctx, dir, program))
	return program
}

// findBase returns the commit of the last landing.
func findBase(ctx context.Context, commit string) string {
	if commit == "" {
		commit = strings.TrimSpace(measure.RunProgram(ctx, "", "git", "log", "-1", "--format=%H", `-G"Landing"`, "--", "size.json"))
	}
	return strings.TrimSpace(measure.RunProgram(ctx, "", "git", "rev-parse", "--verify", commit+"^{commit}"))
}
