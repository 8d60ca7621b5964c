package report_test

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"errors"
	"flag"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode"

	"github.com/charmbracelet/x/ansi"
	"github.com/google/go-cmp/cmp"

	"github.com/onward-sql/onward/internal/report"
	"github.com/onward-sql/onward/internal/report/escape"
	"github.com/onward-sql/onward/internal/report/terminal"
	"github.com/onward-sql/onward/onward"
)

var update = flag.Bool("update", false, "write the golden files")

// The looks in which each report is printed, by the golden file's ending.
var looks = []struct {
	name    string
	format  report.Format
	options report.Options
}{
	{"txt", report.FormatTerminal, report.Options{}},
	{"narrow.txt", report.FormatTerminal, report.Options{Width: 60}},
	{"color.txt", report.FormatTerminal, report.Options{Color: true}},
	{"verbose.txt", report.FormatTerminal, report.Options{Verbose: true}},
	{"quiet.txt", report.FormatTerminal, report.Options{Quiet: true, Dir: "db/migrations"}},
	{"md", report.FormatMarkdown, report.Options{}},
	{"github", report.FormatGitHub, report.Options{}},
	{"sarif", report.FormatSARIF, report.Options{}},
	{"gitlab.json", report.FormatGitLab, report.Options{}},
	{"junit.xml", report.FormatJUnit, report.Options{}},
	{"checkstyle.xml", report.FormatCheckstyle, report.Options{}},
	{"gcc.txt", report.FormatGCC, report.Options{}},
	{"out.json", report.FormatJSON, report.Options{}},
}

var names = []string{"report", "clean", "empty", "hostile", "sizes", "rehearsal", "recorded", "verified"}

func TestGolden(t *testing.T) {
	t.Parallel()
	for _, name := range names {
		r := read(t, name)
		for _, l := range looks {
			t.Run(name+"/"+l.name, func(t *testing.T) {
				t.Parallel()
				golden(t, name+"."+l.name, print(t, r, l.format, l.options))
			})
		}
	}
}

func TestGoldenLocks(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"locks", "locks_differ", "locks_hostile"} {
		list := readLocks(t, name)
		for _, l := range append(looks[:3:3], looks[len(looks)-1]) {
			var b bytes.Buffer
			if err := report.WriteLocks(&b, l.format, list, l.options); err != nil {
				t.Fatal(err)
			}
			golden(t, name+"."+l.name, b.String())
			if !l.options.Color {
				for _, c := range b.String() {
					if c != '\n' && !unicode.IsPrint(c) {
						t.Errorf("%s.%s: %q is printed raw", name, l.name, c)
					}
				}
			}
		}
	}
}

// TestNothingHidden holds that no format lets a character through that is not
// seen as itself, except the zero-width space that keeps GitHub from acting on
// Markdown, and the escape sequences of colour.
func TestNothingHidden(t *testing.T) {
	t.Parallel()
	r := read(t, "hostile")
	for _, l := range looks {
		out := print(t, r, l.format, l.options)
		if l.options.Color {
			out = ansi.Strip(out)
		}
		if l.format == report.FormatMarkdown {
			out = strings.ReplaceAll(out, "\u200b", "")
		}
		for _, c := range out {
			if c != '\n' && !unicode.IsPrint(c) {
				t.Errorf("%s: %q is printed raw", l.name, c)
			}
		}
	}
}

// TestColorIsNotTheOnlyCarrier holds that colour adds nothing but colour.
func TestColorIsNotTheOnlyCarrier(t *testing.T) {
	t.Parallel()
	for _, name := range names {
		r := read(t, name)
		colored := print(t, r, report.FormatTerminal, report.Options{Color: true})
		if !strings.Contains(colored, "\x1b[") {
			t.Errorf("%s: no colour at all", name)
		}
		if diff := cmp.Diff(print(t, r, report.FormatTerminal, report.Options{}), ansi.Strip(colored)); diff != "" {
			t.Errorf("%s: (-plain +coloured):\n%s", name, diff)
		}
	}
}

