package report

import (
	"fmt"
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/prose"
	"github.com/onward-sql/onward/internal/size"
	"github.com/onward-sql/onward/onward"
)

// printStalls prints who waited for what, worst first.
func (t *terminal) printStalls(run *onward.Rehearsal) {
	stalls, more := prose.TakeFirst(listStalls(t.report, run), t.limitList(maxStallLines))
	for i := range stalls {
		word := "stall "
		if i == 0 {
			word = "worst stall "
		}
		t.addWrapped("  ", "    ", word+stalls[i].formatStall(t.width/2, keepText), t.Warning)
	}
	t.addRest("  ", more, prose.CountNoun(more, "shorter stall"), t.Dim)
	if calm := describeCalm(run.Traffic); calm != "" {
		t.addWrapped("  ", "    ", calm, t.OK)
	}
}

// printFailures prints the server's errors: for statements, then for queries of the traffic.
func (t *terminal) printFailures(run *onward.Rehearsal) {
	for _, f := range listFailedRuns(t.report, run) {
		t.addWrapped("  ", "    ", strings.TrimSpace(f.place+" failed: "+errorWords(f.err)), t.Error)
	}
	list, more := prose.TakeFirst(groupRefusals(run.Traffic), t.limitList(maxRefusalLines))
	for i := range list {
		f := &list[i]
		t.addWrapped("  ", "    ", fmt.Sprintf("%s: %s: %s", f.describeRefusal(t.report, run), errorWords(&f.Error),
			cutToWidth(shortenQuery(EscapeLine(f.Query), t.width/2), t.width/2)), t.Error)
	}
	t.addRest("  ", more, fmt.Sprintf("%d more", more), t.Error)
}

// describeObserved returns what the rehearsal saw of a statement: "held 4.21 s, 118 queries
// waited up to 4.20 s".
func (t *terminal) describeObserved(m *onward.Migration, at int) {
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
		t.addWrapped("       ", "       ", "failed: "+errorWords(s.Failed), t.Error)
	}
	if !t.verbose && s.Waited == 0 && s.StallMS == 0 {
		return
	}
	words := []string{"took " + FormatMillis(s.UntilMS-s.FromMS)}
	held := 0.0
	for _, o := range s.Observed {
		if !o.New && o.HeldSince == nil {
			held = max(held, o.HeldMS)
		}
	}
	if s.WaitedMS > 0 {
		words = append(words, "waited "+FormatMillis(s.WaitedMS))
	}
	if held > 0 {
		words = append(words, "held "+FormatMillis(held))
	}
	style := t.Dim
	if s.Waited > 0 || s.StallMS > 0 {
		words = append(words, fmt.Sprintf("%s waited up to %s", countQueries(s.Waited), FormatMillis(s.StallMS)))
		style = t.Warning
	}
	t.addWrapped("       ", "       ", "rehearsed: "+strings.Join(words, ", "), style)
	if e := s.Estimate; e != nil && t.verbose {
		t.addWrapped("       ", "       ", "in production: "+formatRange(e)+", at "+size.FormatCount(e.Rows)+" rows of "+shortRelation(e.Relation), t.Dim)
	}
}
