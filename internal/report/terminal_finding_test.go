package report_test

import (
	"strings"
	"testing"

	"github.com/onward-sql/onward/internal/report"
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
	out := print(t, r, report.FormatTerminal, report.Options{Width: 60})
	if !strings.Contains(out, "             "+sql+"\n") {
		t.Errorf("the SQL cannot be pasted:\n%s", out)
	}
	if !strings.Contains(out, "             or add it nullable now and NOT NULL a release\n             later\n") {
		t.Errorf("the other way runs out of the screen:\n%s", out)
	}
}