// TestWidth holds that lines fit, except SQL to be pasted and statements in
// full.
func TestWidth(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"report", "clean", "empty", "sizes", "rehearsal", "recorded", "verified"} {
		r := read(t, name)
		for _, width := range []int{60, 80, 100} {
			inSQL := false
			for _, line := range strings.Split(print(t, r, report.FormatTerminal, report.Options{Width: width}), "\n") {
				inSQL = strings.HasPrefix(line, "    instead: ") || inSQL && strings.HasPrefix(line, "             ")
				if w := ansi.StringWidth(line); w > width && !inSQL {
					t.Errorf("%s: %d columns on a screen of %d: %s", name, w, width, line)
				}
			}
		}
	}
}

// TestRoundTrip holds that what JSON prints is what Read reads.
func TestRoundTrip(t *testing.T) {
	t.Parallel()
	for _, name := range names {
		r := read(t, name)
		again, err := report.Read(strings.NewReader(print(t, r, report.FormatJSON, report.Options{})))
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(r, again); diff != "" {
			t.Errorf("%s (-before +after):\n%s", name, diff)
		}
	}
}

func TestJSONHasNoNull(t *testing.T) {
	t.Parallel()
	r := &onward.Report{Migrations: []onward.Migration{{Statements: []onward.Statement{{Effects: []onward.Effect{{}}}, {}}}, {}}, Findings: []onward.Finding{{Severity: onward.Error}}}
	out := print(t, r, report.FormatJSON, report.Options{})
	if strings.Contains(out, "null") {
		t.Errorf("null in\n%s", out)
	}
	if r.Migrations[0].Statements[1].Effects != nil {
		t.Error("printing changed the report")
	}
}

func TestReadRefuses(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"":                             "not a report of onward",
		"[]":                           "not a report of onward",
		`{"schema":"onward.report/2"}`: `the schema is "onward.report/2"; this version reads onward.report/1`,
		`{"schema":"onward.report/1","findings":[{"severity":"fatal"}]}`: `unknown severity "fatal"`,
	} {
		_, err := report.Read(strings.NewReader(text))
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %q", text, err, want)
		}
	}
}

func FuzzVisible(f *testing.F) {
	f.Add("plain")
	f.Add("\x1b[31m\u202e\xff\u2028\U000e0041\r\nx\ty")
	f.Fuzz(func(t *testing.T, s string) {
		out := escape.Controls(s)
		for _, c := range out {
			if c != '\n' && !unicode.IsPrint(c) {
				t.Errorf("%q: %q is left in %q", s, c, out)
			}
		}
		if again := escape.Controls(out); again != out {
			t.Errorf("%q: %q is changed again, to %q", s, out, again)
		}
		if line := escape.Line(s); strings.ContainsAny(line, "\n\r") {
			t.Errorf("%q: more than one line: %q", s, line)
		}
	})
}

