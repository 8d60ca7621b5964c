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

// WriteSent prints the statements of a report's new migrations as SQL that a reader can follow: each migration with its
// file, and BEGIN and COMMIT around the statements of a transaction.
func WriteSent(w io.Writer, r *onward.Report) error {
	var b strings.Builder
	for _, m := range r.Migrations {
		if m.Status == onward.StatusDeleted || m.Status == onward.StatusReplaced {
			continue
		}
		fmt.Fprintf(&b, "-- %s (%s)\n", escape.Line(m.ID), escape.Line(m.Path))
		open := 0
		for _, s := range m.Statements {
			if s.Transaction != open {
				b.WriteString(transactionEnd(open))
				if s.Transaction != 0 {
					b.WriteString("BEGIN;\n")
				}
				open = s.Transaction
			}
			b.WriteString(escape.Controls(strings.TrimRight(s.SQL, "; \n")) + ";\n")
		}
		b.WriteString(transactionEnd(open))
		if len(m.Statements) == 0 {
			b.WriteString("-- nothing was sent\n")
		}
		b.WriteString("\n")
	}
	if b.Len() == 0 {
		b.WriteString("-- the head sends nothing that the base did not send\n\n")
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// transactionEnd returns what ends a transaction; "" if none is open.
func transactionEnd(number int) string {
	if number == 0 {
		return ""
	}
	return "COMMIT;\n"
}
