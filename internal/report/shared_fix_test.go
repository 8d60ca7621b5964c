package report_test

import (
	"strings"
	"testing"

	"github.com/onward-sql/onward/internal/report"
	"github.com/onward-sql/onward/internal/report/reporttest"
	"github.com/onward-sql/onward/onward"
)

func TestSharedFixIsPrintedOnce(t *testing.T) {
	t.Parallel()
	const sql = "\nALTER TABLE t ADD CHECK (a > 0) NOT VALID;\n-- in a file of its own, after that:\nALTER TABLE t VALIDATE CONSTRAINT t_a_check;" +
		"\nALTER TABLE t ADD b int;"
	finding := func(rule, instead string) onward.Finding {
		return onward.Finding{Rule: rule, Severity: onward.Error, Migration: "1", Path: "m/1.sql", Line: 1, Fact: "bad", Instead: instead}
	}
	r := &onward.Report{
		Migrations: []onward.Migration{{ID: "1", Path: "m/1.sql"}},
		Findings: []onward.Finding{
			finding("x-first", "let a CHECK prove it:"+sql), finding("x-second", "add it first:"+sql),
			finding("x-third", "set one:\nSET a = 1;"), finding("x-fourth", "set one:\nSET a = 1;"),
		},
	}
	out := reporttest.PrintReport(t, r, report.FormatTerminal, report.Options{Width: 100})
	if strings.Count(out, "VALIDATE CONSTRAINT") != 1 || !strings.Contains(out, "instead: add it first: with the statements of x-first above") {
		t.Errorf("the shared statements are not printed once: %s", out)
	}
	if strings.Count(out, "SET a = 1") != 2 {
		t.Errorf("a fix of one line is not printed with each finding: %s", out)
	}
}
