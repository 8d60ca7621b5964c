package view

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/prose"
	"github.com/onward-sql/onward/internal/report/escape"
	"github.com/onward-sql/onward/onward"
)

// FailedRun is a statement of a rehearsal that the server refused.
type FailedRun struct {
	// Statement is its index in Rehearsal.Statements.
	Statement int
	Place     string
	Err       *onward.ServerError
}

// ListFailedRuns returns the statements that the server refused, in order.
func ListFailedRuns(r *onward.Report, run *onward.Rehearsal) (out []FailedRun) {
	for i := range run.Statements {
		if f := run.Statements[i].Failed; f != nil {
			out = append(out, FailedRun{i, NamePlace(r, run, i), f})
		}
	}
	return out
}

// LockStall is a time in which queries on a relation waited, with the statement whose lock they waited for.
type LockStall struct {
	Waited, queries, relation string
	// blocked: the report has the statement.
	blocked    bool
	sql, place string
}

// ListStalls returns the stalls of a rehearsal, longest first.
func ListStalls(r *onward.Report, run *onward.Rehearsal) []LockStall {
	worst := worstStalls(run.Traffic)
	out := make([]LockStall, len(worst))
	for i := range worst {
		s := &worst[i]
		out[i] = LockStall{Waited: FormatMillis(s.UntilMS - s.FromMS), queries: DescribeStall(s), relation: ShortenRelation(s.Relation)}
		if _, st := FindStatement(r, run, s.Statement); st != nil {
			out[i].blocked, out[i].sql, out[i].place = true, escape.Line(st.SQL), NamePlace(r, run, s.Statement)
		}
	}
	return out
}

// FormatStall returns a stall in a sentence: "4.20 s: 118 queries on users waited for ALTER TABLE … (00043_rename.sql:4)". SQL is cut
// to width, and code marks names and SQL.
func (s *LockStall) FormatStall(width int, code func(string) string) string {
	text := fmt.Sprintf("%s: %s on %s waited", s.Waited, s.queries, code(s.relation))
	if s.blocked {
		text += fmt.Sprintf(" for %s (%s)", code(CutToWidth(s.sql, width)), code(s.place))
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

// DescribeStall names the queries of a stall: "118 queries", "3 writes".
func DescribeStall(s *onward.Stall) string {
	switch s.Kind {
	case "read", "write":
		return prose.CountNoun(s.Queries, s.Kind)
	}
	return prose.CountNoun(s.Queries, "query")
}

// DescribeCalm says that no query waited; "" if one did, or if there was no traffic.
func DescribeCalm(t *onward.Traffic) string {
	if t == nil || len(t.Stalls) > 0 {
		return ""
	}
	return "no query waited: " + CountQueries(t.Queries) + ", the slowest " + FormatMillis(t.WorstMS)
}

// ModelDifference is a place where model and server disagreed in a rehearsal.
type ModelDifference struct {
	*onward.Difference
	Run *onward.Rehearsal
}

// ListDifferences returns where the model was wrong, in all rehearsals of a report.
func ListDifferences(r *onward.Report) (out []ModelDifference) {
	for i := range r.Rehearsals {
		run := &r.Rehearsals[i]
		for j := range run.Differences {
			out = append(out, ModelDifference{&run.Differences[j], run})
		}
	}
	return out
}

// FormatDifference returns a difference in a sentence.
func (d *ModelDifference) FormatDifference(r *onward.Report) string {
	at := NamePlace(r, d.Run, d.Statement)
	if at != "" {
		at = " at " + at
	}
	return fmt.Sprintf("onward's model was wrong%s on %s: it said %s for %s, the server did %s", at, NameServer(d.Run), escape.Line(d.Model),
		ShortenRelation(d.Relation), escape.Line(d.Server))
}

// ListOtherRehearsals returns a line for each rehearsal after the first.
func ListOtherRehearsals(r *onward.Report) (out []string) {
	for i := 1; i < len(r.Rehearsals); i++ {
		run := &r.Rehearsals[i]
		out = append(out, "also on "+NameServer(run)+": "+DescribeRehearsal(r, run))
	}
	return out
}

// DescribeRehearsal returns a rehearsal in a few words, for comparison with others.
func DescribeRehearsal(r *onward.Report, run *onward.Rehearsal) string {
	words := []string{FormatMillis(TimelineEnd(run))}
	if failed := len(ListFailedRuns(r, run)); failed > 0 {
		words = append(words, fmt.Sprintf("%d failed", failed))
	}
	if t := run.Traffic; t != nil {
		if stalls := ListStalls(r, run); len(stalls) > 0 {
			words = append(words, "worst stall "+stalls[0].Waited, GroupDigits(t.Waited)+" waited")
		} else {
			words = append(words, "no stall")
		}
	}
	if n := len(run.Differences); n > 0 {
		words = append(words, prose.CountNoun(n, "difference"))
	}
	return strings.Join(words, ", ")
}

// DescribeError is an error of the server on a line.
func DescribeError(e *onward.ServerError) string {
	text := escape.Line(e.Message)
	if e.Code != "" {
		text += " (" + escape.Line(e.Code) + ")"
	}
	if e.Detail != "" {
		text += ". " + escape.Line(e.Detail)
	}
	return text
}
