// Package report prints an [onward.Report]: one file per format, each a pure
// function from the report to a writer. What a report says comes from
// strangers' migrations, so every format escapes everything that is not plain
// text: control characters, escape sequences, text direction, markup.
package report

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/onward-sql/onward/onward"
)

// Format names a way to print a report.
type Format string

// The formats.
const (
	FormatTerminal   Format = "terminal"
	FormatJSON       Format = "json"
	FormatMarkdown   Format = "markdown"
	FormatGitHub     Format = "github"
	FormatHTML       Format = "html"
	FormatSARIF      Format = "sarif"
	FormatGitLab     Format = "gitlab"
	FormatJUnit      Format = "junit"
	FormatCheckstyle Format = "checkstyle"
	FormatGCC        Format = "gcc"
)

// formats are in the order in which help texts name them.
var formats = []struct {
	name  Format
	write func(io.Writer, *onward.Report, Options) error
}{
	{FormatTerminal, Terminal},
	{FormatJSON, same(JSON)},
	{FormatMarkdown, same(Markdown)},
	{FormatGitHub, same(GitHub)},
	{FormatHTML, same(HTML)},
	{FormatSARIF, same(SARIF)},
	{FormatGitLab, same(GitLab)},
	{FormatJUnit, same(JUnit)},
	{FormatCheckstyle, same(Checkstyle)},
	{FormatGCC, same(GCC)},
}

// same is a format that no option changes.
func same(write func(io.Writer, *onward.Report) error) func(io.Writer, *onward.Report, Options) error {
	return func(w io.Writer, r *onward.Report, _ Options) error { return write(w, r) }
}

// Formats lists the formats in the order in which help texts name them.
func Formats() []Format {
	var out []Format
	for _, f := range formats {
		out = append(out, f.name)
	}
	return out
}

// Options say how a report is printed. The zero value is plain text, 100
// columns wide.
type Options struct {
	// Color: escape sequences may be used. Colour never carries a meaning
	// that a word does not carry too.
	Color bool
	// Links: names of rules lead to their pages, in a terminal that understands that.
	Links bool
	// Width in columns; 0 is 100. Less than 60 is taken as 60, more than 100
	// as 100: longer lines are hard to read.
	Width int
	// Verbose prints every statement and every effect, and SQL in full.
	Verbose bool
	// Brief lists the migrations with findings only: the report was made
	// without changes and statements.
	Brief bool
	// Quiet prints the findings and the verdict only.
	Quiet bool
	// Dir is the directory, relative to the repository's root with forward
	// slashes, that the terminal's paths are relative to, so that they can
	// be clicked; "" is the root.
	Dir string
}

// Write prints a report in a format.
func Write(w io.Writer, f Format, r *onward.Report, o Options) error {
	for i := range formats {
		if formats[i].name == f {
			return formats[i].write(w, r, o)
		}
	}
	return fmt.Errorf("unknown format %q: it is one of %v", f, Formats())
}

// maxReport bounds what Read takes in: 256 MB.
const maxReport = 256 << 20

// Read reads a report that JSON wrote.
func Read(in io.Reader) (*onward.Report, error) {
	data, err := io.ReadAll(io.LimitReader(in, maxReport+1))
	if err != nil {
		return nil, err
	}
	if len(data) > maxReport {
		return nil, fmt.Errorf("the report is larger than %d MB", maxReport>>20)
	}
	r := &onward.Report{}
	if err := json.Unmarshal(data, r); err != nil {
		return nil, fmt.Errorf("not a report of onward: %w", err)
	}
	if r.Schema != onward.ReportSchema {
		return nil, fmt.Errorf("the schema is %q; this version reads %s", r.Schema, onward.ReportSchema)
	}
	return r, nil
}

// ReadStrictly reads a report that a stranger may have written: an unknown key and text after the report are errors, too.
//
// Errors: those of [Read].
func ReadStrictly(data []byte) (*onward.Report, error) {
	d := json.NewDecoder(bytes.NewReader(data))
	d.DisallowUnknownFields()
	if err := d.Decode(&onward.Report{}); err != nil {
		return nil, fmt.Errorf("not a report of onward: %w", err)
	}
	return Read(bytes.NewReader(data))
}

// judgedFor says for which versions a release was judged, and what tells the oldest:
// "Postgres 16 to 18 (compose.yaml)".
func judgedFor(r *onward.Report) string {
	if r.PostgresFrom == "" {
		return Versions(r.Postgres)
	}
	return Versions(r.Postgres) + " (" + Line(r.PostgresFrom) + ")"
}

// Versions spells major versions: "Postgres 14 to 18", "Postgres 13, 15".
func Versions(majors []int) string {
	switch n := len(majors); {
	case n == 0:
		return "Postgres"
	case n == 1:
		return fmt.Sprintf("Postgres %d", majors[0])
	case majors[n-1]-majors[0] == n-1:
		return fmt.Sprintf("Postgres %d to %d", majors[0], majors[n-1])
	}
	words := make([]string, len(majors))
	for i, m := range majors {
		words[i] = strconv.Itoa(m)
	}
	return "Postgres " + strings.Join(words, ", ")
}

// Count spells a number with its noun: "1 error", "2 errors", "3 queries".
func Count(n int, noun string) string { return strconv.Itoa(n) + " " + plural(int64(n), noun) }

