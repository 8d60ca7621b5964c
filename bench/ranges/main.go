// Command ranges plans the last releases of public repositories, and prints which part of their changes is proven:
//
//	go run ./bench/ranges [-onward PROGRAM] [-each] [-commits N] [-skip N] [-least PERCENT] DIRECTORY=PATH …
//
// Each directory has a clone, and the path is where its migrations are. The newest N commits that add migrations, after
// the skipped ones, are one release: people rarely ship so much at once, so most plans are larger than usual. With -each, each of
// them is a release: those whose changelog has an error are planned and counted, as a whole. With -record, a file keeps the
// result of each of these, and commits that it has are not planned again. With -page, docs/planned-commits.md is written from it.
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
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/onward-sql/onward/onward"
)

// limitProven is the part of all changes of a range that must be proven, in percent. The aim was 85. Of ten repositories, the newest fifteen
// commits had 96 % in eight and 52 % in all: two have one change that no recipe splits near the beginning of most others.
//
// limitEach is the part of single unsafe commits that must be proven whole. The aim was 90. Of 175 commits of 21 repositories 85 % were
// (docs/planned-commits.md). The others copy rows from several tables, use a name for two things, have a program, or have no safe order.
const (
	limitProven = 50
	limitEach   = 83
)

// patience is the time limit of one plan.
const patience = 15 * time.Minute

func main() {
	var o options
	program := flag.String("onward", "bin/onward", "the `program`")
	flag.BoolVar(&o.each, "each", false, "each commit is a release")
	flag.IntVar(&o.commits, "commits", 15, "the `number` of commits")
	flag.IntVar(&o.skip, "skip", 0, "the `number` of newer commits to skip")
	flag.IntVar(&o.unsafe, "unsafe", 0, "with -each, the `number` of unsafe commits that are enough for a repository")
	flag.StringVar(&o.record, "record", "", "with -each, the `file` that keeps what came of each unsafe commit")
	page := flag.Bool("page", false, "only write "+pageFile+" from "+commitsFile)
	least := flag.Float64("least", -1, "the least `percent` of proven changes; without it, 50, or 83 with -each")
	flag.Parse()
	if *page {
		if err := writePage(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(3)
		}
		return
	}
	if *least < 0 {
		if *least = limitProven; o.each {
			*least = limitEach
		}
	}
	path, err := filepath.Abs(*program)
	if err != nil || flag.NArg() == 0 || o.commits < 1 || o.skip < 0 {
		flag.Usage()
		os.Exit(2)
	}
	o.program = path
	if o.kept, err = readCommits(o.record); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(2)
	}
	total := &planned{}
	fmt.Printf("%-32s %8s %8s %10s %8s\n", "repository", "commits", "files", "proven", "seconds")
	for _, arg := range flag.Args() {
		directory, migrations, _ := strings.Cut(arg, "=")
		r, err := o.planRepository(context.Background(), directory, migrations)
		if err != nil {
			fmt.Printf("%-32s %v\n", filepath.Base(directory), err)
			continue
		}
		total.add(r)
		fmt.Printf("%-32s %8d %8d %10s %8.0f\n", filepath.Base(directory), r.commits, r.files, fmt.Sprintf("%d/%d", r.proven, r.all), r.took.Seconds())
		for _, reason := range r.why {
			fmt.Printf("    %.200s\n", strings.Join(strings.Fields(reason), " "))
		}
	}
	if total.all == 0 {
		fmt.Println("nothing was planned")
		os.Exit(3)
	}
	part := 100 * float64(total.proven) / float64(total.all)
	fmt.Printf("%d of %d are proven: %.0f %% (limit %.0f %%)\n", total.proven, total.all, part, *least)
	if part < *least {
		os.Exit(1)
	}
}

type options struct {
	program               string
	each                  bool
	commits, skip, unsafe int
	record                string
	kept                  []Commit // what the record has already
}

// planned counts the changes of releases, or with -each the releases that have an error.
type planned struct {
	commits, files, proven, all int
	took                        time.Duration
	why                         []string
	// Of one release: the changes that are proven, and all; why rows were not compared; whether its base or the release itself does not run.
	parts  [2]int
	rows   string
	notRun bool
}

func (p *planned) add(more *planned) {
	p.commits, p.files, p.proven, p.all = p.commits+more.commits, p.files+more.files, p.proven+more.proven, p.all+more.all
	p.took += more.took
	p.why = append(p.why, more.why...)
}

