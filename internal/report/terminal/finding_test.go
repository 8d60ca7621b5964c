package terminal_test

import (
	"strings"
	"testing"

	"github.com/charmbracelet/x/ansi"

	"github.com/onward-sql/onward/internal/report"
	"github.com/onward-sql/onward/internal/report/reporttest"
	"github.com/onward-sql/onward/onward"
)

func TestAnotherWayOutIsProse(t *testing.T) {
	t.Parallel()
	const sql = "ALTER TABLE a_table_with_a_long_name ALTER COLUMN a SET DEFAULT 1;"
	r := &onward.Report{
		Migrations: []onward.Migration{{ID: "1", Path: "m/1.sql"}},
		Findings: []onward.Finding{{
			Rule: "x-cause", Severity: onward.Error, Migration: "1", Path: "m/1.sql", Line: 1, Fact: "bad",
			Instead: "keep a default:\n" + sql + "\nor add it nullable now and NOT NULL a release later",
		}},
	}
	out := reporttest.PrintReport(t, r, report.FormatTerminal, report.Options{Width: 60})
	if !strings.Contains(out, "             "+sql+"\n") {
		t.Errorf("the SQL cannot be pasted:\n%s", out)
	}
	if !strings.Contains(out, "             or add it nullable now and NOT NULL a release\n             later\n") {
		t.Errorf("the other way runs out of the screen:\n%s", out)
	}
}

// A rule's name leads to its page, whatever a stored report calls the rule.
func TestRulesLink(t *testing.T) {
	t.Parallel()
	r := reporttest.ReadReport(t, "report")
	plain := reporttest.PrintReport(t, r, report.FormatTerminal, report.Options{Color: true})
	out := reporttest.PrintReport(t, r, report.FormatTerminal, report.Options{Color: true, Links: true})
	if !strings.Contains(out, "\x1b]8;;https://github.com/onward-sql/onward/blob/main/docs/rules/column-rename.md\x07") {
		t.Errorf("no link:\n%q", out)
	}
	if ansi.Strip(out) != ansi.Strip(plain) {
		t.Error("a link changes more than where a name leads")
	}
	hostile := reporttest.FillReport("a\x07\x1b\\b/../c")
	for _, text := range strings.Split(reporttest.PrintReport(t, hostile, report.FormatTerminal, report.Options{Links: true}), "\x1b]8;;")[1:] {
		if url, _, ended := strings.Cut(text, "\x07"); !ended || strings.ContainsAny(url, "\x1b\\") || strings.Contains(url, "/../") {
			t.Errorf("a hostile rule name links to %q, want a closed link without escapes and /../", url)
		}
	}
}
