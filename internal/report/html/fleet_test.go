package html

import (
	"strings"
	"testing"

	"github.com/onward-sql/onward/onward"
)

// A target that failed before its next step began is not shown as running.
func TestFailedTarget(t *testing.T) {
	t.Parallel()
	for state, want := range map[onward.RolloutState]string{
		onward.RolloutFailed: "stopped, 1 of 2 steps done", onward.RolloutRunning: "running, 1 of 2 steps done",
	} {
		target := onward.RolloutTarget{Name: "tenant_007", State: state, Note: "rows violate a condition"}
		plan := &onward.Applied{Plan: "p", State: onward.ApplyRunning, Steps: []onward.AppliedStep{
			{ID: "01-expand", State: onward.ApplyDone}, {ID: "02-expand", State: onward.ApplyPending},
		}}
		var out strings.Builder
		err := WriteFleet(&out, &FleetPage{
			Rollout: &onward.Rollout{Release: "v2", Targets: []onward.RolloutTarget{target}},
			Target:  &FleetTarget{Target: &target, Plans: []StatusPlan{{Plan: &onward.Plan{}, Applied: plan}}},
		})
		if err != nil || !strings.Contains(out.String(), want) {
			t.Errorf("%s: %v, not %q", state, err, want)
		}
	}
}

// A form in a paragraph would end it: the button to log out would be below the title, and not beside it.
func TestLogOutButton(t *testing.T) {
	t.Parallel()
	var out strings.Builder
	if err := WriteFleet(&out, &FleetPage{Rollout: &onward.Rollout{Release: "v2"}, LogOut: true, Changes: true}); err != nil {
		t.Fatal(err)
	}
	parts := strings.Split(out.String(), "<form")
	if len(parts) < 4 {
		t.Fatalf("%d forms", len(parts)-1)
	}
	for i := 1; i < len(parts); i++ {
		before := strings.Join(parts[:i], "<form")
		if strings.Count(before, "<p>")+strings.Count(before, "<p ") != strings.Count(before, "</p>") {
			t.Errorf("a paragraph has a form: %s", parts[i])
		}
	}
}
