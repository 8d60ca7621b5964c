package main

import (
	"os"
	"path/filepath"
	"testing"
)

// TestPage compares the page with the commits that it is written from.
func TestPage(t *testing.T) {
	root := filepath.Join("..", "..")
	list, err := readCommits(filepath.Join(root, commitsFile))
	if err != nil {
		t.Fatal(err)
	}
	page, err := os.ReadFile(filepath.Join(root, pageFile))
	if err != nil {
		t.Fatal(err)
	}
	if renderPage(list) != string(page) {
		t.Errorf("%s is not what the commits say: go run ./bench/ranges -page", pageFile)
	}
	seen := map[string]bool{}
	for _, c := range list {
		if seen[c.Hash] || c.Outcome == Proven != (c.Why == "" && c.Proven == c.Changes) {
			t.Errorf("%s %s is there twice, or its outcome %q does not fit %d of %d and %q", c.Repository, c.Hash, c.Outcome, c.Proven, c.Changes, c.Why)
		}
		seen[c.Hash] = true
	}
}

// TestNewCommit has the outcomes of a plan, and sentences without the repository's names.
func TestNewCommit(t *testing.T) {
	const hash = "0123456789abcdef"
	for name, c := range map[string]struct {
		plan planned
		want Commit
	}{
		"whole": {planned{proven: 1, parts: [2]int{3, 3}}, Commit{Outcome: Proven, Proven: 3, Changes: 3}},
		"schema only": {
			planned{proven: 1, parts: [2]int{1, 1}, rows: `column "x" has null values`},
			Commit{Outcome: Proven, Proven: 1, Changes: 1, Rows: "column … has null values"},
		},
		"left": {
			planned{parts: [2]int{1, 2}, why: []string{"0123: db/1_a.sql:3 copies rows of app.users once: it reads 'x'", "0123: other"}},
			Commit{Outcome: Left, Proven: 1, Changes: 2, Why: "… copies rows of … once: it reads …"},
		},
		"not run": {
			planned{parts: [2]int{0, 2}, notRun: true, why: []string{"0123: the release runs: no"}},
			Commit{Outcome: NotRun, Changes: 2, Why: "the release runs: no"},
		},
	} {
		c.want.Repository, c.want.Hash = "app", hash[:12]
		got := newCommit("app", hash, &c.plan)
		if got != c.want {
			t.Errorf("%s: %+v, not %+v", name, got, c.want)
		}
		path := filepath.Join(t.TempDir(), "commits.tsv")
		if err := appendCommit(path, got); err != nil {
			t.Fatal(err)
		}
		if list, err := readCommits(path); err != nil || len(list) != 1 || list[0] != got {
			t.Errorf("%s: read again: %+v, %v", name, list, err)
		}
	}
}
