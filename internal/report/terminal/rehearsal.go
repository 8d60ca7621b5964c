package terminal

import (
	"fmt"
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/prose"
	"github.com/onward-sql/onward/internal/report/escape"
	"github.com/onward-sql/onward/internal/report/view"
	"github.com/onward-sql/onward/internal/size"
	"github.com/onward-sql/onward/onward"
)

// Bounds of what is printed of a rehearsal without Verbose.
const (
	maxStallLines   = 5
	maxWaiterLines  = 5
	maxRefusalLines = 8
	maxNotes        = 5
)

// printRehearsal prints the observations: the timeline, who waited, what failed, where the
// model was wrong, and the other versions.
func (t *reportWriter) printRehearsal() {
	if len(t.report.Rehearsals) == 0 {
		return
	}
	run := &t.report.Rehearsals[0]
	t.addBlankLine()
	t.addTwoSided("rehearsed on "+view.NameServer(run), view.DescribeData(run), t.Bold, t.Dim)
	if run.Chosen != "" {
		t.addWrapped("  ", "  ", escape.Line(run.Chosen), t.Dim)
	}
	if len(run.Statements) > 0 {
		t.printTimeline(run)
	}
	t.printStalls(run)
	t.printWaiters(run)
	t.printFailures(run)
	for _, d := range view.ListDifferences(t.report) {
		t.addWrapped("  ", "    ", d.FormatDifference(t.report)+"; please report it", t.Warning)
	}
	for _, line := range view.ListOtherRehearsals(t.report) {
		t.addWrapped("  ", "    ", line, t.ordinaryStyle())
	}
	notes, more := prose.TakeFirst(run.Notes, t.limitList(maxNotes))
	for _, n := range notes {
		t.addWrapped("  ", "    ", escape.Line(n), t.Dim)
	}
	t.addRest("  ", more, fmt.Sprintf("%d more notes", more), t.Dim)
}

// printStalls prints who waited for what, worst first.
func (t *reportWriter) printStalls(run *onward.Rehearsal) {
	stalls, more := prose.TakeFirst(view.ListStalls(t.report, run), t.limitList(maxStallLines))
	for i := range stalls {
		word := "stall "
		if i == 0 {
			word = "worst stall "
		}
		t.addWrapped("  ", "    ", word+stalls[i].FormatStall(t.width/2, keepText), t.Warning)
	}
	t.addRest("  ", more, prose.CountNoun(more, "shorter stall"), t.Dim)
	if calm := view.DescribeCalm(run.Traffic); calm != "" {
		t.addWrapped("  ", "    ", calm, t.OK)
	}
}

// printWaiters prints which recorded queries waited, by name, and how the recording was used.
func (t *reportWriter) printWaiters(run *onward.Rehearsal) {
	if run.Traffic == nil {
		return
	}
	list, more := prose.TakeFirst(run.Traffic.Waiters, t.limitList(maxWaiterLines))
	for i := range list {
		t.addWrapped("  ", "    ", view.DescribeWaiter(t.report, run, &list[i], t.width*3/4, keepText, keepText), t.Warning)
	}
	t.addRest("  ", more, fmt.Sprintf("%d more", more), t.Dim)
	for _, text := range view.DescribeRecording(run.Traffic, t.width/2) {
		t.addWrapped("  ", "    ", text, t.Dim)
	}
}

// keepText returns a text unchanged.
func keepText(s string) string { return s }

// printFailures prints the server's errors: for statements, then for queries of the traffic.
func (t *reportWriter) printFailures(run *onward.Rehearsal) {
	for _, f := range view.ListFailedRuns(t.report, run) {
		t.addWrapped("  ", "    ", strings.TrimSpace(f.Place+" failed: "+view.DescribeError(f.Err)), t.Error)
	}
	list, more := prose.TakeFirst(view.GroupRefusals(run.Traffic), t.limitList(maxRefusalLines))
	for i := range list {
		f := &list[i]
		t.addWrapped("  ", "    ", fmt.Sprintf("%s: %s: %s", f.DescribeRefusal(t.report, run), view.DescribeError(&f.Error),
			view.CutToWidth(view.ShortenQuery(escape.Line(f.Query), t.width/2), t.width/2)), t.Error)
	}
	t.addRest("  ", more, fmt.Sprintf("%d more", more), t.Error)
}

// describeObserved returns what the rehearsal saw of a statement: "held 4.21 s, 118 queries
// waited up to 4.20 s".
func (t *reportWriter) describeObserved(m *onward.Migration, at int) {
	if len(t.report.Rehearsals) == 0 {
		return
	}
	run := &t.report.Rehearsals[0]
	i := slices.IndexFunc(run.Statements, func(s onward.RehearsedStatement) bool {
		return s.Statement == at && s.Migration >= 0 && s.Migration < len(t.report.Migrations) && &t.report.Migrations[s.Migration] == m
	})
	if i < 0 {
		return
	}
	s := &run.Statements[i]
	if s.Failed != nil {
		t.addWrapped("       ", "       ", "failed: "+view.DescribeError(s.Failed), t.Error)
	}
	if !t.verbose && s.Waited == 0 && s.StallMS == 0 {
		return
	}
	words := []string{"took " + view.FormatMillis(s.UntilMS-s.FromMS)}
	held := 0.0
	for _, o := range s.Observed {
		if !o.New && o.HeldSince == nil {
			held = max(held, o.HeldMS)
		}
	}
	if s.WaitedMS > 0 {
		words = append(words, "waited "+view.FormatMillis(s.WaitedMS))
	}
	if held > 0 {
		words = append(words, "held "+view.FormatMillis(held))
	}
	style := t.Dim
	if s.Waited > 0 || s.StallMS > 0 {
		words = append(words, fmt.Sprintf("%s waited up to %s", view.CountQueries(s.Waited), view.FormatMillis(s.StallMS)))
		style = t.Warning
	}
	t.addWrapped("       ", "       ", "rehearsed: "+strings.Join(words, ", "), style)
	if e := s.Estimate; e != nil && t.verbose {
		t.addWrapped("       ", "       ", "in production: "+view.FormatRange(e)+", at "+size.FormatCount(e.Rows)+" rows of "+view.ShortenRelation(e.Relation), t.Dim)
	}
}
