package report

import (
	"fmt"
	"slices"
	"strings"

	"github.com/onward-sql/onward/onward"
)

// printStalls prints who waited for what, worst first.
func (t *terminal) printStalls(run *onward.Rehearsal) {
	stalls := worstStalls(run.Traffic)
	for i := range stalls {
		if i == maxStallLines && !t.verbose {
			t.addLine("  ", t.paintLine(t.Dim, fmt.Sprintf("and %s (-v shows them)", CountNoun(len(stalls)-i, "shorter stall"))))
			break
		}
		word := "stall "
		if i == 0 {
			word = "worst stall "
		}
		t.addWrapped("  ", "    ", word+stallWords(t.report, run, &stalls[i], t.width/2), t.Warning)
	}
	if run.Traffic != nil && len(stalls) == 0 {
		t.addWrapped("  ", "    ", "no query waited: "+countQueries(run.Traffic.Queries)+", the slowest "+FormatMillis(run.Traffic.WorstMS), t.OK)
	}
}

// stallWords returns a stall in a sentence: "4.20 s: 118 queries on users waited for
// ALTER TABLE … (00043_rename.sql:4)".
func stallWords(r *onward.Report, run *onward.Rehearsal, s *onward.Stall, width int) string {
	text := fmt.Sprintf("%s: %s on %s waited", FormatMillis(s.UntilMS-s.FromMS), describeStall(s), shortRelation(s.Relation))
	if _, st := statementAt(r, run, s.Statement); st != nil {
		text += fmt.Sprintf(" for %s (%s)", cutToWidth(EscapeLine(st.SQL), width), shortPlace(r, run, s.Statement))
	}
	return text
}

// printFailures prints the server's errors: for statements, then for queries of the traffic.
func (t *terminal) printFailures(run *onward.Rehearsal) {
	for i := range run.Statements {
		if f := run.Statements[i].Failed; f != nil {
			t.addWrapped("  ", "    ", strings.TrimSpace(shortPlace(t.report, run, i)+" failed: "+errorWords(f)), t.Error)
		}
	}
	list := groupRefusals(run.Traffic)
	for i := range list {
		f := &list[i]
		if i == maxRefusalLines && !t.verbose {
			t.addLine("  ", t.paintLine(t.Error, fmt.Sprintf("and %d more (-v shows them)", len(list)-i)))
			break
		}
		t.addWrapped("  ", "    ", fmt.Sprintf("%s: %s: %s", f.describeRefusal(t.report, run), errorWords(&f.Error),
			cutToWidth(shortenQuery(EscapeLine(f.Query), t.width/2), t.width/2)), t.Error)
	}
}

// errorWords is an error of the server on a line.
func errorWords(e *onward.ServerError) string {
	text := EscapeLine(e.Message)
	if e.Code != "" {
		text += " (" + EscapeLine(e.Code) + ")"
	}
	if e.Detail != "" {
		text += ". " + EscapeLine(e.Detail)
	}
	return text
}

// printDifferences prints where the model was wrong.
func (t *terminal) printDifferences(run *onward.Rehearsal) {
	for i := range run.Differences {
		t.addWrapped("  ", "    ", differenceWords(t.report, run, &run.Differences[i])+"; please report it", t.Warning)
	}
}

func differenceWords(r *onward.Report, run *onward.Rehearsal, d *onward.Difference) string {
	at := shortPlace(r, run, d.Statement)
	if at != "" {
		at = " at " + at
	}
	return fmt.Sprintf("onward's model was wrong%s on %s: it said %s for %s, the server did %s", at, nameServer(run), EscapeLine(d.Model),
		shortRelation(d.Relation), EscapeLine(d.Server))
}

// outcomeOf returns a rehearsal in a few words, for comparison with others.
func outcomeOf(run *onward.Rehearsal) string {
	words := []string{FormatMillis(timelineEnd(run))}
	failed := 0
	for i := range run.Statements {
		if run.Statements[i].Failed != nil {
			failed++
		}
	}
	if failed > 0 {
		words = append(words, fmt.Sprintf("%d failed", failed))
	}
	if t := run.Traffic; t != nil {
		if stalls := worstStalls(t); len(stalls) > 0 {
			words = append(words, "worst stall "+FormatMillis(stalls[0].UntilMS-stalls[0].FromMS), groupDigits(t.Waited)+" waited")
		} else {
			words = append(words, "no stall")
		}
	}
	if n := len(run.Differences); n > 0 {
		words = append(words, CountNoun(n, "difference"))
	}
	return strings.Join(words, ", ")
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
		t.addWrapped("       ", "       ", "in production: "+formatRange(e)+", at "+FormatNumber(e.Rows)+" rows of "+shortRelation(e.Relation), t.Dim)
	}
}
