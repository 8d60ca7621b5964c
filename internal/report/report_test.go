package report_test

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"errors"
	"io"
	"strings"
	"testing"
	"unicode"

	"github.com/charmbracelet/x/ansi"
	"github.com/google/go-cmp/cmp"

	"github.com/onward-sql/onward/internal/report"
	"github.com/onward-sql/onward/internal/report/reporttest"
	"github.com/onward-sql/onward/internal/report/terminal"
	"github.com/onward-sql/onward/onward"
)

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
		r := reporttest.ReadReport(t, name)
		for _, l := range looks {
			t.Run(name+"/"+l.name, func(t *testing.T) {
				t.Parallel()
				reporttest.CompareGolden(t, name+"."+l.name, reporttest.PrintReport(t, r, l.format, l.options))
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
			reporttest.CompareGolden(t, name+"."+l.name, b.String())
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
	r := reporttest.ReadReport(t, "hostile")
	for _, l := range looks {
		out := reporttest.PrintReport(t, r, l.format, l.options)
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
		r := reporttest.ReadReport(t, name)
		colored := reporttest.PrintReport(t, r, report.FormatTerminal, report.Options{Color: true})
		if !strings.Contains(colored, "\x1b[") {
			t.Errorf("%s: no colour at all", name)
		}
		if diff := cmp.Diff(reporttest.PrintReport(t, r, report.FormatTerminal, report.Options{}), ansi.Strip(colored)); diff != "" {
			t.Errorf("%s: (-plain +coloured):\n%s", name, diff)
		}
	}
}

// TestWidth holds that lines fit, except SQL to be pasted and statements in
// full.
func TestWidth(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"report", "clean", "empty", "sizes", "rehearsal", "recorded", "verified"} {
		r := reporttest.ReadReport(t, name)
		for _, width := range []int{60, 80, 100} {
			inSQL := false
			for _, line := range strings.Split(reporttest.PrintReport(t, r, report.FormatTerminal, report.Options{Width: width}), "\n") {
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
		r := reporttest.ReadReport(t, name)
		reread, err := report.Read(strings.NewReader(reporttest.PrintReport(t, r, report.FormatJSON, report.Options{})))
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(r, reread); diff != "" {
			t.Errorf("%s (-before +after):\n%s", name, diff)
		}
	}
}

func TestJSONHasNoNull(t *testing.T) {
	t.Parallel()
	r := &onward.Report{Migrations: []onward.Migration{{Statements: []onward.Statement{{Effects: []onward.Effect{{}}}, {}}}, {}}, Findings: []onward.Finding{{Severity: onward.Error}}}
	out := reporttest.PrintReport(t, r, report.FormatJSON, report.Options{})
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

// FuzzFormats puts a stranger's text everywhere and holds what each format
// promises of it.
func FuzzFormats(f *testing.F) {
	for _, s := range []string{"users", "a|b`c", "\x1b[31m\u202e\r\n::error::x", "</details>\n```\n|x|", "`", "\\|", "@all #1", "\xff", ""} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		r := reporttest.FillReport(s)
		for _, format := range report.Formats() {
			out := reporttest.PrintReport(t, r, format, report.Options{Verbose: true})
			for _, c := range strings.ReplaceAll(out, "\u200b", "") {
				if c != '\n' && !unicode.IsPrint(c) {
					t.Errorf("%s: %q is printed raw", format, c)
				}
			}
			lines := strings.Split(strings.TrimSuffix(out, "\n"), "\n")
			switch format {
			case report.FormatHTML:
				reporttest.ListElements(t, out)
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
				if len(lines) < 6 || !strings.HasPrefix(lines[3], "| migration") || reporttest.CountCells(lines[5]) != 4 {
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
			t.Fatalf("read the XML: %v:\n%s", err, text)
		}
	}
}

func BenchmarkTerminal(b *testing.B) {
	r := reporttest.ReadReport(b, "report")
	for b.Loop() {
		if err := terminal.WriteReport(&bytes.Buffer{}, r, report.Options{Color: true}); err != nil {
			b.Fatal(err)
		}
	}
}

func readLocks(t *testing.T, name string) (out []onward.Locks) {
	t.Helper()
	if err := json.Unmarshal(reporttest.ReadFile(t, name+".json"), &out); err != nil {
		t.Fatal(err)
	}
	return out
}
