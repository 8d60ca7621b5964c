package main

import (
	"fmt"
	"os"
	"slices"
	"strings"
)

const pageFile = "docs/planned-commits.md"

const pageHead = `# How many releases get a proven plan?

<!-- written by go run ./bench/ranges -page -->

Single commits of public repositories that add migrations, the newest first. Those in which ` + "`onward changelog`" + ` finds an error are
*unsafe*. Each of these was planned alone, on a throwaway server of the newest Postgres, by

    make ranges REPOS="-each -unsafe 10 -commits 400 -record bench/ranges/commits.tsv DIRECTORY=PATH …"

- *Proven*: all changes of the commit have steps, and [the proof](plan.md#the-proof) of all steps holds. If the proof compared
  only schemas, because the migrations fail on made-up rows, the commit counts, and is in a column of its own.
- *Left*: a change has no step, or its steps are not proven. What runs in one transaction as written counts as left.
- *Not run*: the base's own history, or the release as written, does not run on an empty server. Nothing can be compared, so these are in no percentage.

[commits.tsv](../bench/ranges/commits.tsv) has the commits, and what keeps each from being proven.

`

func writePage() error {
	list, err := readCommits(commitsFile)
	if err != nil {
		return err
	}
	return os.WriteFile(pageFile, []byte(renderPage(list)), 0o644)
}

// tally counts commits.
type tally struct {
	unsafe, proven, schemaOnly, left, notRun int
	parts, all                               int // changes of the commits that are left: with a proven plan, and all
}

func (t *tally) addCommit(c Commit) {
	t.unsafe++
	switch c.Outcome {
	case Proven:
		t.proven++
		if c.Rows != "" {
			t.schemaOnly++
		}
	case Left:
		t.left++
		t.parts, t.all = t.parts+c.Proven, t.all+c.Changes
	case NotRun:
		t.notRun++
	}
}

func (t *tally) formatRow(name string) string {
	return fmt.Sprintf("| %s | %d | %d | %d | %d | %d of %d | %d |\n", name, t.unsafe, t.proven, t.schemaOnly, t.left, t.parts, t.all, t.notRun)
}

// renderPage writes docs/planned-commits.md from what was measured.
func renderPage(list []Commit) string {
	var b strings.Builder
	b.WriteString(pageHead)
	total, tallies, names := &tally{}, map[string]*tally{}, []string(nil)
	for _, c := range list {
		if tallies[c.Repository] == nil {
			tallies[c.Repository], names = &tally{}, append(names, c.Repository)
		}
		tallies[c.Repository].addCommit(c)
		total.addCommit(c)
	}
	slices.Sort(names)
	b.WriteString("| repository | unsafe commits | proven | … by schema only | left | changes proven in these | not run |\n" +
		"| --- | ---: | ---: | ---: | ---: | ---: | ---: |\n")
	for _, name := range names {
		b.WriteString(tallies[name].formatRow(name))
	}
	b.WriteString(total.formatRow("together"))
	if judged := total.proven + total.left; judged > 0 {
		fmt.Fprintf(&b, "\nOf the %d that run, %d are proven as a whole: %.0f %%.\n", judged, total.proven, 100*float64(total.proven)/float64(judged))
	}
	b.WriteString("\n## What keeps the others\n\n| repository | commit | changes proven | why |\n| --- | --- | ---: | --- |\n")
	for _, c := range list {
		if c.Outcome == Left {
			fmt.Fprintf(&b, "| %s | %s | %d of %d | %s |\n", c.Repository, c.Hash, c.Proven, c.Changes, strings.ReplaceAll(c.Why, "|", "\\|"))
		}
	}
	return b.String()
}
