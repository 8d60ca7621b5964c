package report

import (
	"fmt"
	"slices"
	"strings"

	"github.com/onward-sql/onward/onward"
)

// stalls says who waited for what, worst first.
func (t *terminal) stalls(run *onward.Rehearsal) {
	stalls := worstStalls(run.Traffic)
	for i := range stalls {
		if i == maxStallLines && !t.verbose {
			t.line("  ", t.paint(t.Dim, fmt.Sprintf("and %s (-v shows them)", Count(len(stalls)-i, "shorter stall"))))
			break
		}
		word := "stall "
		if i == 0 {
			word = "worst stall "
		}
		t.wrap("  ", "    ", word+stallWords(t.report, run, &stalls[i], t.width/2), t.Warning)
	}
	if run.Traffic != nil && len(stalls) == 0 {
		t.wrap("  ", "    ", "no query stood still: "+queries(run.Traffic.Queries)+", the slowest "+Millis(run.Traffic.WorstMS), t.OK)
	}
}

// stallWords is a stall in a sentence: "4.20 s: 118 queries on users waited
// for ALTER TABLE … (00043_rename.sql:4)".
func stallWords(r *onward.Report, run *onward.Rehearsal, s *onward.Stall, width int) string {
	text := fmt.Sprintf("%s: %s on %s waited", Millis(s.UntilMS-s.FromMS), kinds(s), relation(s.Relation))
	if _, st := rehearsed(r, run, s.Statement); st != nil {
		text += fmt.Sprintf(" for %s (%s)", shorten(Line(st.SQL), width), shortPlace(r, run, s.Statement))
	}
	return text
}

// failures says what the server refused: statements, then queries of the
// traffic.
func (t *terminal) failures(run *onward.Rehearsal) {
	for i := range run.Statements {
		if f := run.Statements[i].Failed; f != nil {
			t.wrap("  ", "    ", strings.TrimSpace(shortPlace(t.report, run, i)+" failed: "+errorWords(f)), t.Error)
		}
	}
	list := refusals(run.Traffic)
	for i := range list {
		f := &list[i]
		if i == maxRefusalLines && !t.verbose {
			t.line("  ", t.paint(t.Error, fmt.Sprintf("and %d more (-v shows them)", len(list)-i)))
			break
		}
		t.wrap("  ", "    ", fmt.Sprintf("%s: %s: %s", f.words(t.report, run), errorWords(&f.Error), shorten(gist(Line(f.Query), t.width/2), t.width/2)), t.Error)
	}
}

// errorWords is an error of the server on a line.
func errorWords(e *onward.ServerError) string {
	text := Line(e.Message)
	if e.Code != "" {
		text += " (" + Line(e.Code) + ")"
	}
	if e.Detail != "" {
		text += ". " + Line(e.Detail)
	}
	return text
}

// differences says where onward was wrong.
func (t *terminal) differences(run *onward.Rehearsal) {
	for i := range run.Differences {
		t.wrap("  ", "    ", differenceWords(t.report, run, &run.Differences[i])+"; please report it", t.Warning)
	}
}

func differenceWords(r *onward.Report, run *onward.Rehearsal, d *onward.Difference) string {
	at := shortPlace(r, run, d.Statement)
	if at != "" {
		at = " at " + at
	}
	return fmt.Sprintf("onward's model was wrong%s on %s: it said %s for %s, the server did %s", at, server(run), Line(d.Model), relation(d.Relation), Line(d.Server))
}

// outcomeOf is a rehearsal in a few words, to be compared with others.
func outcomeOf(run *onward.Rehearsal) string {
	words := []string{Millis(length(run))}
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
			words = append(words, "worst stall "+Millis(stalls[0].UntilMS-stalls[0].FromMS), grouped(t.Waited)+" waited")
		} else {
			words = append(words, "no stall")
		}
	}
	if n := len(run.Differences); n > 0 {
		words = append(words, Count(n, "difference"))
	}
	return strings.Join(words, ", ")
}

// observed says what the rehearsal saw of a statement: "held 4.21 s, 118
// queries waited up to 4.20 s".
func (t *terminal) observed(m *onward.Migration, at int) {
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
		t.wrap("       ", "       ", "failed: "+errorWords(s.Failed), t.Error)
	}
	if !t.verbose && s.Waited == 0 && s.StallMS == 0 {
		return
	}
	words := []string{"took " + Millis(s.UntilMS-s.FromMS)}
	held := 0.0
	for _, o := range s.Observed {
		if !o.New && o.HeldSince == nil {
			held = max(held, o.HeldMS)
		}
	}
	if s.WaitedMS > 0 {
		words = append(words, "waited "+Millis(s.WaitedMS))
	}
	if held > 0 {
		words = append(words, "held "+Millis(held))
	}
	style := t.Dim
	if s.Waited > 0 || s.StallMS > 0 {
		words = append(words, fmt.Sprintf("%s waited up to %s", queries(s.Waited), Millis(s.StallMS)))
		style = t.Warning
	}
	t.wrap("       ", "       ", "rehearsed: "+strings.Join(words, ", "), style)
	if e := s.Estimate; e != nil && t.verbose {
		t.wrap("       ", "       ", "in production: "+between(e)+", at "+Number(e.Rows)+" rows of "+relation(e.Relation), t.Dim)
	}
}
