package main

import (
	"fmt"
	"os"
	"regexp"
	"strconv"
	"strings"
)

// commitsFile keeps the unsafe commits that were planned, a line each.
const commitsFile = "bench/ranges/commits.tsv"

// Outcome is the result of a plan.
type Outcome string

// The outcomes.
const (
	Proven Outcome = "proven"
	Left   Outcome = "left"    // not proven: a part of the release has no proven step
	NotRun Outcome = "not run" // the base, or the release as it was written, does not run on an empty server: nothing can be compared
)

// Commit is the result of the plan for one unsafe commit.
type Commit struct {
	Repository, Hash string
	Outcome          Outcome
	// Proven of Changes are planned and proven.
	Proven, Changes int
	// Rows is the reason why only schemas were compared, and Why the reason why the plan is not whole. Names of the repository are left out.
	Rows, Why string
}

// quoted is a name or a text of a repository in a sentence.
var quoted = regexp.MustCompile("`[^`]*`|\"[^\"]*\"|'[^']*'|[A-Za-z0-9_/-]*[A-Za-z0-9_]+[._/][A-Za-z0-9_./:-]+")

// newCommit returns a commit that was planned alone.
func newCommit(repository, commit string, r *planned) Commit {
	c := Commit{Repository: repository, Hash: commit[:12], Outcome: Left, Proven: r.parts[0], Changes: r.parts[1], Rows: shortenReason(r.rows)}
	switch {
	case r.proven == 1:
		c.Outcome = Proven
	case r.notRun:
		c.Outcome = NotRun
	}
	if c.Outcome != Proven && len(r.why) > 0 {
		_, reason, _ := strings.Cut(r.why[0], ": ")
		c.Why = shortenReason(reason)
	}
	return c
}

func shortenReason(reason string) string {
	text := quoted.ReplaceAllString(strings.Join(strings.Fields(reason), " "), "…")
	if list := []rune(text); len(list) > 160 {
		text = string(list[:159]) + "…"
	}
	return text
}

// toPlanned returns the commit as -each counts it.
func (c Commit) toPlanned() *planned {
	p := &planned{commits: 1, all: 1}
	if c.Outcome == Proven {
		p.proven = 1
	} else {
		p.why = []string{c.Hash + ": " + c.Why}
	}
	return p
}

func (c Commit) formatRecord() string {
	return strings.Join([]string{c.Repository, c.Hash, string(c.Outcome), strconv.Itoa(c.Proven), strconv.Itoa(c.Changes), c.Rows, c.Why}, "\t")
}

// readCommits reads a record. A file that does not exist has none.
func readCommits(path string) (out []Commit, err error) {
	text, err := os.ReadFile(path)
	if path == "" || os.IsNotExist(err) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	for i, line := range strings.Split(strings.TrimSuffix(string(text), "\n"), "\n") {
		f := strings.Split(line, "\t")
		if len(f) != 7 {
			return nil, fmt.Errorf("%s:%d: has %d columns, not 7", path, i+1, len(f))
		}
		c := Commit{Repository: f[0], Hash: f[1], Outcome: Outcome(f[2]), Rows: f[5], Why: f[6]}
		if c.Proven, err = strconv.Atoi(f[3]); err == nil {
			c.Changes, err = strconv.Atoi(f[4])
		}
		if err != nil {
			return nil, fmt.Errorf("%s:%d: %w", path, i+1, err)
		}
		out = append(out, c)
	}
	return out, nil
}

func appendCommit(path string, c Commit) error {
	f, err := os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintln(f, c.formatRecord())
	if closed := f.Close(); err == nil {
		err = closed
	}
	return err
}