// plural is a noun as a number needs it.
func plural(n int64, noun string) string {
	if n == 1 {
		return noun
	}
	if stem, ok := strings.CutSuffix(noun, "query"); ok {
		return stem + "queries"
	}
	return noun + "s"
}

// noun is what a report counts: files that were named have no revisions.
func noun(r *onward.Report) string {
	if revisions(r) == "" {
		return "file"
	}
	return "migration"
}

// found are the findings by their severity: "2 errors", "1 note".
func found(s *onward.Summary) []string {
	var out []string
	for _, c := range []struct {
		n    int
		noun string
	}{{s.Errors, "error"}, {s.Warnings, "warning"}, {s.Infos, "note"}} {
		if c.n > 0 {
			out = append(out, Count(c.n, c.noun))
		}
	}
	return out
}

// counts is the summary in a line: "2 errors in 3 migrations, 1 not judged".
func counts(r *onward.Report) string {
	s := &r.Summary
	text := cmp.Or(strings.Join(found(s), ", "), "no findings") + " in " + Count(s.Migrations, noun(r))
	if s.Suppressed > 0 {
		text += fmt.Sprintf(", %d suppressed", s.Suppressed)
	}
	if s.Opaque > 0 {
		text += fmt.Sprintf(", %d not judged", s.Opaque)
	}
	return text
}

// verdict is the report's sentence, or a plain one where it has none.
func verdict(r *onward.Report) string {
	switch {
	case r.Summary.Verdict != "":
		return Line(r.Summary.Verdict)
	case r.Summary.Safe:
		return "safe to deploy"
	case len(r.Summary.Conditions) > 0:
		return "safe to deploy if " + Line(strings.Join(r.Summary.Conditions, ", and "))
	case r.Summary.Withheld != "":
		return "nothing is said about a deploy"
	case r.Summary.Errors == 0:
		return "not everything could be judged"
	}
	return "not safe to deploy"
}

// revisions names what was compared: "main...feature".
func revisions(r *onward.Report) string {
	switch {
	case r.Base == "" && r.Head == "":
		return ""
	case r.Base == "":
		return Line(r.Head)
	case r.Head == "":
		return Line(r.Base)
	}
	return Line(r.Base) + "..." + Line(r.Head)
}

// place is "path:line:column", or as much of it as is known.
func place(path string, line, column int) string {
	switch {
	case line <= 0:
		return path
	case column <= 0:
		return fmt.Sprintf("%s:%d", path, line)
	}
	return fmt.Sprintf("%s:%d:%d", path, line, column)
}

// relation is a relation's name for people: the schema public is not named.
func relation(name string) string { return Line(strings.TrimPrefix(name, "public.")) }

// locked is the relation of an effect, with a word on one that the release makes.
func locked(e *onward.Effect) string {
	name := relation(e.Relation)
	if e.New {
		name += " (new)"
	}
	return name
}

// whom says who waits for a lock.
func whom(who []string) string {
	if len(who) == 0 {
		return "nobody"
	}
	words := make([]string, len(who))
	for i, w := range who {
		words[i] = w + "s"
	}
	return Line(strings.Join(words, " and "))
}

// kept says who waits for what a statement does to a relation: for its lock on that, or
// for those on the rows.
func kept(e *onward.Effect) string {
	if len(e.Blocks) == 0 && e.RowLocks && !e.New {
		return "writers of the same rows"
	}
	return whom(e.Blocks)
}

// worked names the work on a relation; "" for none.
func worked(e *onward.Effect) string {
	switch {
	case e.Emptied:
		return "emptied"
	case e.Work == onward.Scan && e.RowLocks:
		return "writes rows"
	}
	return doing[e.Work]
}

// transactionWords says how a migration is sent.
func transactionWords(m *onward.Migration) string {
	switch m.Transaction {
	case onward.TransactionFile:
		return "one transaction"
	case onward.TransactionMessage:
		return "one message, an implicit transaction"
	case onward.TransactionPipeline:
		return "one pipeline, an implicit transaction"
	case onward.TransactionNone:
		return ownTransaction(m)
	}
	return Line(string(m.Transaction))
}

// ownTransaction tells of a file that nothing is put around: whether it has a
// BEGIN of its own.
func ownTransaction(m *onward.Migration) string {
	inside := 0
	for i := range m.Statements {
		if m.Statements[i].Transaction > 0 {
			inside++
		}
	}
	switch {
	case inside == 0:
		return "not in a transaction"
	case inside == len(m.Statements) && m.Statements[0].Transaction == m.Statements[inside-1].Transaction:
		return "one transaction of its own"
	case inside == len(m.Statements):
		return "transactions of its own"
	}
	return "in part in a transaction of its own"
}

// existing are the effects that other sessions can feel.
func existing(effects []onward.Effect) []onward.Effect {
	var out []onward.Effect
	for _, e := range effects {
		if !e.New {
			out = append(out, e)
		}
	}
	return out
}

// shownEffects are those on the relations that are shown: what the release makes locks nobody out.
func shownEffects(effects []onward.Effect, verbose bool) []onward.Effect {
	if verbose {
		return effects
	}
	return existing(effects)
}
