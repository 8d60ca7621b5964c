package report

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/prose"
	"github.com/onward-sql/onward/onward"
)

// failedRun is a statement of a rehearsal that the server refused.
type failedRun struct {
	// statement is its index in Rehearsal.Statements.
	statement int
	place     string
	err       *onward.ServerError
}

// listFailedRuns returns the statements that the server refused, in order.
func listFailedRuns(r *onward.Report, run *onward.Rehearsal) (out []failedRun) {
	for i := range run.Statements {
		if f := run.Statements[i].Failed; f != nil {
			out = append(out, failedRun{i, shortPlace(r, run, i), f})
		}
	}
	return out
}

// lockStall is a time in which queries on a relation waited, with the statement whose lock they waited for.
type lockStall struct {
	waited, queries, relation string
	// blocked: the report has the statement.
	blocked    bool
	sql, place string
}

// listStalls returns the stalls of a rehearsal, longest first.
func listStalls(r *onward.Report, run *onward.Rehearsal) []lockStall {
	worst := worstStalls(run.Traffic)
	out := make([]lockStall, len(worst))
	for i := range worst {
		s := &worst[i]
		out[i] = lockStall{waited: FormatMillis(s.UntilMS - s.FromMS), queries: describeStall(s), relation: shortRelation(s.Relation)}
		if _, st := statementAt(r, run, s.Statement); st != nil {
			out[i].blocked, out[i].sql, out[i].place = true, EscapeLine(st.SQL), shortPlace(r, run, s.Statement)
		}
	}
	return out
}

// formatStall returns a stall in a sentence: "4.20 s: 118 queries on users waited for ALTER TABLE … (00043_rename.sql:4)". SQL is cut
// to width, and code marks names and SQL.
func (s *lockStall) formatStall(width int, code func(string) string) string {
	text := fmt.Sprintf("%s: %s on %s waited", s.waited, s.queries, code(s.relation))
	if s.blocked {
		text += fmt.Sprintf(" for %s (%s)", code(cutToWidth(s.sql, width)), code(s.place))
	}
	return text
}

// worstStalls returns the stalls, longest first.
func worstStalls(t *onward.Traffic) []onward.Stall {
	if t == nil {
		return nil
	}
	out := slices.Clone(t.Stalls)
	slices.SortStableFunc(out, func(a, b onward.Stall) int {
		return cmp.Compare(b.UntilMS-b.FromMS, a.UntilMS-a.FromMS)
	})
	return out
}

// describeStall names the queries of a stall: "118 queries", "3 writes".
func describeStall(s *onward.Stall) string {
	switch s.Kind {
	case "read", "write":
		return prose.CountNoun(s.Queries, s.Kind)
	}
	return prose.CountNoun(s.Queries, "query")
}

// describeCalm says that no query waited; "" if one did, or if there was no traffic.
func describeCalm(t *onward.Traffic) string {
	if t == nil || len(t.Stalls) > 0 {
		return ""
	}
	return "no query waited: " + countQueries(t.Queries) + ", the slowest " + FormatMillis(t.WorstMS)
}

// modelDifference is a place where model and server disagreed in a rehearsal.
type modelDifference struct {
	*onward.Difference
	run *onward.Rehearsal
}

// listDifferences returns where the model was wrong, in all rehearsals of a report.
func listDifferences(r *onward.Report) (out []modelDifference) {
	for i := range r.Rehearsals {
		run := &r.Rehearsals[i]
		for j := range run.Differences {
			out = append(out, modelDifference{&run.Differences[j], run})
		}
	}
	return out
}

// formatDifference returns a difference in a sentence.
func (d *modelDifference) formatDifference(r *onward.Report) string {
	at := shortPlace(r, d.run, d.Statement)
	if at != "" {
		at = " at " + at
	}
	return fmt.Sprintf("onward's model was wrong%s on %s: it said %s for %s, the server did %s", at, nameServer(d.run), EscapeLine(d.Model),
		shortRelation(d.Relation), EscapeLine(d.Server))
}

// listOtherRehearsals returns a line for each rehearsal after the first.
func listOtherRehearsals(r *onward.Report) (out []string) {
	for i := 1; i < len(r.Rehearsals); i++ {
		run := &r.Rehearsals[i]
		out = append(out, "also on "+nameServer(run)+": "+outcomeOf(r, run))
	}
	return out
}

// outcomeOf returns a rehearsal in a few words, for comparison with others.
func outcomeOf(r *onward.Report, run *onward.Rehearsal) string {
	words := []string{FormatMillis(timelineEnd(run))}
	if failed := len(listFailedRuns(r, run)); failed > 0 {
		words = append(words, fmt.Sprintf("%d failed", failed))
	}
	if t := run.Traffic; t != nil {
		if stalls := listStalls(r, run); len(stalls) > 0 {
			words = append(words, "worst stall "+stalls[0].waited, groupDigits(t.Waited)+" waited")
		} else {
			words = append(words, "no stall")
		}
	}
	if n := len(run.Differences); n > 0 {
		words = append(words, prose.CountNoun(n, "difference"))
	}
	return strings.Join(words, ", ")
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
