package machine

import (
	"fmt"
	"io"
	"strings"

	"github.com/onward-sql/onward/internal/report/escape"
	"github.com/onward-sql/onward/internal/report/view"
	"github.com/onward-sql/onward/onward"
)

// WritePlanSQL prints the steps for psql, each with its check and what it waits for as comments.
func WritePlanSQL(w io.Writer, p *onward.Plan) error {
	var b strings.Builder
	comment := func(format string, args ...any) {
		for text := range strings.Lines(fmt.Sprintf(format, args...)) {
			b.WriteString("-- " + escape.Line(strings.TrimRight(text, "\n")) + "\n")
		}
	}
	results := view.SummarizePlan(p)
	comment("%s", results.Verdict)
	for _, m := range results.Missing {
		comment("missing: %s", m)
	}
	for _, l := range results.Left {
		comment("left, for the migrations' own tool to run before the first contract step: %s\n%s", l.Line, strings.Join(l.Why, "\n"))
	}
	b.WriteString("\\set ON_ERROR_STOP on\n")
	phase := onward.PlanPhase("")
	for i := range p.Steps {
		s := &p.Steps[i]
		if s.Phase != phase {
			phase = s.Phase
			b.WriteString("\n")
			comment("%s: %s", phase, view.PhaseWords[phase])
		}
		b.WriteString("\n")
		comment("%s: %s", s.ID, s.Why)
		if s.Check != "" {
			comment("must find no row: %s", s.Check)
		}
		if s.Repeat {
			comment("repeat it until it returns 0")
		}
		b.WriteString(s.SQL)
	}
	for _, s := range p.Statements {
		b.WriteString("\n")
		comment("to %s: %s\n%s", s.Name, s.Text, s.SQL)
	}
	_, err := io.WriteString(w, b.String())
	return err
}
