package report

import (
	"math"
	"strings"

	"github.com/charmbracelet/lipgloss"

	"github.com/onward-sql/onward/internal/prose"
	"github.com/onward-sql/onward/onward"
)

// maxVerdicts bounds the queries that are listed without Verbose.
const maxVerdicts = 30

// printVerified prints the report of recorded queries: the matrix, the queries that break, and
// what to do. Static findings follow in a line each.
func (t *terminal) printVerified() {
	r := t.report
	t.printHead()
	t.printRehearsal()
	t.printVerification()
	if len(r.Findings) > 0 {
		t.addBlankLine()
		t.addWrapped("", "", "static findings (onward changelog prints details and fixes)", t.Dim)
	}
	for i := range r.Findings {
		t.printFindingLine(&r.Findings[i])
	}
	t.printUnjudged(r.Opaque)
	t.addBlankLine()
	for _, line := range verifiedCounts(r) {
		t.addWrapped("", "  ", line, t.Dim)
	}
	t.printSummary()
}

// printVerification prints the results of recorded queries at the commit points.
func (t *terminal) printVerification() {
	if t.report.Verification == nil {
		return
	}
	t.addBlankLine()
	t.printMatrix()
	t.printVerdicts()
	t.printQueryUsers()
	t.printPhases()
	t.printQueryWaits()
	t.printDeprecated()
	t.printQueryFindings()
	for _, n := range t.report.Verification.Notes {
		t.addBlankLine()
		t.addWrapped("", "  ", "note: "+EscapeLine(n), t.Dim)
	}
}

// printMatrix prints a row for each commit point, with a column for each code.
func (t *terminal) printMatrix() {
	left, each := 26, 22
	if t.width < 80 {
		left, each = 18, 18
	}
	t.addLine(t.paintLine(t.Bold, padRight("commit point", left)+" "+padRight("old code", each)+" new code"))
	for _, row := range buildMatrix(t.report, t.verbose, math.MaxInt) {
		if row.hidden > 0 {
			t.addLine(t.paintLine(t.Dim, "  "+prose.CountNoun(row.hidden, "point")+" more, the same as above"))
			continue
		}
		name := row.name
		if textWidth(name) > left {
			t.addWrapped("", "", name, t.ordinaryStyle())
			name = ""
		}
		if textWidth(row.old.words) > each || left+each+2+textWidth(row.new.words) > t.width {
			t.addWrapped("  ", "  ", name, t.ordinaryStyle())
			t.addWrapped("    ", "    ", "old code: "+row.old.words, t.cellStyle(row.old.severity))
			t.addWrapped("    ", "    ", "new code: "+row.new.words, t.cellStyle(row.new.severity))
		} else {
			t.addLine(padRight(name, left), " ", t.paintLine(t.cellStyle(row.old.severity), padRight(row.old.words, each)), " ",
				t.paintLine(t.cellStyle(row.new.severity), row.new.words))
		}
		if row.window {
			t.addLine(t.paintLine(t.Dim, "  from here on both codes run, when the migrations run first"))
		}
	}
}

func (t *terminal) cellStyle(s onward.Severity) lipgloss.Style {
	if s == onward.Off {
		return t.OK
	}
	return t.Severity(s)
}

// printVerdicts lists the queries that break, by the statement that breaks them.
func (t *terminal) printVerdicts() {
	last := ""
	groups, more := prose.TakeFirst(groupVerdicts(t.report), t.limitList(maxVerdicts))
	for i := range groups {
		d := &groups[i]
		at := "the base"
		if d.After.Path != "" {
			at = t.displayPath(formatPlace(d.After.Path, d.After.Line, 0))
		}
		if head := at + "  " + codeWords(d.Code); head != last {
			t.addBlankLine()
			t.addLine(t.paintLine(t.Bold, at), "  ", codeWords(d.Code))
			last = head
		}
		t.addWrapped("  "+t.paintLine(t.Severity(screenSeverity(d.Verdict)), padRight(severityWord(d.Verdict), 7))+"  ", "           ",
			EscapeLine(string(d.Kind))+": "+verdictHead(d.Verdict), t.ordinaryStyle())
		t.printQueries(d)
		t.addWrapped("           ", "           ", d.describeSenders(), t.Dim)
	}
	if more > 0 {
		t.addBlankLine()
		t.addRest("", more, prose.CountNoun(more, "more verdict"), t.Dim)
	}
}

// mostAlike is how many queries are shown of those with the same failure, without Verbose.
const mostAlike = 2

// printQueries prints the queries of a verdict, the most frequent ones first.
func (t *terminal) printQueries(d *similarVerdicts) {
	for i, one := range d.all {
		switch {
		case t.verbose:
			t.addWrapped("           ", "           ", EscapeLine(one.Query), t.ordinaryStyle())
		case i < mostAlike:
			t.addLine("           ", cutToWidth(EscapeLine(one.Query), t.width-11))
		}
	}
}

// severityWord returns a verdict's severity, in a word.
func severityWord(d *onward.Verdict) string {
	if screenSeverity(d) != d.Severity {
		return "later"
	}
	return d.Severity.String()
}

// printPhases prints the phase of each migration.
func (t *terminal) printPhases() {
	v := t.report.Verification
	if len(v.Phases) == 0 {
		return
	}
	t.addHeading("where each migration belongs")
	for _, p := range listPhases(t.report) {
		how := t.ordinaryStyle()
		if p.wrong {
			how = t.Error
		}
		t.addLine("  ", t.paintLine(how, padRight(p.where, 16)), " ", t.displayPath(p.path))
		t.addWrapped(strings.Repeat(" ", 19), strings.Repeat(" ", 19), p.advice, t.Dim)
	}
	how := t.ordinaryStyle()
	if !v.Works {
		how = t.Error
	}
	t.addWrapped("  ", "  ", EscapeLine(v.Order), how)
}

// printQueryWaits prints which recorded queries the locks block.
func (t *terminal) printQueryWaits() {
	for i, w := range listWaits(t.report) {
		if i == 0 {
			t.addHeading("who waits for its locks")
		}
		t.addWrapped("  ", "    ", t.displayPath(formatPlace(w.path, w.line, 0))+"  "+w.words, t.ordinaryStyle())
	}
}
