package report

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"github.com/onward-sql/onward/onward"
)

// FormatSQL is a plan as a script for psql.
const FormatSQL Format = "sql"

// WritePlan prints a plan: for people, as JSON, or as one script for psql.
func WritePlan(w io.Writer, f Format, p *onward.Plan, o Options) error {
	switch f {
	case FormatJSON:
		e := json.NewEncoder(w)
		e.SetEscapeHTML(false)
		e.SetIndent("", "  ")
		return e.Encode(p)
	case FormatSQL:
		return planSQL(w, p)
	}
	out := newPage(o)
	out.split(Line(p.Base)+"..."+Line(p.Head), Count(len(p.Migrations), "migration")+" · "+Count(len(p.Steps), "step"), out.Bold, out.Dim)
	for _, phase := range []onward.PlanPhase{onward.Expand, onward.Backfill, onward.Contract} {
		out.planPhase(p, phase)
	}
	out.planEnd(p)
	return out.flush(w)
}

// phaseWords say when a phase is run.
var phaseWords = map[onward.PlanPhase]string{
	onward.Expand:   "before the new code is deployed",
	onward.Backfill: "in the background, beside both codes",
	onward.Contract: "in a later release, when no process of the deployed code is left",
}

func (p *page) planPhase(plan *onward.Plan, phase onward.PlanPhase) {
	first := true
	for i := range plan.Steps {
		s := &plan.Steps[i]
		if s.Phase != phase {
			continue
		}
		if first {
			p.blank()
			p.split(string(phase), phaseWords[phase], p.Bold, p.Dim)
			first = false
		}
		p.planStep(s)
	}
}

func (p *page) planStep(s *onward.PlanStep) {
	p.wrap("  "+s.ID+"  ", "      ", Line(s.Why)+".", p.plain())
	for sql := range strings.Lines(s.SQL) {
		text := strings.TrimRight(sql, "\n")
		if text == "BEGIN;" || text == "COMMIT;" || strings.HasPrefix(text, "SET LOCAL ") {
			continue
		}
		body := strings.TrimLeft(text, " ")
		p.line("      ", text[:len(text)-len(body)], p.paint(p.Dim, Line(body)))
	}
	for _, e := range s.Effects {
		words := e.Lock.String()
		if e.Work != onward.NoWork {
			words += ", " + e.Work.String()
		}
		p.line("      ", Line(e.Relation), "  ", words)
	}
	if s.Repeat {
		p.line("      again and again, until it returns 0")
	}
}

func (p *page) planEnd(plan *onward.Plan) {
	if len(plan.Notes) > 0 {
		p.blank()
		p.line(p.paint(p.Bold, "to know"))
		for _, n := range plan.Notes {
			p.wrap("  ", "  ", Line(n), p.plain())
		}
	}
	p.blank()
	for _, c := range plan.Proof.Checks {
		word, style := "ok", p.plain()
		if !c.OK {
			word, style = "no", p.Error
		}
		p.wrap("  "+word+"  ", "      ", c.Name, style)
		if !c.OK {
			for text := range strings.Lines(c.Detail) {
				p.wrap("      ", "      ", Line(strings.TrimRight(text, "\n")), p.plain())
			}
		}
	}
	for _, m := range plan.Proof.Missing {
		p.wrap("  missing  ", "      ", Line(m), p.Warning)
	}
	p.line(p.paint(p.Bold, planVerdict(plan)))
}

// planVerdict is the last line.
func planVerdict(p *onward.Plan) string {
	switch {
	case len(p.Steps) == 0:
		return "There is nothing to plan."
	case p.Proof.Proven:
		return "Proven: the plan makes what the migrations make."
	case len(p.Proof.Missing) > 0:
		return "A sketch: it is not proven, and what is missing stands above."
	}
	return "A sketch: it is not proven."
}

// planSQL prints the steps for psql, each with its check and what it waits for as comments.
func planSQL(w io.Writer, p *onward.Plan) error {
	var b strings.Builder
	comment := func(format string, args ...any) {
		for text := range strings.Lines(fmt.Sprintf(format, args...)) {
			b.WriteString("-- " + Line(strings.TrimRight(text, "\n")) + "\n")
		}
	}
	comment("%s", planVerdict(p))
	for _, m := range p.Proof.Missing {
		comment("missing: %s", m)
	}
	b.WriteString("\\set ON_ERROR_STOP on\n")
	phase := onward.PlanPhase("")
	for i := range p.Steps {
		s := &p.Steps[i]
		if s.Phase != phase {
			phase = s.Phase
			b.WriteString("\n")
			comment("%s: %s", phase, phaseWords[phase])
		}
		b.WriteString("\n")
		comment("%s: %s", s.ID, s.Why)
		if s.Check != "" {
			comment("must find no row: %s", s.Check)
		}
		if s.Repeat {
			comment("again and again, until it returns 0")
		}
		b.WriteString(s.SQL)
	}
	_, err := io.WriteString(w, b.String())
	return err
}
