package report

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/onward-sql/onward/onward"
)

// differences are the places where the model was wrong, of all versions: the
// main one first, and what another says too is not said twice.
func (b *htmlBuilder) differences() []htmlDifference {
	var out []htmlDifference
	said := map[string]bool{}
	for i := range b.report.Rehearsals {
		run := &b.report.Rehearsals[i]
		for _, d := range run.Differences {
			x := htmlDifference{
				N: b.numberOf(run, d.Statement), Place: shortPlace(b.report, run, d.Statement), Relation: relation(d.Relation),
				Model: Line(d.Model), Server: Line(d.Server), Version: server(run), Report: strings.TrimSpace(Visible(d.Report)),
			}
			key := fmt.Sprintf("%q %q %q %q", x.Place, x.Relation, x.Model, x.Server)
			if !said[key] || i == 0 {
				out = append(out, x)
			}
			said[key] = true
		}
	}
	return out
}

// failures are the queries of the traffic that the server began to refuse.
func (b *htmlBuilder) failures() []htmlFailure {
	var out []htmlFailure
	if b.run.Traffic == nil {
		return nil
	}
	for i := range b.run.Traffic.Failures {
		f := &b.run.Traffic.Failures[i]
		behind := ""
		if f.After != nil {
			behind = shortPlace(b.report, b.run, *f.After)
		}
		out = append(out, htmlFailure{
			Sender: Line(f.Sender), After: behind,
			Relation: relation(f.Relation), Query: Line(f.Query), At: Millis(f.AtMS), Count: Count(f.Count, "time"),
			Code: Line(f.Error.Code), Message: Line(f.Error.Message),
		})
	}
	return out
}

// measured says how this was measured, and how to do it again.
func (b *htmlBuilder) measured() *htmlMeasured {
	run := b.run
	out := &htmlMeasured{Command: b.command()}
	add := func(name, value string) { out.Rows = append(out.Rows, htmlFact{name, value}) }
	versions := make([]string, len(b.report.Rehearsals))
	for i := range b.report.Rehearsals {
		versions[i] = server(&b.report.Rehearsals[i])
	}
	add("Server", strings.Join(versions, ", ")+", ready after "+Millis(run.ServerMS))
	if run.Chosen != "" {
		add("Version", Line(run.Chosen))
	}
	role := "not a superuser"
	if run.Superuser {
		role = "a superuser, as was asked for"
	}
	add("Role", role)
	add("Base", baseWords(&run.Base))
	add("Rows", data(run))
	if t := run.Traffic; t != nil {
		text := "derived from the schema"
		if t.Source == "workload" {
			text = "the recorded workload"
		}
		add("Traffic", fmt.Sprintf("%s: %s, %s waited, %s failed; usually %s, at worst %s", text, queries(t.Queries), grouped(t.Waited), grouped(t.Failed), Millis(t.UsualMS), Millis(t.WorstMS)))
		out.Notes = append(out.Notes, recordedWords(t, 100)...)
		if l := t.LongTransaction; l != nil {
			add("Long transaction", Millis(l.UntilMS-l.FromMS)+", reading only")
		}
	} else {
		add("Traffic", "none")
	}
	add("Release", Count(len(run.Statements), "statement")+" in "+Millis(run.DurationMS))
	if s := b.report.Sizes; s != nil {
		text := "sizes of production"
		if s.Taken != "" {
			text += ", taken " + Line(s.Taken)
		}
		add("Estimates", text)
	}
	for _, t := range run.Tables {
		out.Tables = append(out.Tables, htmlFact{relation(t.Relation), grouped(int(t.Rows)) + " " + plural(t.Rows, "row") + ", " + Bytes(t.Bytes)})
	}
	for _, n := range run.Notes {
		out.Notes = append(out.Notes, Line(n))
	}
	return out
}

func baseWords(b *onward.RehearsalBase) string {
	how := "in " + Millis(b.DurationMS)
	if b.Cached {
		how += ", from the cache"
	}
	switch b.From {
	case "schema":
		return "a schema file, " + how
	case "dump":
		return "a dump, " + how
	}
	return Count(b.Migrations, "migration") + ", " + how
}

// command is the command line that rehearses the same again.
func (b *htmlBuilder) command() []string {
	run := b.run
	words := []string{"onward rehearse"}
	flag := func(name, value string) { words = append(words, "--"+name+" "+shellWord(value)) }
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
			rows = append(rows, fmt.Sprintf("%s=%d", relation(t.Relation), t.Rows))
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

var shellSafe = regexp.MustCompile(`^[A-Za-z0-9_./:=,@%+-]+$`)

// shellWord is a word for a shell, quoted where it must be.
func shellWord(s string) string {
	s = Line(s)
	if shellSafe.MatchString(s) {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}
