package html_test

import (
	"strings"
	"testing"

	"github.com/onward-sql/onward/internal/report"
	"github.com/onward-sql/onward/internal/report/html"
	"github.com/onward-sql/onward/onward"
)

// TestStayChanged prints a plan, a run and an abort of a backfill that changes a column which existed before. Each says that an abort does
// not restore its rows. After the contract nothing can be aborted, so the result does not say it.
func TestStayChanged(t *testing.T) {
	t.Parallel()
	const sentence = "the rows of users.note stay changed"
	printed := func(write func(b *strings.Builder) error) string {
		var b strings.Builder
		if err := write(&b); err != nil {
			t.Fatal(err)
		}
		return b.String()
	}
	o := report.Options{Width: 200}
	p, r := explained()
	p.Steps[2].StayChanged = []string{"users.note"}
	if text := printed(func(b *strings.Builder) error { return report.WritePlan(b, report.FormatTerminal, p, o) }); !strings.Contains(text,
		sentence+": no old value is kept") {
		t.Errorf("the plan:\n%s", text)
	}
	if text := printed(func(b *strings.Builder) error { return html.WritePlan(b, p, r) }); !strings.Contains(text, sentence+": no old value is kept") {
		t.Error("the page of the plan does not say it")
	}
	a := &onward.Applied{Plan: "5b1c4a7f90d2e386", StayChanged: []string{"users.note"}, Steps: []onward.AppliedStep{{ID: "01-backfill", Phase: onward.Backfill}}}
	for state, want := range map[onward.ApplyState]string{
		onward.ApplyRunning:   "If onward abort takes the plan back, " + sentence + ".",
		onward.ApplyAbandoned: "The plan is taken back, but " + sentence + ".",
		onward.ApplyDone:      "",
	} {
		a.State = state
		text := printed(func(b *strings.Builder) error { return report.WriteApply(b, report.FormatTerminal, a, o) })
		if !strings.Contains(text, want) || want == "" && strings.Contains(text, "stay changed") {
			t.Errorf("apply in state %s prints no sentence %q:\n%s", state, want, text)
		}
	}
}
