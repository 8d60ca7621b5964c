package report

import (
	"fmt"
	"strings"

	"github.com/onward-sql/onward/internal/lazyregexp"
	"github.com/onward-sql/onward/internal/prose"
	"github.com/onward-sql/onward/internal/size"
	"github.com/onward-sql/onward/onward"
)

// listDifferences returns where the model was wrong, in all versions: the main one is first,
// and duplicates of other versions are left out.
func (b *pageBuilder) listDifferences() []pageDifference {
	var out []pageDifference
	reported := map[string]bool{}
	for _, d := range listDifferences(b.report) {
		x := pageDifference{
			N: b.numberOf(d.run, d.Statement), Place: shortPlace(b.report, d.run, d.Statement), Relation: shortRelation(d.Relation),
			Model: EscapeLine(d.Model), Server: EscapeLine(d.Server), Version: nameServer(d.run), Report: strings.TrimSpace(EscapeControls(d.Report)),
		}
		key := fmt.Sprintf("%q %q %q %q", x.Place, x.Relation, x.Model, x.Server)
		if !reported[key] || d.run == b.run {
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
		behind := ""
		if f.After != nil {
			behind = shortPlace(b.report, b.run, *f.After)
		}
		out = append(out, pageFailure{
			Sender: EscapeLine(f.Sender), After: behind,
			Relation: shortRelation(f.Relation), Query: EscapeLine(f.Query), At: FormatMillis(f.AtMS), Count: prose.CountNoun(f.Count, "time"),
			Code: EscapeLine(f.Error.Code), Message: EscapeLine(f.Error.Message),
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
		versions[i] = nameServer(&b.report.Rehearsals[i])
	}
	add("Server", strings.Join(versions, ", ")+", ready after "+FormatMillis(run.ServerMS))
	if run.Chosen != "" {
		add("Version", EscapeLine(run.Chosen))
	}
	role := "not a superuser"
	if run.Superuser {
		role = "a superuser, as was asked for"
	}
	add("Role", role)
	add("Base", baseWords(&run.Base))
	add("Rows", describeData(run))
	if t := run.Traffic; t != nil {
		text := "derived from the schema"
		if t.Source == "workload" {
			text = "the recorded workload"
		}
		add("Traffic", fmt.Sprintf("%s: %s, %s waited, %s failed; usually %s, at worst %s", text, countQueries(t.Queries), groupDigits(t.Waited),
			groupDigits(t.Failed), FormatMillis(t.UsualMS), FormatMillis(t.WorstMS)))
		out.Notes = append(out.Notes, recordedWords(t, 100)...)
		if l := t.LongTransaction; l != nil {
			add("Long transaction", FormatMillis(l.UntilMS-l.FromMS)+", reading only")
		}
	} else {
		add("Traffic", "none")
	}
	add("Release", prose.CountNoun(len(run.Statements), "statement")+" in "+FormatMillis(run.DurationMS))
	if s := b.report.Sizes; s != nil {
		text := "sizes of production"
		if s.Taken != "" {
			text += ", taken " + EscapeLine(s.Taken)
		}
		add("Estimates", text)
	}
	for _, t := range run.Tables {
		out.Tables = append(out.Tables, pageFact{shortRelation(t.Relation), groupDigits(int(t.Rows)) + " " + prose.Pluralize(t.Rows, "row") + ", " + size.FormatBytes(t.Bytes)})
	}
	for _, n := range run.Notes {
		out.Notes = append(out.Notes, EscapeLine(n))
	}
	return out
}

func baseWords(b *onward.RehearsalBase) string {
	how := "in " + FormatMillis(b.DurationMS)
	if b.Cached {
		how += ", from the cache"
	}
	switch b.From {
	case "schema":
		return "a schema file, " + how
	case "dump":
		return "a dump, " + how
	}
	return prose.CountNoun(b.Migrations, "migration") + ", " + how
}

// rehearseCommand returns the command line that repeats the rehearsal.
func (b *pageBuilder) rehearseCommand() []string {
	run := b.run
	words := []string{"onward rehearse"}
	flag := func(name, value string) { words = append(words, "--"+name+" "+QuoteShell(value)) }
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
			rows = append(rows, fmt.Sprintf("%s=%d", shortRelation(t.Relation), t.Rows))
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

var shellSafe = lazyregexp.New(`^[A-Za-z0-9_./:=,@%+-]+$`)

// QuoteShell returns a word for a POSIX shell, with control characters escaped, and quoted if necessary.
func QuoteShell(s string) string {
	s = EscapeLine(s)
	if shellSafe.MatchString(s) {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}
