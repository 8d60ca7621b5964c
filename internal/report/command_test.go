package report_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/onward-sql/onward/internal/report"
	"github.com/onward-sql/onward/internal/report/escape"
	"github.com/onward-sql/onward/internal/report/reporttest"
	"github.com/onward-sql/onward/onward"
)

// commands are lines that a service which keeps a log would act on.
var commands = []string{
	"::error::owned", "::set-output name=a::b", "  ::warning file=a.sql,line=1::owned", "::add-mask::x", "::stop-commands::token", "a\n::error::owned", "a\r\n::error::owned", "a\r::error::owned",
	"##[error]owned", "drop ##[error]owned", "x##[group]y", "###[error]", "##[section]##[warning]", "##vso[task.setvariable variable=x]y", "a ##vso[task.complete result=Failed;]",
	"##teamcity[buildStatus status='FAILURE']", "section_start:1:x\r\x1b[0Kx", "\x1b[31mred\x1b[0m", "\u202egnp.exe\u2069", "\u0085::error::x", "\u2028::error::x", "\x0b::error::x", "\u00a0::error::x", "\ufeff::error::x", "\u3000::error::x",
	"`##[error]`", "&##[error]<b>", "##[error]" + strings.Repeat("w ", 60) +
		"##[error]", strings.Repeat("w", 57) + " ##[error]", strings.Repeat("w ", 49) + "::error::owned",
}

// live finds what is a command in what was printed. It says on its own what one is.
var live = regexp.MustCompile(`(?i)##(vso|teamcity)?\[|(?m)^[\s\x{85}\x{a0}\x{feff}]*::[\w-]+( [^\n]*)?::`)

// allowedCommand matches the workflow commands that the format is for; they may hold no other.
var allowedCommand = regexp.MustCompile(`(?m)^::(error|warning|notice) [^\n]*?::`)

// The report on a hostile release contains no command for any CI service, in any format,
// however it is folded and cut.
func TestNoCommandIsLive(t *testing.T) {
	t.Parallel()
	for _, text := range commands {
		hold(t, text)
	}
	// The same in pieces, put together by chance.
	pieces := []string{"#", "##", "[", "]", ":", "::", "error", "vso", " ", "\n", "\r", "\x1b[0m", "a", "\\", "`", "&", "<", "warning file=x", "\u202e", "\t"}
	r := rand.New(rand.NewPCG(3, 4))
	for range 150 {
		text := ""
		for range 2 + r.IntN(9) {
			text += pieces[r.IntN(len(pieces))]
		}
		hold(t, text)
	}
}

func hold(t *testing.T, text string) {
	t.Helper()
	r := reporttest.FillReport(text)
	for _, format := range report.Formats() {
		for _, o := range []report.Options{{}, {Width: 60}, {Verbose: true, Width: 73}, {Quiet: true}, {Brief: true}, {Color: true, Verbose: true}} {
			out := reporttest.PrintReport(t, r, format, o)
			if format == report.FormatGitHub {
				out = allowedCommand.ReplaceAllString(out, "")
			}
			if found := live.FindString(out); found != "" {
				t.Errorf("%q is live in %s %+v: %q", text, format, o, found)
			}
			if strings.Contains(out, "\r") || !o.Color && strings.ContainsAny(out, "\x1b\u202e\u2028\u0085") {
				t.Errorf("%q: a control character in %s %+v", text, format, o)
			}
			if format != report.FormatTerminal {
				break // the options are the terminal's
			}
		}
	}
	// JSON says it all the same.
	var back onward.Report
	if err := json.Unmarshal([]byte(reporttest.PrintReport(t, r, report.FormatJSON, report.Options{})), &back); err != nil {
		t.Fatal(err)
	}
	if back.Findings[0].Fact != text || back.Migrations[0].Statements[0].SQL != text {
		t.Errorf("%q became %q", text, back.Findings[0].Fact)
	}
	var stats bytes.Buffer
	if err := report.WriteStats(&stats, &onward.Stats{Relations: []onward.RelationStats{{Name: text}}}); err != nil {
		t.Fatal(err)
	}
	if found := live.FindString(stats.String()); found != "" {
		t.Errorf("%q is live in sizes: %q", text, found)
	}
	var locks bytes.Buffer
	list := []onward.Locks{
		{Statement: onward.Statement{SQL: text, Note: text}},
		{Statement: onward.Statement{SQL: text}, Variants: []onward.LockVariant{{Postgres: []int{17}, Refused: text, Note: text}}},
	}
	for _, format := range []report.Format{report.FormatTerminal, report.FormatJSON} {
		if err := report.WriteLocks(&locks, format, list, report.Options{}); err != nil {
			t.Fatal(err)
		}
	}
	if found := live.FindString(locks.String()); found != "" {
		t.Errorf("%q is live in locks: %q", text, found)
	}
	var aside bytes.Buffer
	fmt.Fprintf(escape.Writer{W: &aside}, "onward: %s\n", text)
	if found := live.FindString(aside.String()); found != "" {
		t.Errorf("%q is live on standard error: %q", text, found)
	}
}

// A reader of the page sees what was written.
func TestCommandsStayReadable(t *testing.T) {
	t.Parallel()
	r := reporttest.FillReport("##[error]owned")
	for format, want := range map[report.Format]string{
		report.FormatTerminal: `##\[error]owned`, report.FormatMarkdown: `##\[error]owned`, report.FormatGitHub: `##\[error]owned`, report.FormatHTML: `##&#91;error]owned`, report.FormatJSON: `##\u005berror]owned`,
	} {
		if out := reporttest.PrintReport(t, r, format, report.Options{}); !strings.Contains(out, want) {
			t.Errorf("%s: %q is not in:\n%s", format, want, cmp.Diff("", out))
		}
	}
}
