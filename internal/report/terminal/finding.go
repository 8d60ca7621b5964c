package terminal

import (
	"fmt"
	"io"
	"strings"

	"github.com/charmbracelet/lipgloss"
	"github.com/onward-sql/onward/internal/prose"
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

// printFiles prints the files that a finding offers in place of the migration: their names in a line, and their SQL too if verbose.
func (t *reportWriter) printFiles(f *onward.Finding) {
	if words := view.DescribeFiles(f); words != "" {
		t.addWrapped("    as files: ", "              ", words, t.ordinaryStyle())
	}
	if !t.verbose {
		return
	}
	for _, file := range f.Files {
		t.addLine("      ", t.paintLine(t.Bold, escape.Line(file.Path)))
		for text := range strings.Lines(escape.Controls(file.Text)) {
			t.addLine("      ", t.paintLine(t.Dim, strings.TrimRight(text, " \n")))
		}
	}
}

// WriteQueryFindings prints the findings about the queries of a recording.
func WriteQueryFindings(w io.Writer, list []onward.QueryFinding, o Options) error {
	p := newPage(o)
	shown := 0
	for i := range list {
		if list[i].Accepted {
			continue
		}
		if shown > 0 {
			p.addBlankLine()
		}
		p.printQueryFinding(&list[i])
		shown++
	}
	accepted := ""
	if n := len(list) - shown; n > 0 {
		accepted = fmt.Sprintf(" (%s accepted in onward.yaml)", prose.CountNoun(n, "finding"))
	}
	switch {
	case shown == 0:
		p.addLine("Nothing found" + accepted + ".")
	case accepted != "":
		p.addBlankLine()
		p.addLine(p.paintLine(p.Dim, strings.Trim(accepted, " ()")))
	}
	return p.writePage(w)
}

func (p *page) printQueryFinding(f *onward.QueryFinding) {
	p.addTwoSided(f.Severity.String()+"  "+escape.Line(f.Rule), "seen "+view.FormatTimes(f.Count), p.Severity(f.Severity), p.Dim)
	fact := escape.Line(f.Fact)
	if f.Sender != "" {
		fact += ", by " + escape.Line(f.Sender)
	}
	if f.Test != "" && f.Test != f.Sender {
		fact += ", in test " + escape.Line(f.Test)
	}
	p.addWrapped("  ", "  ", fact+".", p.ordinaryStyle())
	p.addLine("    ", p.paintLine(p.Dim, view.CutToWidth(escape.Line(f.SQL), p.width-4)))
	p.addWrapped("  ", "  ", escape.Line(f.Harm)+".", p.ordinaryStyle())
	p.addWrapped("  ", "  ", "Instead: "+escape.Line(f.Instead)+".", p.ordinaryStyle())
}

// WriteDeprecations prints deprecated columns, and by program who still uses them.
func WriteDeprecations(w io.Writer, list []onward.DeprecatedColumn, o Options) error {
	p := newPage(o)
	if len(list) == 0 {
		p.addLine("No column is deprecated.")
	}
	for i := range list {
		if i > 0 {
			p.addBlankLine()
		}
		p.printDeprecation(&list[i])
	}
	return p.writePage(w)
}

// printDeprecation prints one column.
func (p *page) printDeprecation(d *onward.DeprecatedColumn) {
	style, note := p.ordinaryStyle(), ""
	switch {
	case d.Past:
		style = p.Severity(onward.Error)
	case d.Near:
		style, note = p.Severity(onward.Warning), "its last day is near"
	}
	p.addTwoSided(view.DeprecatedName(d), note, style, p.Dim)
	if d.RenamedTo != "" {
		p.addWrapped("  ", "  ", "replaced by "+escape.Line(d.RenamedTo), p.ordinaryStyle())
	}
	if len(d.Consumers) == 0 {
		p.addWrapped("  ", "  ", view.DeprecatedWords(d), p.ordinaryStyle())
		return
	}
	for i := range d.Consumers {
		u := &d.Consumers[i]
		name := u.Consumer
		if name == "" {
			name = "code that no recording names"
		}
		text := name + ": " + prose.CountNoun(u.Queries, "query") + ", " + view.CountCalls(u.Calls)
		if u.Sender != "" && u.Sender != u.Consumer {
			text += ", most from " + u.Sender
		}
		p.addWrapped("  ", "    ", escape.Line(text), p.ordinaryStyle())
		p.addLine("    ", p.paintLine(p.Dim, view.CutToWidth(escape.Line(u.SQL), p.width-4)))
	}
}
