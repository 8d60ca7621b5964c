package terminal

import (
	"slices"

	"github.com/onward-sql/onward/internal/prose"
	"github.com/onward-sql/onward/internal/report/block"
	"github.com/onward-sql/onward/internal/report/escape"
	"github.com/onward-sql/onward/internal/report/view"
	"github.com/onward-sql/onward/onward"
)

// printProof prints the report of a release that was judged and proven in one run: what breaks and by which statement, the other findings in a line each,
// and what was proven. Notes, queries that need a later schema and the matrix are left to Verbose.
func (t *reportWriter) printProof() {
	t.addTwoSided(t.reportTitle(), t.reportSubtitle(", "), t.Bold, t.Dim)
	breaks := view.ListBreaks(t.report)
	t.printBreaks(breaks)
	first := true
	for i := range t.report.Findings {
		f := &t.report.Findings[i]
		if f.Severity < onward.Warning || view.IsBreakKnown(t.report, f) {
			continue
		}
		if first {
			t.addBlankLine()
		}
		first = false
		t.printFindingLine(f)
	}
	t.printBlocks(view.DescribeUnjudged(t.report.Opaque))
	t.addBlankLine()
	isError := func(l view.SimilarVerdicts) bool { return l.Severity == onward.Error }
	if v := t.report.Verification; !v.Works || slices.ContainsFunc(breaks, isError) {
		t.addWrapped("", "  ", escape.Line(v.Order), t.ordinaryStyle())
	}
	t.addWrapped("", "  ", view.DescribeProof(t.report), t.Dim)
	t.printBuiltQueries()
	t.printEnd(view.FormatShortSummary(t.report))
}

// printBreaks prints the queries that break or may break during the release: the place in the code, what the server says, and after which statement.
func (t *reportWriter) printBreaks(breaks []view.SimilarVerdicts) {
	groups, more := prose.TakeFirst(breaks, t.limitList(maxBreaks))
	list := block.List{Depth: 1, Width: 7}
	for i := range groups {
		d := &groups[i]
		cause := block.Say("after ").Path(view.FormatPlace(d.After.Path, d.After.Line, 0))
		if sql := view.StatementAt(t.report, &d.After); sql != "" {
			cause = cause.Gap().Code(sql)
		}
		list.Items = []block.Item{{
			Label: d.Severity.String(), Mark: block.SeverityTone(d.Severity), Text: block.Say(view.DescribeBreak(d)),
			Below: append(view.ListVerdictQueries(d, false), block.Line{Text: cause, Tone: block.Faint, Cut: true}),
		}}
		t.addBlankLine()
		t.printBlocks([]block.Block{list})
	}
	t.addHiddenCount("", more, prose.CountNoun(more, "more verdict"), t.Dim)
}

// maxBreaks bounds the queries that are listed.
const maxBreaks = 30
