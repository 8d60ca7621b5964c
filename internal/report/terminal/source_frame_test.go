package terminal_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/onward-sql/onward/internal/report"
	"github.com/onward-sql/onward/internal/report/reporttest"
	"github.com/onward-sql/onward/onward"
)

// at is a report of one statement that begins at a column of line 3, and of one finding about parts of it.
func at(sql string, column int, words ...onward.Extent) *onward.Report {
	lines := strings.Split(sql, "\n")
	end := len([]rune(lines[len(lines)-1])) + 1
	if len(lines) == 1 {
		end += column - 1
	}
	return &onward.Report{
		Migrations: []onward.Migration{{ID: "1", Path: "m/1.sql", Statements: []onward.Statement{{SQL: sql, Line: 3, Column: column, Start: 40}}}},
		Findings: []onward.Finding{{
			Rule: "x-cause", Severity: onward.Error, Migration: "1", Path: "m/1.sql", Line: 3, Column: column,
			EndLine: 3 + len(lines) - 1, EndColumn: end, Fact: "bad", Words: words,
		}},
	}
}

// framed are the lines of a report between a finding's head and its fact.
func framed(t *testing.T, r *onward.Report, o report.Options) string {
	t.Helper()
	_, out, _ := strings.Cut(reporttest.PrintReport(t, r, report.FormatTerminal, o), "x-cause  m/1.sql")
	_, out, _ = strings.Cut(out, "\n")
	out, _, found := strings.Cut(out, "    bad\n")
	if !found {
		t.Fatalf("no finding in %q", out)
	}
	return out
}

func TestFrames(t *testing.T) {
	t.Parallel()
	several := "ALTER TABLE a\n\tADD b int,\n\tDROP c;"
	for name, test := range map[string]struct {
		report *onward.Report
		o      report.Options
		want   string
	}{
		"one of several lines": {
			at(several, 1, onward.Extent{Line: 5, Column: 2, EndLine: 5, EndColumn: 8}), report.Options{},
			"       5 |     DROP c;\n         |     ^^^^^^\n",
		},
		"two of them": {
			at(several, 1, onward.Extent{Line: 4, Column: 2, EndLine: 4, EndColumn: 11}, onward.Extent{Line: 5, Column: 2, EndLine: 5, EndColumn: 8}), report.Options{},
			"       4 |     ADD b int,\n         |     ^^^^^^^^^\n       5 |     DROP c;\n         |     ^^^^^^\n",
		},
		"all that the statement does": {at("ALTER TABLE a DROP c", 1, onward.Extent{Line: 3, Column: 15, EndLine: 3, EndColumn: 21}), report.Options{}, ""},
		"which is told on demand": {
			at("ALTER TABLE a DROP c", 1, onward.Extent{Line: 3, Column: 15, EndLine: 3, EndColumn: 21}), report.Options{Verbose: true},
			"       3 | ALTER TABLE a DROP c\n         |               ^^^^^^\n",
		},
		"the last of several": {
			at("ALTER TABLE a ADD b int, DROP c", 1, onward.Extent{Line: 3, Column: 26, EndLine: 3, EndColumn: 32}), report.Options{},
			"       3 | ALTER TABLE a ADD b int, DROP c\n         |                          ^^^^^^\n",
		},
		"behind another statement of the line": {
			at("ALTER TABLE a ADD b int, DROP c", 11, onward.Extent{Line: 3, Column: 36, EndLine: 3, EndColumn: 42}), report.Options{},
			"       3 | ALTER TABLE a ADD b int, DROP c\n         |                          ^^^^^^\n",
		},
		"characters of two columns, and hidden ones": {
			at("ALTER TABLE \"表\u202e\" ADD b int, DROP \"列\"", 1, onward.Extent{Line: 3, Column: 29, EndLine: 3, EndColumn: 37}), report.Options{},
			"       3 | ALTER TABLE \"表\\u202e\" ADD b int, DROP \"列\"\n         |                                   ^^^^^^^^^\n",
		},
		"Windows' line ends": {
			at("ALTER TABLE a\r\n  ADD b int,\r\n  DROP c", 1, onward.Extent{Line: 4, Column: 3, EndLine: 4, EndColumn: 12}), report.Options{},
			"       4 |   ADD b int,\n         |   ^^^^^^^^^\n",
		},
		"too far to the right": {
			at("ALTER TABLE a ADD b text DEFAULT '"+strings.Repeat("x", 80)+"', DROP c", 1, onward.Extent{
				Line:      3,
				Column:    118,
				EndLine:   3,
				EndColumn: 124,
			}), report.Options{Width: 60},
			"       3 | …" + strings.Repeat("x", 39) + "', DROP c\n         | " + strings.Repeat(" ", 43) + "^^^^^^\n",
		},
		"over many lines": {
			at("ALTER TABLE a ADD CHECK (\n1 = 1\nOR\n2 = 2\nOR 3 = 3\n), DROP c", 1, onward.Extent{Line: 3, Column: 15, EndLine: 8, EndColumn: 2}), report.Options{},
			"       3 | ALTER TABLE a ADD CHECK (\n         |               ^^^^^^^^^^^\n       4 | 1 = 1\n         | ^^^^^\n       5 | OR\n         | ^^\n" +
				"       6 | 2 = 2\n         | ^^^^^\n         …\n",
		},
		"words that are not in the text": {at(several, 1, onward.Extent{Line: 9, Column: 2, EndLine: 9, EndColumn: 8}), report.Options{}, ""},
		"none":                           {at(several, 1), report.Options{Verbose: true}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(test.want, framed(t, test.report, test.o)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// A fix is shown as the lines that it changes, if it changes only the statement.
func TestFixIsShown(t *testing.T) {
	t.Parallel()
	r := at("CREATE INDEX i\n  ON a (b)", 1)
	r.Findings[0].Instead = "so"
	r.Findings[0].Fix = []onward.Edit{{Start: 52, End: 52, New: " CONCURRENTLY"}}
	const want = "    fix:     - CREATE INDEX i\n             + CREATE INDEX CONCURRENTLY i\n"
	if out := reporttest.PrintReport(t, r, report.FormatTerminal, report.Options{Verbose: true}); !strings.Contains(out, want) {
		t.Errorf("no fix in\n%s", out)
	}
	if out := reporttest.PrintReport(t, r, report.FormatTerminal, report.Options{}); strings.Contains(out, "fix:") {
		t.Errorf("a fix that was not asked for in\n%s", out)
	}
	r.Findings[0].Fix[0].Start, r.Findings[0].Fix[0].End = 0, 0
	if out := reporttest.PrintReport(t, r, report.FormatTerminal, report.Options{Verbose: true}); strings.Contains(out, "fix:") {
		t.Errorf("a fix of something else in\n%s", out)
	}
}
