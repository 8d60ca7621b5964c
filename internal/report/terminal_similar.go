package report

import (
	"fmt"
	"strings"

	"github.com/onward-sql/onward/internal/prose"
	"github.com/onward-sql/onward/onward"
)

// mostSimilar is how many places of similar findings are printed.
const mostSimilar = 100

// printSimilar prints the places of findings that are similar to the one just printed: each in a line, with who breaks.
// They share its fix.
func (t *terminal) printSimilar(f *onward.Finding) {
	g := t.index.similar[f]
	if g == nil || t.verbose {
		return
	}
	list, more := prose.TakeFirst(g.otherFindings(), mostSimilar)
	head := "    and at:  "
	for _, other := range list {
		where := t.displayPath(formatPlace(other.Path, other.Line, other.Column))
		t.addWrapped(head, "               ", where+"  "+EscapeLine(other.Fact), t.ordinaryStyle())
		head = "             "
		if len(other.Evidence) > 0 && other.Category == onward.Compatibility {
			e := other.Evidence[0]
			e.Path = relativePath(t.dir, e.Path)
			t.addWrapped("               because: ", "                        ", formatEvidence(&e), t.Dim)
		}
	}
	if more > 0 {
		t.addLine(head, t.paintLine(t.Dim, fmt.Sprintf("%d more places", more)))
	}
	t.addLine("             ", t.paintLine(t.Dim, "-v prints the fix of each"))
}

// printRounds prints the facts of a finding in the other rounds of its loop.
func (t *terminal) printRounds(f *onward.Finding) {
	facts, more := prose.TakeFirst(listRoundFacts(f), mostSimilar)
	head := "    rounds:  "
	for _, fact := range facts {
		t.addWrapped(head, "               ", EscapeLine(fact), t.ordinaryStyle())
		head = "             "
	}
	if more > 0 {
		t.addLine(head, t.paintLine(t.Dim, prose.CountNoun(more, "more round")))
	}
}

// listRoundFacts returns the facts of a finding in the other rounds of its loop; none for most findings.
func listRoundFacts(f *onward.Finding) (out []string) {
	for _, at := range f.Also {
		if at.Fact != "" {
			out = append(out, at.Fact)
		}
	}
	return out
}

// pointedAt prints a line for the findings of a migration that are printed together with another migration's
// finding.
func (t *terminal) pointedAt(findings []*onward.Finding) {
	var order []*similar
	lines := map[*similar][]string{}
	for _, f := range findings {
		if t.isPrinted(f) {
			continue
		}
		g := t.index.similar[f]
		if lines[g] == nil {
			order = append(order, g)
		}
		lines[g] = append(lines[g], fmt.Sprintf(":%d", f.Line))
	}
	for _, g := range order {
		f := g.findings[0]
		t.addLine("  ", t.paintLine(t.Severity(f.Severity), f.Severity.String()), "  ",
			EscapeLine(f.Rule), t.paintLine(t.Dim, " "+prose.FirstAndRest(lines[g], shownPlaces)+", told at "+t.displayPath(formatPlace(f.Path, f.Line, 0))))
	}
}

// isPrinted reports whether a finding is printed in full.
func (t *terminal) isPrinted(f *onward.Finding) bool { return t.verbose || t.index.isFirst(f) }

// manyMigrations is the least number of migrations for which a table precedes the details.
const manyMigrations = 11

// printOverview prints a table of the migrations with findings, if there are many.
func (t *terminal) printOverview() {
	r := t.report
	if len(r.Migrations) < manyMigrations {
		return
	}
	type line struct{ path, words, worst string }
	var lines []line
	fine, width := 0, 0
	for i := range r.Migrations {
		m := &r.Migrations[i]
		words := describeOutcome(t.index, m)
		if words == "ok" {
			fine++
			continue
		}
		l := line{path: ShortName(EscapeLine(m.Path)), words: words}
		if f := worstOf(t.index.findingsOn(m)); f != nil {
			l.worst = EscapeLine(f.Fact)
		}
		lines = append(lines, l)
		width = max(width, textWidth(l.words))
	}
	t.addBlankLine()
	for _, l := range lines {
		room := t.width - width - 4
		t.addLine("  ", padRight(l.words, width), "  ", cutToWidth(l.path, room))
		if l.worst != "" {
			t.addLine("  ", strings.Repeat(" ", width), "  ", t.paintLine(t.Dim, cutToWidth(l.worst, room)))
		}
	}
	if fine > 0 {
		t.addLine("  ", t.paintLine(t.OK, padRight("ok", width)), "  ", prose.CountNoun(fine, countedNoun(r)))
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
