package terminal

import (
	"math"
	"strings"

	"github.com/charmbracelet/lipgloss"

	"github.com/onward-sql/onward/internal/prose"
	"github.com/onward-sql/onward/internal/report/escape"
	"github.com/onward-sql/onward/internal/report/view"
	"github.com/onward-sql/onward/onward"
)

// maxVerdicts bounds the queries that are listed without Verbose.
const maxVerdicts = 30

// printVerified prints the report of recorded queries: the matrix, the queries that break, and
// what to do. Static findings follow in a line each.
func (t *reportWriter) printVerified() {
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
	for _, line := range view.CountVerified(r) {
		t.addWrapped("", "  ", line, t.Dim)
	}
	t.printSummary()
}

// printVerification prints the results of recorded queries at the commit points.
func (t *reportWriter) printVerification() {
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
		t.addWrapped("", "  ", "note: "+escape.Line(n), t.Dim)
	}
}

// leastCell is the least width of a column of the matrix.
const leastCell = 10

// printMatrix prints a row for each commit point, with a column for each version of the code.
func (t *reportWriter) printMatrix() {
	left, each := 26, 22
	if t.width < 80 {
		left, each = 18, 18
	}
	versions := view.ListVersions(t.report.Verification)
	each = min(each, max((t.width-left)/len(versions)-1, leastCell))
	head := padRight("commit point", left)
	for _, v := range versions {
		head += " " + padRight(view.CutToWidth(view.NameCode(v.Code), each), each)
	}
	t.addLine(t.paintLine(t.Bold, view.CutToWidth(strings.TrimRight(head, " "), t.width)))
	for _, row := range view.BuildMatrix(t.report, t.verbose, math.MaxInt) {
		if row.Hidden > 0 {
			t.addLine(t.paintLine(t.Dim, "  "+prose.CountNoun(row.Hidden, "point")+" more, the same as above"))
			continue
		}
		name := row.Name
		if view.MeasureText(name) > left {
			t.addWrapped("", "", name, t.ordinaryStyle())
			name = ""
		}
		t.printMatrixRow(name, left, each, row.Cells)
		if row.Window {
			t.addLine(t.paintLine(t.Dim, "  from here on both codes run, when the migrations run first"))
		}
	}
}

// printMatrixRow prints the cells in their columns if they have room, otherwise in a line each.
func (t *reportWriter) printMatrixRow(name string, left, each int, cells []view.MatrixCell) {
	last := len(cells) - 1
	line, fits := []string{padRight(name, left)}, left+last*(each+1)+1+view.MeasureText(cells[last].Words) <= t.width
	for i, c := range cells {
		fits = fits && (i == last || view.MeasureText(c.Words) <= each)
		words := c.Words
		if i < last {
			words = padRight(words, each)
		}
		line = append(line, " ", t.paintLine(t.cellStyle(c.Severity), words))
	}
	if fits {
		t.addLine(line...)
		return
	}
	t.addWrapped("  ", "  ", name, t.ordinaryStyle())
	for _, c := range cells {
		t.addWrapped("    ", "    ", view.NameCode(c.Code)+": "+c.Words, t.cellStyle(c.Severity))
	}
}

func (t *reportWriter) cellStyle(s onward.Severity) lipgloss.Style {
	if s == onward.Off {
		return t.OK
	}
	return t.Severity(s)
}

// printVerdicts lists the queries that break, by the statement that breaks them.
func (t *reportWriter) printVerdicts() {
	last := ""
	groups, more := prose.TakeFirst(view.GroupVerdicts(t.report), t.limitList(maxVerdicts))
	for i := range groups {
		d := &groups[i]
		at := "the base"
		if d.After.Path != "" {
			at = t.displayPath(view.FormatPlace(d.After.Path, d.After.Line, 0))
		}
		if head := at + "  " + view.NameCode(d.Code); head != last {
			t.addBlankLine()
			t.addLine(t.paintLine(t.Bold, at), "  ", view.NameCode(d.Code))
			last = head
		}
		t.addWrapped("  "+t.paintLine(t.Severity(view.ScreenSeverity(d.Verdict)), padRight(severityWord(d.Verdict), 7))+"  ", "           ",
			escape.Line(string(d.Kind))+": "+view.DescribeFailure(d.Verdict), t.ordinaryStyle())
		t.printQueries(d)
		t.addWrapped("           ", "           ", d.DescribeSenders(), t.Dim)
	}
	if more > 0 {
		t.addBlankLine()
		t.addRest("", more, prose.CountNoun(more, "more verdict"), t.Dim)
	}
}

// mostAlike is how many queries are shown of those with the same failure, without Verbose.
const mostAlike = 2

// printQueries prints the queries of a verdict, the most frequent ones first.
func (t *reportWriter) printQueries(d *view.SimilarVerdicts) {
	for i, one := range d.All {
		switch {
		case t.verbose:
			t.addWrapped("           ", "           ", escape.Line(one.Query), t.ordinaryStyle())
		case i < mostAlike:
			t.addLine("           ", view.CutToWidth(escape.Line(one.Query), t.width-11))
		}
		if len(one.Values) > 0 && (t.verbose || i < mostAlike) {
			t.addWrapped("           ", "             ", view.NameValues(one)+": "+view.JoinValues(one), t.ordinaryStyle())
		}
	}
}

// severityWord returns a verdict's severity, in a word.
func severityWord(d *onward.Verdict) string {
	if view.ScreenSeverity(d) != d.Severity {
		return "later"
	}
	return d.Severity.String()
}

// printPhases prints the phase of each migration.
func (t *reportWriter) printPhases() {
	v := t.report.Verification
	if len(v.Phases) == 0 {
		return
	}
	t.addHeading("where each migration belongs")
	for _, p := range view.ListPhases(t.report) {
		how := t.ordinaryStyle()
		if p.Wrong {
			how = t.Error
		}
		t.addLine("  ", t.paintLine(how, padRight(p.Where, 16)), " ", t.displayPath(p.Path))
		t.addWrapped(strings.Repeat(" ", 19), strings.Repeat(" ", 19), p.Advice, t.Dim)
	}
	how := t.ordinaryStyle()
	if !v.Works {
		how = t.Error
	}
	t.addWrapped("  ", "  ", escape.Line(v.Order), how)
}

// printQueryWaits prints which recorded queries the locks block.
func (t *reportWriter) printQueryWaits() {
	for i, w := range view.ListWaits(t.report) {
		if i == 0 {
			t.addHeading("who waits for its locks")
		}
		t.addWrapped("  ", "    ", t.displayPath(view.FormatPlace(w.Path, w.Line, 0))+"  "+w.Words, t.ordinaryStyle())
	}
}
