package analysis_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/onward-sql/onward/internal/analysis"
	"github.com/onward-sql/onward/internal/effect"
	"github.com/onward-sql/onward/onward"
)

// TestLaterDrops holds what the plans of testdata/later_drops.txt will drop, and which statements touch it. A line is a step of the plan ("expand SQL",
// "contract SQL", "done SQL" for a contract step that is done), or a statement. With -update it writes the answers.
func TestLaterDrops(t *testing.T) {
	t.Parallel()
	var got strings.Builder
	for _, b := range readBlocks(t, "later_drops.txt") {
		fmt.Fprintf(&got, "%s\n", b.title)
		b.deployed.Complete = true
		var p onward.Plan
		done := map[string]bool{}
		var statements []string
		for _, line := range b.lines {
			word, sql, _ := strings.Cut(line, " ")
			step := onward.PlanStep{ID: fmt.Sprint(len(p.Steps)), Phase: onward.Contract, SQL: sql}
			switch word {
			case "expand":
				step.Phase = onward.Expand
			case "done":
				done[step.ID] = true
			case "contract":
			default:
				statements = append(statements, line)
				continue
			}
			fmt.Fprintf(&got, "%s\n", line)
			p.Steps = append(p.Steps, step)
		}
		drops := analysis.ListLaterDrops(&p, b.deployed, func(step string) bool { return done[step] })
		for _, d := range drops {
			fmt.Fprintf(&got, "  will drop %s\n", d.Text)
		}
		for _, sql := range statements {
			var touched []string
			for i := range drops {
				if drops[i].IsTouched(parse(t, sql)[0], sql, b.deployed, effect.NewVersion(onward.NewestMajor)) {
					touched = append(touched, drops[i].Text)
				}
			}
			fmt.Fprintf(&got, "%s\n  touches %s\n", sql, strings.Join(slices.Compact(touched), ", "))
		}
		got.WriteString("\n")
	}
	compareFound(t, "later_drops.txt", got.String())
}

// A schema takes the place of the one that has its new name.
func TestRenameSchema(t *testing.T) {
	t.Parallel()
	c := schemaOf(t, "CREATE SCHEMA a; CREATE SCHEMA b; CREATE TABLE a.t (id int); CREATE TABLE b.u (id int)")
	renamed := analysis.RenameSchema(c, "a", "b")
	if renamed.Lookup("b", "t") == nil || renamed.Lookup("b", "u") != nil || renamed.Lookup("a", "t") != nil {
		t.Errorf("RenameSchema(a, b) = %v, want only the table b.t", renamed)
	}
	if analysis.RenameSchema(c, "a", "a") != c || analysis.ApplyAll(c, "SELECT '") != c {
		t.Error("nothing to do")
	}
	d := analysis.LaterDrop{ContractCommand: "onward contract", AbortCommand: "onward abort"}
	if got := d.FinishAdvice(); got != "finish the plan first (onward contract), or take it back (onward abort)" {
		t.Errorf("FinishAdvice() = %q, want both commands", got)
	}
}