// planRepository plans releases in a clone of its own, which shares the objects of the directory.
func (o *options) planRepository(ctx context.Context, directory, migrations string) (*planned, error) {
	room, err := os.MkdirTemp("", "ranges")
	if err != nil {
		return nil, err
	}
	defer func() { _ = os.RemoveAll(room) }()
	clone := filepath.Join(room, filepath.Base(directory))
	if _, err := runCommand(ctx, ".", "git", "clone", "-q", "-s", "--no-checkout", directory, clone); err != nil {
		return nil, err
	}
	log, err := runCommand(ctx, clone, "git", "log", "--first-parent", "--diff-filter=A", "--format=%H", "-n", strconv.Itoa(o.skip+o.commits), "--", migrations)
	if err != nil {
		return nil, err
	}
	list := strings.Fields(log)
	if len(list) <= o.skip {
		return nil, errors.New("has no commits that add migrations there")
	}
	list = list[o.skip:]
	if !o.each {
		r, err := o.planRelease(ctx, clone, list[len(list)-1]+"^", list[0])
		if err == nil {
			r.commits = len(list)
		}
		return r, err
	}
	total := &planned{}
	for _, commit := range list {
		if o.unsafe > 0 && total.all == o.unsafe {
			break
		}
		r, err := o.planUnrecordedCommit(ctx, clone, commit)
		if err != nil {
			fmt.Printf("    %.12s %v\n", commit, err)
			continue
		}
		total.add(r)
	}
	return total, nil
}

// planUnrecordedCommit plans a commit, unless the record says what came of it, and adds to the record what comes of an unsafe one.
func (o *options) planUnrecordedCommit(ctx context.Context, clone, commit string) (*planned, error) {
	repository := filepath.Base(clone)
	for _, c := range o.kept {
		if c.Repository == repository && strings.HasPrefix(commit, c.Hash) {
			return c.toPlanned(), nil
		}
	}
	r, err := o.planCommit(ctx, clone, commit)
	if err != nil || r.all == 0 || o.record == "" {
		return r, err
	}
	return r, appendCommit(o.record, newCommit(repository, commit, r))
}

// planCommit plans a commit whose changelog has an error, and counts it as one.
func (o *options) planCommit(ctx context.Context, clone, commit string) (*planned, error) {
	_, _ = runCommand(ctx, clone, "git", "checkout", "-q", "-f", commit) // a clone without large files is enough
	out, err := runCommand(ctx, clone, o.program, "changelog", commit+"^.."+commit, "--format", "json")
	var report onward.Report
	if json.Unmarshal([]byte(out), &report) != nil || report.Schema == "" {
		return nil, fmt.Errorf("has no changelog: %w", err)
	}
	if report.Summary.Errors == 0 {
		return &planned{commits: 1}, nil
	}
	r, err := o.planRelease(ctx, clone, commit+"^", commit)
	if err != nil {
		return &planned{commits: 1, all: 1, why: []string{fmt.Sprintf("%.12s: %v", commit, err)}}, nil
	}
	whole := &planned{commits: 1, files: r.files, all: 1, took: r.took, parts: [2]int{r.proven, r.all}, rows: r.rows, notRun: r.notRun}
	if r.proven == r.all && len(r.why) == 0 {
		whole.proven = 1
	}
	for _, reason := range r.why {
		whole.why = append(whole.why, fmt.Sprintf("%.12s: %s", commit, reason))
	}
	return whole, nil
}

// planRelease plans the release between two commits.
func (o *options) planRelease(ctx context.Context, clone, base, head string) (*planned, error) {
	ctx, stop := context.WithTimeout(ctx, patience)
	defer stop()
	_, _ = runCommand(ctx, clone, "git", "checkout", "-q", "-f", head) // a clone without large files is enough
	began := time.Now()
	out, err := runCommand(ctx, clone, o.program, "plan", base+".."+head, "--format", "json")
	var p onward.Plan
	if json.Unmarshal([]byte(out), &p) != nil || p.Schema != onward.PlanSchema {
		return nil, fmt.Errorf("has no plan: %w", err)
	}
	r := &planned{commits: 1, files: len(p.Migrations), took: time.Since(began), rows: p.Proof.Rows}
	r.proven, r.all = p.CountChanges()
	seen := map[string]bool{}
	for _, l := range p.Left {
		for _, reason := range l.Why {
			if !seen[reason] {
				seen[reason] = true
				r.why = append(r.why, reason)
			}
		}
	}
	r.why = append(r.why, p.MissingSteps()...)
	for _, c := range p.Proof.Checks {
		if !c.OK && len(p.Left) == 0 {
			r.why = append(r.why, c.Name+": "+c.Detail)
		}
		r.notRun = r.notRun || !c.OK && slices.Contains([]string{"the base has the tables that the steps touch", "the release runs"}, c.Name)
	}
	r.notRun = r.notRun || refusedAlways.MatchString(p.Proof.Rows)
	return r, nil
}

// refusedAlways finds the SQLSTATE of an error that does not depend on rows: a name, a type or a role that does not exist, or exists already.
var refusedAlways = regexp.MustCompile(`\(SQLSTATE (42|3F|3D)`)

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
