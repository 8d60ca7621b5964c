package html

import (
	"fmt"
	"strings"

	"github.com/onward-sql/onward/internal/prose"
	"github.com/onward-sql/onward/internal/report/escape"
	"github.com/onward-sql/onward/internal/report/view"
	"github.com/onward-sql/onward/internal/size"
	"github.com/onward-sql/onward/onward"
)

// listDifferences returns where the model was wrong, in all versions: the main one is first,
// and duplicates of other versions are left out.
func (b *pageBuilder) listDifferences() []pageDifference {
	var out []pageDifference
	reported := map[string]bool{}
	for _, d := range view.ListDifferences(b.report) {
		x := pageDifference{
			N: b.numberOf(d.Run, d.Statement), Place: view.NamePlace(b.report, d.Run, d.Statement), Relation: view.ShortenRelation(d.Relation),
			Model: escape.Line(d.Model), Server: escape.Line(d.Server), Version: view.NameServer(d.Run), Report: strings.TrimSpace(escape.Controls(d.Report)),
		}
		key := fmt.Sprintf("%q %q %q %q", x.Place, x.Relation, x.Model, x.Server)
		if !reported[key] || d.Run == b.run {
			out = append(out, x)
		}
		reported[key] = true
	}
	return out
}

// listFailures returns the queries of the traffic that the server began to refuse.
func (b *pageBuilder) listFailures() []pageFailure {
	var out []pageFailure
	if b.run.Traffic == nil {
		return nil
	}
	for i := range b.run.Traffic.Failures {
		f := &b.run.Traffic.Failures[i]
		precedingPlace := ""
		if f.After != nil {
			precedingPlace = view.NamePlace(b.report, b.run, *f.After)
		}
		out = append(out, pageFailure{
			Sender: escape.Line(f.Sender), After: precedingPlace,
			Relation: view.ShortenRelation(f.Relation), Query: escape.Line(f.Query), At: view.FormatMillis(f.AtMS), Count: prose.CountNoun(f.Count, "time"),
			Code: escape.Line(f.Error.Code), Message: escape.Line(f.Error.Message),
		})
	}
	return out
}

// describeMeasurement says how this was measured, and how to repeat it.
func (b *pageBuilder) describeMeasurement() *pageMeasured {
	run := b.run
	out := &pageMeasured{Command: b.rehearseCommand()}
	add := func(name, value string) { out.Rows = append(out.Rows, pageFact{name, value}) }
	versions := make([]string, len(b.report.Rehearsals))
	for i := range b.report.Rehearsals {
		versions[i] = view.NameServer(&b.report.Rehearsals[i])
	}
	add("Server", strings.Join(versions, ", ")+", ready after "+view.FormatMillis(run.ServerMS))
	if run.Chosen != "" {
		add("Version", escape.Line(run.Chosen))
	}
	role := "not a superuser"
	if run.Superuser {
		role = "a superuser, as was asked for"
	}
	add("Role", role)
	add("Base", describeBase(&run.Base))
	add("Rows", view.DescribeData(run))
	if t := run.Traffic; t != nil {
		text := "derived from the schema"
		if t.Source == "workload" {
			text = "the recorded workload"
		}
		add("Traffic", fmt.Sprintf("%s: %s, %s waited, %s failed; usually %s, at worst %s", text, view.CountQueries(t.Queries), view.GroupDigits(t.Waited),
			view.GroupDigits(t.Failed), view.FormatMillis(t.UsualMS), view.FormatMillis(t.WorstMS)))
		out.Notes = append(out.Notes, view.DescribeRecording(t, 100)...)
		if l := t.LongTransaction; l != nil {
			add("Long transaction", view.FormatMillis(l.UntilMS-l.FromMS)+", reading only")
		}
	} else {
		add("Traffic", "none")
	}
	add("Release", prose.CountNoun(len(run.Statements), "statement")+" in "+view.FormatMillis(run.DurationMS))
	if s := b.report.Sizes; s != nil {
		text := "sizes of production"
		if s.Taken != "" {
			text += ", taken " + escape.Line(s.Taken)
		}
		add("Estimates", text)
	}
	for _, t := range run.Tables {
		words := view.GroupDigits(int(t.Rows)) + " " + prose.Pluralize(t.Rows, "row") + ", " + size.FormatBytes(t.Bytes)
		out.Tables = append(out.Tables, pageFact{view.ShortenRelation(t.Relation), words})
	}
	for _, n := range run.Notes {
		out.Notes = append(out.Notes, escape.Line(n))
	}
	return out
}

func describeBase(b *onward.RehearsalBase) string {
	timing := "in " + view.FormatMillis(b.DurationMS)
	if b.Cached {
		timing += ", from the cache"
	}
	switch b.From {
	case "schema":
		return "a schema file, " + timing
	case "dump":
		return "a dump, " + timing
	}
	return prose.CountNoun(b.Migrations, "migration") + ", " + timing
}

// rehearseCommand returns the command line that repeats the rehearsal.
func (b *pageBuilder) rehearseCommand() []string {
	run := b.run
	words := []string{"onward rehearse"}
	flag := func(name, value string) { words = append(words, "--"+name+" "+escape.QuoteShell(value)) }
	if b.report.Base != "" {
		flag("base", b.report.Base)
	}
	if b.report.Head != "" {
		flag("head", b.report.Head)
	}
	var majors []string
	for i := range b.report.Rehearsals {
		majors = append(majors, fmt.Sprint(b.report.Rehearsals[i].Postgres))
	}
	flag("pg", strings.Join(majors, ","))
	switch run.Base.From {
	case "schema":
		flag("schema", "FILE")
	case "dump":
		flag("dump", "FILE")
	}
	var rows []string
	for _, t := range run.Tables {
		if t.Rows > 0 {
			rows = append(rows, fmt.Sprintf("%s=%d", view.ShortenRelation(t.Relation), t.Rows))
		}
	}
	if len(rows) > 0 && run.Base.From != "dump" {
		flag("rows", strings.Join(rows, ","))
		flag("seed", fmt.Sprint(run.Seed))
	}
	if run.Superuser {
		words = append(words, "--superuser")
	}
	if t := run.Traffic; t != nil {
		words = append(words, "--traffic")
		if t.Recorded != nil {
			flag("workload", "FILE")
		}
		if l := t.LongTransaction; l != nil && l.UntilMS > l.FromMS {
			flag("long-transaction", fmt.Sprintf("%.3gs", (l.UntilMS-l.FromMS)/1000))
		}
	}
	return append(words, "--html rehearsal.html")
}

// pageWaiter is a sender whose queries waited.
type pageWaiter struct {
	Who, Query, Worst, Waits, For, Place string
	N                                    int
}

func (b *pageBuilder) listWaiters() (out []pageWaiter) {
	if b.run.Traffic == nil {
		return nil
	}
	for i := range b.run.Traffic.Waiters {
		w := &b.run.Traffic.Waiters[i]
		x := pageWaiter{Who: escape.Line(w.Sender), Query: escape.Line(w.Query), Worst: view.FormatMillis(w.WorstMS), Waits: prose.CountNoun(w.Waits, "time")}
		if w.Queries > 1 {
			x.Waits += fmt.Sprintf(", %d queries", w.Queries)
		}
		if _, st := view.FindStatement(b.report, b.run, w.Statement); st != nil {
			x.For, x.N = escape.Line(st.SQL), b.numberOf(b.run, w.Statement)
		}
		out = append(out, x)
	}
	return out
}
