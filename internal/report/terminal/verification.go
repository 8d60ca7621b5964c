package terminal

import (
	"math"
	"strings"

	"github.com/charmbracelet/lipgloss"

	"github.com/onward-sql/onward/internal/prose"
	"github.com/onward-sql/onward/internal/report/view"
	"github.com/onward-sql/onward/onward"
)

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
	t.printBlocks(view.DescribeUnjudged(r.Opaque))
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
	t.printBlocks(view.DescribeVerification(t.report, t.scope()))
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