// FuzzFormats puts a stranger's text everywhere and holds what each format
// promises of it.
func FuzzFormats(f *testing.F) {
	for _, s := range []string{"users", "a|b`c", "\x1b[31m\u202e\r\n::error::x", "</details>\n```\n|x|", "`", "\\|", "@all #1", "\xff", ""} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		r := everywhere(s)
		for _, format := range report.Formats() {
			out := print(t, r, format, report.Options{Verbose: true})
			for _, c := range strings.ReplaceAll(out, "\u200b", "") {
				if c != '\n' && !unicode.IsPrint(c) {
					t.Errorf("%s: %q is printed raw", format, c)
				}
			}
			lines := strings.Split(strings.TrimSuffix(out, "\n"), "\n")
			switch format {
			case report.FormatHTML:
				elements(t, out)
			case report.FormatSARIF, report.FormatGitLab, report.FormatJSON:
				if !json.Valid([]byte(out)) {
					t.Errorf("no JSON:\n%s", out)
				}
			case report.FormatJUnit, report.FormatCheckstyle:
				wellFormed(t, out)
			case report.FormatGCC:
				// A finding, what it rests on and its way out, a query that breaks, what was not judged.
				if len(lines) != 5 && len(lines) != 4 {
					t.Errorf("lines:\n%s", out)
				}
			case report.FormatGitHub:
				// Three commands of ours and two sentences, whatever the text.
				if len(lines) != 5 || !strings.HasPrefix(lines[0], "::error ") || !strings.HasPrefix(lines[1], "::error ") || !strings.HasPrefix(lines[2], "::error ") || strings.HasPrefix(lines[3], "::") || strings.HasPrefix(lines[4], "::") {
					t.Errorf("commands:\n%s", out)
				}
			case report.FormatMarkdown:
				if len(lines) < 6 || !strings.HasPrefix(lines[3], "| migration") || columnsOf(lines[5]) != 4 {
					t.Errorf("the row of the table does not have 4 cells:\n%s", out)
				}
			}
		}
	})
}

// wellFormed holds that XML can be read.
func wellFormed(t *testing.T, text string) {
	t.Helper()
	for d := xml.NewDecoder(strings.NewReader(text)); ; {
		if _, err := d.Token(); errors.Is(err, io.EOF) {
			return
		} else if err != nil {
			t.Fatalf("%v:\n%s", err, text)
		}
	}
}

