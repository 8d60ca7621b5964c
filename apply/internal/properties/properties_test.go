package properties

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/onward-sql/onward/onward"
)

// A view that takes the old name of a renamed table replaces it, in addition to what the plan names.
func TestStepReplacements(t *testing.T) {
	t.Parallel()
	declared := onward.PlanReplacement{Kind: onward.ReplacementColumn, Old: "orders", New: "orders", OldColumn: "a", NewColumn: "b"}
	for sql, want := range map[string][]onward.PlanReplacement{
		"ALTER TABLE orders RENAME TO sales; CREATE VIEW orders AS SELECT * FROM sales": {declared, {Kind: onward.ReplacementView, Old: "sales", New: "orders"}},
		"ALTER TABLE s.orders RENAME TO sales; CREATE VIEW orders AS SELECT 1":          {declared},
		"CREATE VIEW orders AS SELECT 1":                                                {declared},
	} {
		got := stepReplacements(&onward.PlanStep{SQL: sql, Replaces: []onward.PlanReplacement{declared}})
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("stepReplacements(%q) (-want +got):\n%s", sql, diff)
		}
	}
}
