package report_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/onward-sql/onward/internal/report"
	"github.com/onward-sql/onward/internal/report/reporttest"
	"github.com/onward-sql/onward/onward"
)

// manyBuilds is a release of twelve migrations; ten of them build seven indexes each.
func manyBuilds() *onward.Report {
	r := &onward.Report{Base: "main", Head: "feature", Postgres: []int{17}}
	for i := range 12 {
		m := onward.Migration{ID: fmt.Sprint(i), Path: fmt.Sprintf("m/%02d.sql", i), Framework: "sql"}
		for line := 1; i < 10 && line <= 7; line++ {
			r.Findings = append(r.Findings, onward.Finding{
				Rule: "index-create-blocking", Category: onward.Locking, Severity: onward.Error, Migration: m.ID, Path: m.Path, Line: line, Column: 1,
				Fact: fmt.Sprintf("creating index i%d_%d blocks writes to t%d", i, line, i), Harm: "every INSERT waits",
				Instead: fmt.Sprintf("build it concurrently:\nCREATE INDEX CONCURRENTLY i%d_%d ON t%d (a);", i, line, i),
			})
		}
		r.Migrations = append(r.Migrations, m)
	}
	r.Summary = onward.Summary{Migrations: 12, Errors: 70, Verdict: "This release is not safe to deploy.", Next: []string{"onward plan"}}
	return r
}

// Similar findings are printed as one, with all places and one fix; JSON has each. The verdict is the first line and the
// last, and a table of the migrations comes before the details of many.
func TestSimilarFindingsAreOne(t *testing.T) {
	t.Parallel()
	r := manyBuilds()
	out := reporttest.PrintReport(t, r, report.FormatTerminal, report.Options{})
	lines := strings.Split(strings.TrimSpace(out), "\n")
	if lines[0] != r.Summary.Verdict || lines[len(lines)-1] != r.Summary.Verdict {
		t.Errorf("the verdict is not first and last: %q, %q", lines[0], lines[len(lines)-1])
	}
	if len(lines) > 150 {
		t.Errorf("%d lines for 70 similar findings", len(lines))
	}
	table, _, _ := strings.Cut(out, "error    index-create-blocking")
	for _, want := range []string{"7 errors  00.sql", "creating index i9_1 blocks", "ok        2 migrations"} {
		if !strings.Contains(table, want) {
			t.Errorf("the table has no %q:\n%s", want, table)
		}
	}
	for format, fix := range map[report.Format]int{report.FormatTerminal: 1, report.FormatMarkdown: 1, report.FormatHTML: 1, report.FormatJSON: 70} {
		text := reporttest.PrintReport(t, r, format, report.Options{})
		if n := strings.Count(text, "INDEX CONCURRENTLY"); n != fix {
			t.Errorf("%s: %d fixes, want %d", format, n, fix)
		}
		for i := range r.Findings {
			if !strings.Contains(text, r.Findings[i].Fact) {
				t.Errorf("%s: says nothing of %s", format, r.Findings[i].Fact)
			}
		}
	}
	if n := strings.Count(reporttest.PrintReport(t, r, report.FormatTerminal, report.Options{Verbose: true}), "INDEX CONCURRENTLY"); n != 70 {
		t.Errorf("with -v there are %d fixes", n)
	}
	if out := reporttest.PrintReport(t, r, report.FormatMarkdown, report.Options{}); !strings.HasSuffix(strings.TrimSpace(out), "**onward**: "+r.Summary.Verdict) {
		t.Errorf("the comment does not end with the verdict:\n%s", out[len(out)-200:])
	}
}

// A few findings of one rule are printed each with its fix, and so are findings of another severity.
func TestFewFindingsAreNotOne(t *testing.T) {
	t.Parallel()
	r := manyBuilds()
	r.Findings = r.Findings[:4]
	r.Findings[3].Severity = onward.Warning
	if out := reporttest.PrintReport(t, r, report.FormatTerminal, report.Options{}); strings.Count(out, "INDEX CONCURRENTLY") != 4 {
		t.Errorf("want 4 fixes with CONCURRENTLY in the report:\n%s", out)
	}
}
