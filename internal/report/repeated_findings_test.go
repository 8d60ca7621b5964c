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

// A directory with many migrations is gone: one finding says it, and the others are a line.
func TestManyDeletedMigrationsAreALine(t *testing.T) {
	t.Parallel()
	r := &onward.Report{
		Migrations: []onward.Migration{{ID: "9", Path: "new/9.sql"}},
		Findings:   []onward.Finding{{Rule: "x-gone", Severity: onward.Warning, Migration: "1", Path: "old/1.sql", Line: 1, Fact: "all are gone"}},
	}
	for _, id := range []string{"1", "2", "3", "4"} {
		r.Migrations = append(r.Migrations, onward.Migration{ID: id, Path: "old/" + id + ".sql", Status: onward.StatusDeleted})
	}
	few := reporttest.PrintReport(t, r, report.FormatTerminal, report.Options{})
	if !strings.Contains(few, "old/4.sql") || strings.Contains(few, "deleted migrations have") {
		t.Errorf("three deleted migrations are listed: %s", few)
	}
	// A file can have several migrations.
	r.Migrations = append(r.Migrations, onward.Migration{ID: "4b", Path: "old/4.sql", Status: onward.StatusDeleted},
		onward.Migration{ID: "5", Path: "old/5.sql", Status: onward.StatusDeleted})
	for format, wants := range map[report.Format][]string{
		report.FormatTerminal: {"new/9.sql", "old/1.sql ", "5 deleted migrations have no finding of their own: 2.sql, 3.sql, 4.sql, 1 more (-v lists them)"},
		report.FormatMarkdown: {"| `new/9.sql` |", "| `old/1.sql` |", "\n5 deleted migrations have no finding of their own: 2.sql, 3.sql, 4.sql, 1 more\n"},
	} {
		out := reporttest.PrintReport(t, r, format, report.Options{})
		for _, want := range wants {
			if !strings.Contains(out, want) {
				t.Errorf("%s: no %q in %s", format, want, out)
			}
		}
		if strings.Contains(out, "old/3.sql") {
			t.Errorf("%s lists a deleted migration: %s", format, out)
		}
	}
	whole := reporttest.PrintReport(t, r, report.FormatTerminal, report.Options{Verbose: true})
	if !strings.Contains(whole, "old/3.sql") || strings.Contains(whole, "-v lists") {
		t.Errorf("-v lists all: %s", whole)
	}
}
