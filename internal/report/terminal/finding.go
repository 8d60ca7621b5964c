package terminal

import (
	"fmt"
	"strings"

	"github.com/charmbracelet/lipgloss"

	"github.com/onward-sql/onward/internal/report/escape"
	"github.com/onward-sql/onward/internal/report/view"
	"github.com/onward-sql/onward/onward"
)

// printFinding prints a finding: its place, the fact, the harm, the evidence, and the fix.
func (t *reportWriter) printFinding(f *onward.Finding) {
	t.addBlankLine()
	place := t.displayPath(view.FormatPlace(f.Path, f.Line, f.Column))
	head := "  " + t.paintLine(t.Severity(f.Severity), padRight(f.Severity.String(), 7)) + "  " + t.linkRule(t.Bold, f.Rule)
	if g := t.index.Similar[f]; g != nil && !t.verbose {
		head += t.paintLine(t.Dim, fmt.Sprintf("  %d findings", len(g.Findings)))
	}
	if view.MeasureText(head)+2+view.MeasureText(place) <= t.width {
		t.addLine(head, "  ", place)
	} else {
		t.addLine(head)
		t.addLine("    ", place)
	}
	t.printFrame(f)
	t.addWrapped("    ", "    ", escape.Line(f.Fact), t.Bold)
	explained := t.markExplained(f)
	if f.Harm != "" && (!explained || f.Category == onward.Compatibility) {
		t.addWrapped("    ", "    ", escape.Line(f.Harm), t.ordinaryStyle())
	}
	if len(f.Postgres) > 0 && !explained {
		t.addWrapped("    ", "    ", "on "+view.FormatVersions(f.Postgres)+" only", t.ordinaryStyle())
	}
	for i := range f.Evidence {
		e := f.Evidence[i]
		e.Path = relativePath(t.dir, e.Path)
		t.addWrapped("    because: ", "             ", view.FormatEvidence(&e), t.Dim)
	}
	t.printRounds(f)
	t.printSimilar(f)
	if !explained || f.Category == onward.Data {
		t.printFix(f)
		t.printEdit(f)
		t.printFiles(f)
	}
}

// markExplained reports whether an earlier finding of the rule has explained the fix and the harm
// of the lock already. Who breaks, and the evidence, are still printed for each finding.
// An error, and a finding with a query for rows, are always printed in full, because their
// SQL differs.
func (t *reportWriter) markExplained(f *onward.Finding) bool {
	if t.verbose || f.Severity >= onward.Error {
		return false
	}
	if t.rules[f.Rule] {
		return true
	}
	if t.rules == nil {
		t.rules = map[string]bool{}
	}
	t.rules[f.Rule] = true
	return false
}

// printFix prints the fix of a finding. Findings of one statement share the statements that replace it: these are
// printed once.
func (t *reportWriter) printFix(f *onward.Finding) {
	words, sql := view.SplitInstead(f.Instead)
	printed, isPrinted := t.fixes[sql]
	if !isPrinted || strings.Count(sql, "\n") < minShared {
		if t.fixes == nil {
			t.fixes = map[string]string{}
		}
		t.fixes[sql] = f.Rule
		t.printInstead(f.Instead)
		return
	}
	t.printInstead(strings.TrimRight(words, ":.") + ": with the statements of " + printed + " above")
}

// minShared is how many lines a fix has at least that is not printed again.
const minShared = 3

// printInstead prints the fix. Its first line is prose, and so is a line with an alternative
// ("or …"). All other lines are SQL to paste, which is never broken.
func (p *page) printInstead(text string) {
	words, sql := view.SplitInstead(text)
	if words == "" {
		return
	}
	p.addWrapped("    instead: ", "             ", words, p.ordinaryStyle())
	if sql == "" {
		return
	}
	complete := true
	for _, line := range strings.Split(strings.TrimRight(sql, " \n"), "\n") {
		if strings.HasPrefix(line, "or ") && complete {
			p.addWrapped("             ", "             ", line, p.ordinaryStyle())
			continue
		}
		p.addLine("             ", strings.TrimRight(line, " "))
		complete = strings.HasSuffix(strings.TrimSpace(line), ";") || strings.HasPrefix(line, "--")
	}
}

// verdictStyle returns the colour of the verdict; its words have the same meaning.
func (t *reportWriter) verdictStyle() lipgloss.Style {
	s := &t.report.Summary
	switch {
	case s.Errors > 0:
		return t.Error
	case s.Withheld != "" && s.Warnings == 0:
		return t.ordinaryStyle()
	case !s.Safe || s.Warnings > 0:
		return t.Warning
	}
	return t.OK
}
