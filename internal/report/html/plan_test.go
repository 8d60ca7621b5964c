package html_test

import (
	"strings"
	"testing"

	"github.com/onward-sql/onward/internal/report"
	"github.com/onward-sql/onward/internal/report/html"
	"github.com/onward-sql/onward/onward"
)

// explained is a plan of a rename beside the release that it takes the place of.
func explained() (*onward.Plan, *onward.Report) {
	lock := func(l onward.Lock, w onward.Work, blocks ...string) []onward.Effect {
		return []onward.Effect{{Relation: "public.t", Lock: l, Work: w, Blocks: blocks, Rows: 2_000_000, EstimateMS: 90_000}}
	}
	m := onward.PlannedMigration{ID: "2_b", Path: "m/2_b.sql"}
	p := &onward.Plan{Schema: onward.PlanSchema, Base: "main", Head: "<b>feature</b>", Migrations: []onward.PlannedMigration{m}, Steps: []onward.PlanStep{
		{ID: "01-expand", Phase: onward.Expand, Class: onward.StepDDL, SQL: "BEGIN;\nSET LOCAL lock_timeout = '2s';\nALTER TABLE t ADD COLUMN b text;\nCOMMIT;\n", Why: "is added", Undo: "ALTER TABLE t DROP COLUMN b;\n", Migration: "2_b", Duration: "instant",
			Effects: []onward.Effect{{Relation: "public.t", Lock: onward.AccessExclusiveLock, Blocks: []string{"read", "write"}}}},
		{ID: "02-expand", Phase: onward.Expand, Class: onward.StepValidate, SQL: "ALTER TABLE t VALIDATE CONSTRAINT c;\n", Why: "reads", Migration: "2_b", Effects: lock(onward.ShareUpdateExclusiveLock, onward.Scan), Check: "SELECT 1 FROM t",
			Requires: []onward.Requirement{{Kind: onward.RequiresCheck, Text: "its check finds no row"}}},
		{
			ID:        "03-backfill",
			Phase:     onward.Backfill,
			Class:     onward.StepBackfill,
			SQL:       "UPDATE t SET b = a;\n",
			Repeat:    true,
			Why:       "fills b",
			Migration: "2_b",
			Effects:   lock(onward.RowExclusiveLock, onward.Scan),
		},
		{
			ID:        "04-contract",
			Phase:     onward.Contract,
			Class:     onward.StepDDL,
			SQL:       "ALTER TABLE t DROP COLUMN a;\n",
			Why:       "goes",
			Migration: "2_b",
			Requires:  []onward.Requirement{{Kind: onward.RequiresGone, Text: "no process of main is left"}},
		},
	}, Statements: []onward.PlanStatement{{Name: "restore a row", Text: "It changes no row if none is deleted.", SQL: "UPDATE t SET gone = NULL WHERE id = $1"}}}
	r := &onward.Report{
		Migrations: []onward.Migration{{
			ID:          "2_b",
			Path:        "m/2_b.sql",
			Transaction: onward.TransactionFile,
			Statements:  []onward.Statement{{SQL: "ALTER TABLE t RENAME COLUMN a TO b", Line: 1, Duration: "instant", Effects: p.Steps[0].Effects}},
		}},
		Findings: []onward.Finding{{
			Rule:     "column-rename",
			Category: onward.Compatibility,
			Severity: onward.Error,
			Path:     "m/2_b.sql",
			Line:     1,
			Fact:     "column a is renamed",
		}},
	}
	return p, r
}

// Each step shows how long it takes, what must be true before it, and how it is undone, in
// the terminal and on the page; the page shows the release next to it.
func TestPlanExplainsItself(t *testing.T) {
	t.Parallel()
	p, r := explained()
	both := []string{
		"to restore a row", "It changes no row if none is deleted.", "UPDATE t SET gone = NULL WHERE id = $1",
		"an instant; if it gets no lock within 2 s, it stops", "about 2 min; reads and writes go on", "runs, ",
		"no row is found by: SELECT 1 FROM t", "no process of main is left", "none: the dropped data is gone",
		"not needed: it leaves nothing", "ALTER TABLE t DROP COLUMN b;",
	}
	var text, page strings.Builder
	if err := report.WritePlan(&text, report.FormatTerminal, p, report.Options{Width: 200}); err != nil {
		t.Fatal(err)
	}
	if err := html.WritePlan(&page, p, r); err != nil {
		t.Fatal(err)
	}
	for _, want := range both {
		if !strings.Contains(text.String(), want) {
			t.Errorf("the text has no %q:\n%s", want, text.String())
		}
		if !strings.Contains(page.String(), want) {
			t.Errorf("the page has no %q", want)
		}
	}
	for _, want := range []string{"1 place in which it breaks", "works until 04-contract", "RENAME COLUMN a TO b", "column a is renamed", "&lt;b&gt;feature"} {
		if !strings.Contains(page.String(), want) {
			t.Errorf("the page has no %q", want)
		}
	}
	if strings.Contains(page.String(), "<b>feature") {
		t.Error("a name is taken for HTML")
	}
}