// everywhere is a report with a text in every place that a stranger's text can
// get into.
func everywhere(s string) *onward.Report {
	failed := &onward.ServerError{Code: s, Message: s, Detail: s, Hint: s}
	return &onward.Report{Base: s, Head: s, Postgres: []int{18},
		Migrations: []onward.Migration{{
			ID: s, Path: s, Framework: s, Status: onward.Status(s), Transaction: onward.Transaction(s),
			Changes: []onward.Change{{Object: s, Text: s, Kind: s}},
			Statements: []onward.Statement{{SQL: s, Line: 1, Note: s, Duration: s, Effects: []onward.Effect{{Relation: s, Lock: onward.ShareLock, Blocks: []string{s}}},
				Waiting: &onward.Waiting{Relations: []string{s}, Queries: 1, Calls: 1, Share: 0.5, Examples: []onward.WaitingQuery{{ID: s, Query: s, Sender: s, Calls: 1}}}}},
		}},
		Verdicts: []onward.Verdict{
			{Query: s, ID: s, Code: onward.OldCode, Sender: s, After: onward.VerdictPlace{Migration: s, Path: s, Line: 1}, Point: 1, Kind: onward.VerdictKind(s), Severity: onward.Error, SQLState: s, Message: s},
			{Query: s, ID: s, Code: onward.NewCode, Sender: s, Until: &onward.VerdictPlace{Migration: s, Path: s, Line: 1}, UntilPoint: 1, Kind: onward.VerdictKind(s), Severity: onward.Error, SQLState: s, Message: s},
		},
		Verification: &onward.Verification{
			Version: s, Order: s, Notes: []string{s}, Old: &onward.Verified{Queries: 1}, New: &onward.Verified{Queries: 1},
			Points: []onward.VerifiedPoint{{New: onward.Cell{Verdicts: []int{1}, Errors: 1}}, {After: onward.VerdictPlace{Migration: s, Path: s, Line: 1}, Statements: []int{0}, Window: true, Old: onward.Cell{Verdicts: []int{0}, Errors: 1}}},
			Phases: []onward.Phase{{Belongs: onward.Belongs(s), Advice: s}}, Stopped: &onward.Stopped{After: onward.VerdictPlace{Path: s}, Message: s},
		},
		Findings: []onward.Finding{{Rule: s, Severity: onward.Error, Migration: s, Path: s, Line: 1, Column: 1, EndLine: 1, EndColumn: 2, Fact: s, Harm: s, Instead: s + "\n" + s,
			Evidence: []onward.Evidence{{Path: s, Line: 1, Text: s, Revision: s}}}},
		Opaque:  []onward.Opaque{{Path: s, Line: 1, What: s, Why: s, Failed: true}},
		Summary: onward.Summary{Migrations: 1, Errors: 1, Opaque: 1, Verdict: s, Next: []string{s}},
		Rehearsals: []onward.Rehearsal{
			{
				Postgres: 18, Version: s, Base: onward.RehearsalBase{From: s}, Notes: []string{s}, DurationMS: 900,
				Tables:       []onward.RehearsedTable{{Relation: s, Rows: 10, Bytes: 8192}},
				Transactions: []onward.RehearsedTransaction{{UntilMS: 900, RolledBack: true}},
				Statements: []onward.RehearsedStatement{{
					UntilMS: 900, Failed: failed, StallMS: 800, Waited: 2,
					Observed: []onward.Observed{{Relation: s, Lock: onward.AccessExclusiveLock, Blocks: []string{"read", s}, UntilMS: 900, HeldMS: 500, WaitedMS: 400}},
					Nested:   []onward.NestedStatement{{SQL: s}},
					Estimate: &onward.Estimate{Relation: s, Rows: 1, HighMS: 1},
				}},
				Traffic: &onward.Traffic{
					Source: s, Queries: 3, Waited: 2, SlotMS: 100, Slots: []onward.TrafficSlot{{WorstMS: 3}, {WorstMS: 800}},
					Stalls:   []onward.Stall{{Span: onward.Span{FromMS: 1, UntilMS: 801}, Relation: s, Kind: s, Queries: 2, Query: s}},
					Failures: []onward.TrafficFailure{{Relation: s, Query: s, Error: *failed, Count: 1, Sender: s, ID: s, After: new(int)}},
					Waiters:  []onward.Waiter{{Sender: s, Queries: 2, Waits: 3, WorstMS: 4, Query: s, ID: s}, {Query: s, Statement: 99}},
					Recorded: &onward.RecordedTraffic{Queries: 3, Run: 2, Touching: 1, MadeUp: []string{s},
						Left: []onward.LeftOut{{Why: s, Queries: 1, Examples: []onward.LeftQuery{{Query: s, Sender: s, Error: failed}}}}},
					LongTransaction: &onward.Span{UntilMS: 400},
				},
				Differences: []onward.Difference{{Relation: s, Model: s, Server: s, Report: s}},
			},
			{Postgres: 17, Version: s},
		},
	}
}

// columnsOf counts the cells of a row as GitHub does: a pipe after a backslash is text.
func columnsOf(row string) int {
	n := -1
	for i := 0; i < len(row); i++ {
		switch row[i] {
		case '\\':
			i++
		case '|':
			n++
		}
	}
	return n
}

func BenchmarkTerminal(b *testing.B) {
	data, err := os.ReadFile(filepath.Join("testdata", "report.json"))
	if err != nil {
		b.Fatal(err)
	}
	r, err := report.Read(bytes.NewReader(data))
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if err := terminal.WriteReport(&bytes.Buffer{}, r, report.Options{Color: true}); err != nil {
			b.Fatal(err)
		}
	}
}

func read(t *testing.T, name string) *onward.Report {
	t.Helper()
	f, err := os.Open(filepath.Join("testdata", name+".json"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	r, err := report.Read(f)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func readLocks(t *testing.T, name string) []onward.Locks {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("testdata", name+".json"))
	if err != nil {
		t.Fatal(err)
	}
	var out []onward.Locks
	if err := json.Unmarshal(data, &out); err != nil {
		t.Fatal(err)
	}
	return out
}

func print(t *testing.T, r *onward.Report, f report.Format, o report.Options) string {
	t.Helper()
	var b bytes.Buffer
	if err := report.Write(&b, f, r, o); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatalf("%v; go test -update writes it", err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", path, diff)
	}
}
