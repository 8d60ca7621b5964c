package report_test

import (
	"strings"
	"testing"

	"github.com/onward-sql/onward/internal/report"
	"github.com/onward-sql/onward/internal/report/reporttest"
	"github.com/onward-sql/onward/onward"
)

func TestSaidOnceIsPointedAtElsewhere(t *testing.T) {
	t.Parallel()
	r := &onward.Report{
		Migrations: []onward.Migration{{ID: "1", Path: "m/1.sql"}, {ID: "2", Path: "m/2.sql"}, {ID: "3", Path: "m/3.sql"}},
		Findings: []onward.Finding{{
			Rule: "x-cause", Severity: onward.Warning, Migration: "1", Path: "m/1.sql", Line: 1, Fact: "bad, and so is 1 other",
			Also: []onward.Place{{Migration: "2", Path: "m/2.sql", Line: 7}},
		}},
	}
	out := reporttest.PrintReport(t, r, report.FormatTerminal, report.Options{})
	_, second, _ := strings.Cut(out, "m/2.sql\n")
	second, third, _ := strings.Cut(second, "m/3.sql\n")
	if !strings.Contains(second, "warning  x-cause :7, as above") || strings.Contains(second, "ok") {
		t.Errorf("the second migration is said to be fine: %s", out)
	}
	if strings.Contains(third, "x-cause") || !strings.Contains(third, "ok") {
		t.Errorf("the third migration has nothing: %s", out)
	}
	page := reporttest.PrintReport(t, r, report.FormatMarkdown, report.Options{})
	if !strings.Contains(page, "Also at `m/2.sql:7`") {
		t.Errorf("the other place is not named: %s", page)
	}
	for path, want := range map[string]string{"m/1.sql": "1 warning", "m/2.sql": "1 warning", "m/3.sql": "ok"} {
		if _, row, _ := strings.Cut(page, "| `"+path+"` |"); !strings.HasSuffix(strings.SplitN(row, "\n", 2)[0], "| "+want+" |") {
			t.Errorf("the row of %s is %q, want %q at its end", path, strings.SplitN(row, "\n", 2)[0], want)
		}
	}
}

// The places of a finding are on one line: before the migration's own report, or after it
// if the migration has the finding.
func TestPlacesOfAFindingStandTogether(t *testing.T) {
	t.Parallel()
	f := onward.Finding{Rule: "x-cause", Severity: onward.Error, Migration: "1", Path: "m/1.sql", Line: 1, Fact: "bad"}
	for line := 2; line <= 4; line++ {
		f.Also = append(f.Also, onward.Place{Migration: "1", Path: "m/1.sql", Line: line})
	}
	for line := 1; line <= 10; line++ {
		f.Also = append(f.Also, onward.Place{Migration: "2", Path: "m/2.sql", Line: line})
	}
	r := &onward.Report{Migrations: []onward.Migration{{ID: "1", Path: "m/1.sql"}, {ID: "2", Path: "m/2.sql"}}, Findings: []onward.Finding{f}}
	out := reporttest.PrintReport(t, r, report.FormatTerminal, report.Options{})
	first, second, _ := strings.Cut(out, "m/2.sql\n")
	if !strings.Contains(first, "bad\n  error  x-cause :2, :3, :4, as above\n") {
		t.Errorf("the places of the first migration: %s", first)
	}
	if !strings.Contains(second, "error  x-cause :1, :2, :3, :4, :5, :6, :7, :8, 2 more, as above\n") {
		t.Errorf("the places of the second: %s", second)
	}
}
