package migrations

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/onward-sql/onward/audit"
	"github.com/onward-sql/onward/onward"
)

// A setting of a file holds for its step, and not for the session.
func TestSetLocal(t *testing.T) {
	t.Parallel()
	for sql, want := range map[string]string{
		"SET work_mem = '8MB'":          "SET LOCAL work_mem = '8MB'",
		"set  session work_mem = '8MB'": "SET LOCAL work_mem = '8MB'",
		"SET LOCAL work_mem = '8MB'":    "SET LOCAL work_mem = '8MB'",
		"RESET work_mem":                "RESET work_mem",
	} {
		if got := makeSetLocal(sql); got != want {
			t.Errorf("makeSetLocal(%q) = %q, want %q", sql, got, want)
		}
	}
}

// After a plan the user is told what the migrations' own tool does not know, unless a step records it or the tool runs the plan's files.
func TestUnrecordedAdvice(t *testing.T) {
	t.Parallel()
	plan := onward.Plan{Steps: []onward.PlanStep{{ID: "a"}}, Migrations: []onward.PlannedMigration{{ID: "1"}, {ID: "2"}}}
	recorded := *WithRecord(&plan, ToolRows{Write: "SELECT 1", Remove: "SELECT 2"})
	if plan.Steps[0].Record != "" || recorded.Steps[0].Record != "SELECT 1" || recorded.Steps[0].Unrecord != "SELECT 2" {
		t.Errorf("WithRecord(%+v) = %+v, want the SQL in the copy's step alone", plan, recorded)
	}
	written := plan
	written.Dir = "migrations"
	for _, c := range []struct {
		plan onward.Plan
		want string
	}{{plan, "1, 2 took place"}, {recorded, ""}, {written, ""}} {
		if got := UnrecordedAdvice(&c.plan, "no table"); (got == "") != (c.want == "") || !strings.Contains(got, c.want) {
			t.Errorf("%q instead of %q", got, c.want)
		}
	}
}

// The digest of a release's migrations changes with their order and their content.
func TestDigestSource(t *testing.T) {
	t.Parallel()
	a, b := &audit.Planned{}, &audit.Planned{}
	a.ID, a.Hash, b.ID, b.Hash = "1", "x", "2", "y"
	set := &audit.Set{Migrations: []*audit.Planned{a, b}}
	first := digestSource(set)
	set.Migrations = []*audit.Planned{b, a}
	swapped := digestSource(set)
	set.Migrations = []*audit.Planned{a, b}
	repeated := digestSource(set)
	b.Hash = "z"
	if changed := digestSource(set); first != repeated || first == swapped || first == changed {
		t.Errorf("digests (-first +swapped, repeated, changed), want repeated equal:\n%s", cmp.Diff(first, []string{swapped, repeated, changed}))
	}
}
