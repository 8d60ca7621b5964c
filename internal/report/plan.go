package report

import (
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
		return writeJSON(w, p)
	case FormatSQL:
		return planSQL(w, p)
	}
	out := newPage(o)
	out.split(Line(p.Base)+"..."+Line(p.Head), Count(len(p.Migrations), "migration")+" · "+Count(len(p.Steps), "step"), out.Bold, out.Dim)
	told := map[string]bool{}
	for _, phase := range phases {
		out.planPhase(p, phase, told, o.Verbose)
	}
	out.planEnd(p)
	return out.flush(w)
}

// phases are in the order in which they are run.
var phases = []onward.PlanPhase{onward.Expand, onward.Backfill, onward.Contract}

// phaseWords say when a phase is run.
var phaseWords = map[onward.PlanPhase]string{
	onward.Expand:   "before the new code is deployed",
	onward.Backfill: "in the background, beside both codes",
	onward.Contract: "in a later release, when no process of the deployed code is left",
}

func (p *page) planPhase(plan *onward.Plan, phase onward.PlanPhase, told map[string]bool, verbose bool) {
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
		p.planStep(s, told, verbose)
	}
}

func (p *page) planStep(s *onward.PlanStep, told map[string]bool, verbose bool) {
	const indent = "      "
	p.wrap("  "+s.ID+"  ", indent, Line(s.Why)+".", p.plain())
	for _, text := range inner(s.SQL) {
		body := strings.TrimLeft(text, " ")
		p.line(indent, text[:len(text)-len(body)], p.paint(p.Dim, Line(body)))
	}
	effects := existing(s.Effects)
	for i := range effects {
		e := &effects[i]
		words := e.Lock.String()
		if work := worked(e); work != "" {
			words += ", " + work
		}
		p.line(indent, relation(e.Relation), "  ", words, "  ", p.paint(p.blocking(e.Lock), "blocks "+kept(e)))
	}
	p.wrap(indent+"takes   ", indent+"        ", stepTime(s), p.plain())
	for _, text := range stepBefore(s, told) {
		p.wrap(indent+"before  ", indent+"        ", text, p.plain())
	}
	if s.Repeat {
		p.wrap(indent+"until   ", indent+"        ", "again and again, until it returns 0", p.plain())
	}
	words, sql := stepUndo(s)
	list := inner(sql)
	switch {
	case words != "":
		p.wrap(indent+"undo    ", indent+"        ", words, p.plain())
	case verbose:
		for i, text := range list {
			head := "undo    "
			if i > 0 {
				head = "        "
			}
			p.line(indent, head, Line(text))
		}
	default:
		text := list[0]
		if n := len(list) - 1; n > 0 {
			text = fmt.Sprintf("%s and %s (-v shows all)", shorten(text, 50), Count(n, "more line"))
		}
		p.line(indent, "undo    ", shorten(Line(text), p.width-14))
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
	for _, s := range plan.Statements {
		p.blank()
		p.line(p.paint(p.Bold, Line("to "+s.Name)))
		p.wrap("  ", "  ", Line(s.Text), p.plain())
		p.line("  ", p.paint(p.Dim, Line(s.SQL)))
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
	for _, s := range p.Statements {
		b.WriteString("\n")
		comment("to %s: %s\n%s", s.Name, s.Text, s.SQL)
	}
	_, err := io.WriteString(w, b.String())
	return err
}
