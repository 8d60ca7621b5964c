// Package report prints an [onward.Report]: one file per format, each a pure
// function from the report to a writer. A report contains text from untrusted
// migrations, so every format escapes everything that is not plain text: control
// characters, escape sequences, text direction, markup.
package report

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/onward-sql/onward/internal/prose"
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
	{FormatJSON, ignoreOptions(JSON)},
	{FormatMarkdown, ignoreOptions(Markdown)},
	{FormatGitHub, ignoreOptions(GitHub)},
	{FormatHTML, ignoreOptions(HTML)},
	{FormatSARIF, ignoreOptions(SARIF)},
	{FormatGitLab, ignoreOptions(GitLab)},
	{FormatJUnit, ignoreOptions(JUnit)},
	{FormatCheckstyle, ignoreOptions(Checkstyle)},
	{FormatGCC, ignoreOptions(GCC)},
}

// ignoreOptions adapts a format that no option changes.
func ignoreOptions(write func(io.Writer, *onward.Report) error) func(io.Writer, *onward.Report, Options) error {
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
	// Color allows escape sequences. Colour never has a meaning that no word has.
	Color bool
	// Links makes the names of rules links to their pages, in a terminal that supports them.
	Links bool
	// Width is in columns; 0 means 100. It is limited to 60 to 100: longer lines are hard to read.
	Width int
	// Verbose prints every statement and every effect, and SQL in full.
	Verbose bool
	// Brief lists only the migrations with findings: the report has no changes and statements.
	Brief bool
	// Quiet prints the findings and the verdict only.
	Quiet bool
	// Dir is the directory that the terminal's paths are relative to, so that they can be clicked. It is relative to
	// the repository's root, with forward slashes; "" is the root.
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

// maxReport bounds the input of Read: 256 MB.
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

// ReadStrictly reads a report from an untrusted source: an unknown key and text after the report are errors, too.
//
// Errors: as for [Read].
func ReadStrictly(data []byte) (*onward.Report, error) {
	d := json.NewDecoder(bytes.NewReader(data))
	d.DisallowUnknownFields()
	if err := d.Decode(&onward.Report{}); err != nil {
		return nil, fmt.Errorf("not a report of onward: %w", err)
	}
	return Read(bytes.NewReader(data))
}

// judgedFor returns the versions for which a release was judged, and the file that names the oldest: "Postgres 16 to
// 18 (compose.yaml)".
func judgedFor(r *onward.Report) string {
	if r.PostgresFrom == "" {
		return FormatVersions(r.Postgres)
	}
	return FormatVersions(r.Postgres) + " (" + EscapeLine(r.PostgresFrom) + ")"
}

// FormatVersions spells major versions: "Postgres 14 to 18", "Postgres 13, 15".
func FormatVersions(majors []int) string {
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

// countedNoun returns what a report counts: files that the user named have no revisions.
func countedNoun(r *onward.Report) string {
	if comparedRevisions(r) == "" {
		return "file"
	}
	return "migration"
}

// countFindings returns the counts of findings by severity: "2 errors", "1 note".
func countFindings(s *onward.Summary) []string {
	var out []string
	for _, c := range []struct {
		n    int
		noun string
	}{{s.Errors, "error"}, {s.Warnings, "warning"}, {s.Infos, "note"}} {
		if c.n > 0 {
			out = append(out, prose.CountNoun(c.n, c.noun))
		}
	}
	return out
}

// summaryLine is the summary in a line: "2 errors in 3 migrations, 1 not judged".
func summaryLine(r *onward.Report) string {
	s := &r.Summary
	text := cmp.Or(strings.Join(countFindings(s), ", "), "no findings") + " in " + prose.CountNoun(s.Migrations, countedNoun(r))
	if s.Suppressed > 0 {
		text += fmt.Sprintf(", %d suppressed", s.Suppressed)
	}
	if s.Opaque > 0 {
		text += fmt.Sprintf(", %d not judged", s.Opaque)
	}
	return text
}

// verdictSentence returns the report's sentence, or a default if it has none.
func verdictSentence(r *onward.Report) string {
	switch {
	case r.Summary.Verdict != "":
		return EscapeLine(r.Summary.Verdict)
	case r.Summary.Safe:
		return "safe to deploy"
	case len(r.Summary.Conditions) > 0:
		return "safe to deploy if " + EscapeLine(strings.Join(r.Summary.Conditions, ", and "))
	case r.Summary.Withheld != "":
		return "a deploy was not judged"
	case r.Summary.Errors == 0:
		return "not everything could be judged"
	}
	return "not safe to deploy"
}

// comparedRevisions returns what was compared: "main...feature".
func comparedRevisions(r *onward.Report) string {
	switch {
	case r.Base == "" && r.Head == "":
		return ""
	case r.Base == "":
		return EscapeLine(r.Head)
	case r.Head == "":
		return EscapeLine(r.Base)
	}
	return EscapeLine(r.Base) + "..." + EscapeLine(r.Head)
}

// formatPlace is "path:line:column", or as much of it as is known.
func formatPlace(path string, line, column int) string {
	switch {
	case line <= 0:
		return path
	case column <= 0:
		return fmt.Sprintf("%s:%d", path, line)
	}
	return fmt.Sprintf("%s:%d:%d", path, line, column)
}

// shortRelation is a relation's name for people: the schema public is not named.
func shortRelation(name string) string { return EscapeLine(strings.TrimPrefix(name, "public.")) }

// lockedRelation returns the relation of an effect, and says so if the release creates it.
func lockedRelation(e *onward.Effect) string {
	name := shortRelation(e.Relation)
	if e.New {
		name += " (new)"
	}
	return name
}

// describeWaiters says who waits for a lock.
func describeWaiters(who []string) string {
	if len(who) == 0 {
		return "nobody"
	}
	words := make([]string, len(who))
	for i, w := range who {
		words[i] = w + "s"
	}
	return EscapeLine(strings.Join(words, " and "))
}

// blockedBy says who waits for a statement's effect on a relation: for its lock on the relation, or for its row locks.
func blockedBy(e *onward.Effect) string {
	if len(e.Blocks) == 0 && e.RowLocks && !e.New {
		return "writers of the same rows"
	}
	return describeWaiters(e.Blocks)
}

// nameWork names the work on a relation; "" for none.
func nameWork(e *onward.Effect) string {
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
	return EscapeLine(string(m.Transaction))
}

// ownTransaction says whether a file that is sent without a transaction has a BEGIN of its own.
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

// noticeableEffects returns the effects that other sessions can notice.
func noticeableEffects(effects []onward.Effect) []onward.Effect {
	var out []onward.Effect
	for _, e := range effects {
		if !e.New {
			out = append(out, e)
		}
	}
	return out
}

// shownEffects returns the effects that are shown: relations that the release creates block nobody.
func shownEffects(effects []onward.Effect, verbose bool) []onward.Effect {
	if verbose {
		return effects
	}
	return noticeableEffects(effects)
}
