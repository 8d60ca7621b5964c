package terminal

import (
	"fmt"
	"strings"

	"github.com/onward-sql/onward/internal/prose"
	"github.com/onward-sql/onward/internal/report/escape"
	"github.com/onward-sql/onward/internal/report/view"
	"github.com/onward-sql/onward/onward"
)

// shownPlaces is how many places are printed of one finding.
const shownPlaces = 8

// printRepeated prints a line for each finding that is printed in full elsewhere: findings of
// earlier migrations, or, if isLocal is set, of this one.
func (t *reportWriter) printRepeated(m *onward.Migration, isLocal bool) {
	for _, r := range t.index.Repeated[m.Path] {
		if r.Migration != m.ID || isLocal != (r.Finding.Path == m.Path && r.Finding.Migration == m.ID) {
			continue
		}
		t.addLine("  ", t.paintLine(t.Severity(r.Finding.Severity), r.Finding.Severity.String()), "  ",
			escape.Line(r.Finding.Rule), t.paintLine(t.Dim, " "+prose.FirstAndRest(formatLines(r.Lines), shownPlaces)+", as above"))
	}
}

// printSimilar prints the places of findings that are similar to the one just printed: each in a line, with who breaks.
// They share its fix.
func (t *reportWriter) printSimilar(f *onward.Finding) {
	g := t.index.Similar[f]
	if g == nil || t.verbose {
		return
	}
	list, more := prose.TakeFirst(g.OtherFindings(), view.MaxSimilar)
	head := "    and at:  "
	for _, other := range list {
		place := t.displayPath(view.FormatPlace(other.Path, other.Line, other.Column))
		t.addWrapped(head, "               ", place+"  "+escape.Line(other.Fact), t.ordinaryStyle())
		head = "             "
		if len(other.Evidence) > 0 && other.Category == onward.Compatibility {
			e := other.Evidence[0]
			e.Path = relativePath(t.dir, e.Path)
			t.addWrapped("               because: ", "                        ", view.FormatEvidence(&e), t.Dim)
		}
	}
	if more > 0 {
		t.addLine(head, t.paintLine(t.Dim, fmt.Sprintf("%d more places", more)))
	}
	t.addLine("             ", t.paintLine(t.Dim, "-v prints the fix of each"))
}

// printRounds prints the facts of a finding in the other rounds of its loop.
func (t *reportWriter) printRounds(f *onward.Finding) {
	facts, more := prose.TakeFirst(view.ListRoundFacts(f), view.MaxSimilar)
	head := "    rounds:  "
	for _, fact := range facts {
		t.addWrapped(head, "               ", fact, t.ordinaryStyle())
		head = "             "
	}
	if more > 0 {
		t.addLine(head, t.paintLine(t.Dim, prose.CountNoun(more, "more round")))
	}
}

// printFoldedFindings prints a line for the findings of a migration that are printed together with another migration's
// finding.
func (t *reportWriter) printFoldedFindings(findings []*onward.Finding) {
	var order []*view.SimilarFindings
	lines := map[*view.SimilarFindings][]int{}
	for _, f := range findings {
		if t.isPrinted(f) {
			continue
		}
		g := t.index.Similar[f]
		if lines[g] == nil {
			order = append(order, g)
		}
		lines[g] = append(lines[g], f.Line)
	}
	for _, g := range order {
		f := g.Findings[0]
		t.addLine("  ", t.paintLine(t.Severity(f.Severity), f.Severity.String()), "  ",
			escape.Line(f.Rule), t.paintLine(t.Dim, " "+prose.FirstAndRest(formatLines(lines[g]), shownPlaces)+", shown at "+t.displayPath(view.FormatPlace(f.Path, f.Line, 0))))
	}
}

// formatLines returns the lines of findings, each once: ":3", or ":3 (2 times)".
func formatLines(lines []int) []string {
	var order []int
	count := map[int]int{}
	for _, line := range lines {
		if count[line]++; count[line] == 1 {
			order = append(order, line)
		}
	}
	out := make([]string, len(order))
	for i, line := range order {
		if out[i] = fmt.Sprintf(":%d", line); count[line] > 1 {
			out[i] += fmt.Sprintf(" (%d times)", count[line])
		}
	}
	return out
}

// isPrinted reports whether a finding is printed in full.
func (t *reportWriter) isPrinted(f *onward.Finding) bool { return t.verbose || t.index.IsFirst(f) }

// printOverview prints a table of the migrations with findings, if there are many.
func (t *reportWriter) printOverview() {
	r := t.report
	if len(r.Migrations) < view.ManyMigrations {
		return
	}
	type line struct{ path, words, worst string }
	var lines []line
	fine, width := 0, 0
	for i := range r.Migrations {
		m := &r.Migrations[i]
		words := view.DescribeOutcome(t.index, m)
		if words == "ok" {
			fine++
			continue
		}
		l := line{path: view.ShortName(escape.Line(m.Path)) + view.ChangesetName(m), words: words}
		if f := worstOf(t.index.FindingsOn(m)); f != nil {
			l.worst = escape.Line(f.Fact)
		}
		lines = append(lines, l)
		width = max(width, view.MeasureText(l.words))
	}
	t.addBlankLine()
	for _, l := range lines {
		room := t.width - width - 4
		t.addLine("  ", padRight(l.words, width), "  ", view.CutToWidth(l.path, room))
		if l.worst != "" {
			t.addLine("  ", strings.Repeat(" ", width), "  ", t.paintLine(t.Dim, view.CutToWidth(l.worst, room)))
		}
	}
	if fine > 0 {
		t.addLine("  ", t.paintLine(t.OK, padRight("ok", width)), "  ", prose.CountNoun(fine, view.CountedNoun(r)))
	}
}

// worstOf returns the first of the most severe findings; nil for none.
func worstOf(findings []*onward.Finding) (worst *onward.Finding) {
	for _, f := range findings {
		if worst == nil || f.Severity > worst.Severity {
			worst = f
		}
	}
	return worst
}
