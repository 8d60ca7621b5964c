package audit

import (
	"slices"
	"strings"
	"testing"

	"github.com/onward-sql/onward/internal/adapter"
	"github.com/onward-sql/onward/internal/ledger"
	"github.com/onward-sql/onward/internal/underway"
	"github.com/onward-sql/onward/onward"
)

// TestPlanStepsInHistory looks where the steps of a plan under way come in the deployed migrations, and which of them.
func TestPlanStepsInHistory(t *testing.T) {
	t.Parallel()
	first := &adapter.Migration{ID: "1", Path: "1.sql", Hash: "a"}
	replaced := &adapter.Migration{ID: "2", Path: "2.sql", Hash: "b"}
	third := &adapter.Migration{ID: "3", Path: "3.sql", Hash: "c"}
	plan := func(schema, hash string) ledger.UnfinishedPlan {
		p := &ledger.Plan{ID: "p", Path: `"tenant_1", extensions`, Plan: onward.Plan{
			Migrations: []onward.PlannedMigration{{ID: "2", Path: "2.sql", Hash: hash}},
			Steps:      []onward.PlanStep{{ID: "expand", SQL: "EXPAND;\n"}, {ID: "fill", SQL: "FILL", Repeat: true}, {ID: "contract", SQL: "CONTRACT"}},
		}}
		p.Begun.Schema = schema
		return ledger.UnfinishedPlan{Plan: p, Schema: schema, Done: map[string]bool{"expand": true, "fill": true}}
	}
	for _, test := range []struct {
		name      string
		plan      ledger.UnfinishedPlan
		list      []*adapter.Migration
		comparing *comparison
		only      string
		want      string // IDs
	}{
		{"the release has it", plan("", "b"), []*adapter.Migration{first}, &comparison{replaced: []*adapter.Migration{replaced}}, "", "1 p"},
		{"the base has it", plan("", "b"), []*adapter.Migration{first, replaced, third}, &comparison{}, "", "1 p 3"},
		{"it was edited", plan("", "old"), []*adapter.Migration{first, replaced}, &comparison{}, "", "1 2"},
		{"another source", plan("", "b"), []*adapter.Migration{first, third}, &comparison{}, "", "1 3"},
		{"a tenant's", plan("tenant_1", "b"), []*adapter.Migration{first, replaced}, &comparison{}, "tenant_1", "1 p"},
		{"another tenant's", plan("tenant_1", "b"), []*adapter.Migration{first, replaced}, &comparison{}, "tenant_2", "1 2"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			facts := &deployedFacts{plans: underway.State{Begun: []ledger.UnfinishedPlan{test.plan}}}
			before := slices.Clone(test.list)
			var ids []string
			for _, m := range facts.withPlanSteps(test.list, test.comparing, test.only) {
				ids = append(ids, m.ID)
				if m.ID != "p" {
					continue
				}
				path := `"tenant_1"`
				if test.only != "" {
					path = "public"
				}
				text := m.Source.Text
				if !strings.Contains(text, "search_path = "+path+", extensions;\nEXPAND;\n") || strings.Contains(text, "FILL") || strings.Contains(text, "CONTRACT") {
					t.Errorf("the steps are\n%s", text)
				}
			}
			if got := strings.Join(ids, " "); got != test.want || !slices.Equal(test.list, before) {
				t.Errorf("the history is %s, not %s", got, test.want)
			}
		})
	}
}
