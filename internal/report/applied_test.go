package report_test

import (
	"bytes"
	"strings"
	"testing"

	"github.com/onward-sql/onward/internal/report"
	"github.com/onward-sql/onward/onward"
)

// A step's state is in the same column whatever the length of the step's name, and never touches the name.
func TestStepNames(t *testing.T) {
	t.Parallel()
	a := &onward.Applied{Plan: "p"}
	for n := range 60 {
		a.Steps = append(a.Steps, onward.AppliedStep{ID: strings.Repeat("x", n+1), Phase: onward.Expand, State: onward.ApplyDone})
	}
	var out bytes.Buffer
	if err := report.WriteApply(&out, report.FormatTerminal, a, report.Options{Width: 80}); err != nil {
		t.Fatal(err)
	}
	columns := map[int]int{}
	for line := range strings.Lines(out.String()) {
		if column := strings.Index(line, string(onward.ApplyDone)); column >= 0 && !strings.HasPrefix(line, "plan p ") {
			columns[column]++
			if column == 0 || line[column-1] != ' ' {
				t.Errorf("the state touches the name: %q", line)
			}
		}
	}
	if len(columns) != 1 || columns[16] != 60 {
		t.Errorf("states by column: %v, want 60 in column 16:\n%s", columns, out.String())
	}
}
