package terminal

import (
	"fmt"
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/report/block"
	"github.com/onward-sql/onward/internal/report/escape"
	"github.com/onward-sql/onward/internal/report/view"
	"github.com/onward-sql/onward/internal/size"
	"github.com/onward-sql/onward/onward"
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
	t.printBlocks([]block.Block{view.ListObserved(t.report, run, t.scope())})
}

// printObserved prints what the rehearsal saw of a statement: "held 4.21 s, 118 queries
// waited up to 4.20 s".
func (t *reportWriter) printObserved(m *onward.Migration, index int) {
	if len(t.report.Rehearsals) == 0 {
		return
	}
	run := &t.report.Rehearsals[0]
	i := slices.IndexFunc(run.Statements, func(s onward.RehearsedStatement) bool {
		return s.Statement == index && s.Migration >= 0 && s.Migration < len(t.report.Migrations) && &t.report.Migrations[s.Migration] == m
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
	heldMS := 0.0
	for _, o := range s.Observed {
		if !o.New && o.HeldSince == nil {
			heldMS = max(heldMS, o.HeldMS)
		}
	}
	if s.WaitedMS > 0 {
		words = append(words, "waited "+view.FormatMillis(s.WaitedMS))
	}
	if heldMS > 0 {
		words = append(words, "held "+view.FormatMillis(heldMS))
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
