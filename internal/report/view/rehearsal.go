package view

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/prose"
	"github.com/onward-sql/onward/internal/report/block"
	"github.com/onward-sql/onward/internal/report/escape"
	"github.com/onward-sql/onward/internal/size"
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
	worst := sortStalls(run.Traffic)
	out := make([]LockStall, len(worst))
	for i := range worst {
		s := &worst[i]
		out[i] = LockStall{Waited: FormatMillis(s.UntilMS - s.FromMS), queries: DescribeStall(s), relation: ShortenRelation(s.Relation)}
		if _, st := FindStatement(r, run, s.Statement); st != nil {
			out[i].blocked, out[i].sql, out[i].place = true, st.SQL, NamePlace(r, run, s.Statement)
		}
	}
	return out
}

// formatStall returns a stall in a sentence after a word: "worst stall 4.20 s: 118 queries on users waited for ALTER TABLE …
// (00043_rename.sql:4)". SQL is cut to width.
func (s *LockStall) formatStall(word string, width int) block.Text {
	text := block.Say(word + " " + s.Waited + ": " + s.queries + " on ").Code(s.relation).Say(" waited")
	if s.blocked {
		text = text.Say(" for ").Cut(s.sql, width).Say(" (").Code(s.place).Say(")")
	}
	return text
}

// sortStalls returns the stalls, longest first.
func sortStalls(t *onward.Traffic) []onward.Stall {
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

// describeNoWaits says that no query waited; "" if one did, or if there was no traffic.
func describeNoWaits(t *onward.Traffic) string {
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

// formatDifference returns a difference in a sentence.
func (d *ModelDifference) formatDifference(r *onward.Report) string {
	place := NamePlace(r, d.Run, d.Statement)
	if place != "" {
		place = " at " + place
	}
	return fmt.Sprintf("onward's model was wrong%s on %s: it said %s for %s, the server did %s", place, NameServer(d.Run), escape.Line(d.Model),
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

// FindStatement returns the statement that ran; nil if the index is invalid.
func FindStatement(r *onward.Report, run *onward.Rehearsal, i int) (*onward.Migration, *onward.Statement) {
	if i < 0 || i >= len(run.Statements) {
		return nil, nil
	}
	s := &run.Statements[i]
	if s.Migration < 0 || s.Migration >= len(r.Migrations) {
		return nil, nil
	}
	m := &r.Migrations[s.Migration]
	if s.Statement < 0 || s.Statement >= len(m.Statements) {
		return m, nil
	}
	return m, &m.Statements[s.Statement]
}

// NamePlace names a statement by its file and line: "00043_rename.sql:4".
func NamePlace(r *onward.Report, run *onward.Rehearsal, i int) string {
	m, s := FindStatement(r, run, i)
	switch {
	case m == nil:
		return ""
	case s == nil:
		return escape.Line(ShortName(m.Path))
	}
	return NameLine(m.Path, s.Line)
}

// DescribeData describes the data of a rehearsal: "5 tables with 6.0 M rows, seed 1".
func DescribeData(r *onward.Rehearsal) string {
	var rows int64
	tables := 0
	for _, t := range r.Tables {
		if t.Rows > 0 {
			rows += t.Rows
			tables++
		}
	}
	if tables == 0 {
		return "empty tables" + describeInventedTraffic(r)
	}
	text := prose.CountNoun(tables, "table") + " with " + size.FormatCount(rows) + " rows"
	if rows == 1 {
		text = "1 table with 1 row"
	}
	if r.Base.From == "dump" {
		return text + ", from a dump" + describeInventedTraffic(r)
	}
	return fmt.Sprintf("%s, seed %d", text, r.Seed) + describeInventedTraffic(r)
}

// describeInventedTraffic says that the queries during the release were generated and not recorded.
func describeInventedTraffic(r *onward.Rehearsal) string {
	if r.Traffic == nil || r.Traffic.Recorded != nil {
		return ""
	}
	return ", invented traffic"
}

// NameServer names the server of a rehearsal: "Postgres 17.11".
func NameServer(r *onward.Rehearsal) string {
	if v := escape.Line(r.Version); v != "" {
		return "Postgres " + v
	}
	return fmt.Sprintf("Postgres %d", r.Postgres)
}
