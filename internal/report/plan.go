package report

import (
	"fmt"
	"io"
	"strings"

	"github.com/charmbracelet/lipgloss"

	"github.com/onward-sql/onward/internal/prose"
	"github.com/onward-sql/onward/onward"
)

// terminalPlan prints a plan for people.
func terminalPlan(w io.Writer, p *onward.Plan, o Options) error {
	out, results := newPage(o), summarizePlan(p)
	out.addTwoSided(results.title, results.subtitle, out.Bold, out.Dim)
	told := map[string]bool{}
	for _, phase := range phases {
		out.planPhase(p, phase, told, o.Verbose)
	}
	out.planEnd(results)
	if o.Verbose && len(p.Proof.Groups) > 1 {
		out.addWrapped("  chains  ", "          ", listGroups(p), out.ordinaryStyle())
	}
	return out.writePage(w)
}

func (p *page) planPhase(plan *onward.Plan, phase onward.PlanPhase, told map[string]bool, verbose bool) {
	first := true
	for i := range plan.Steps {
		s := &plan.Steps[i]
		if s.Phase != phase || s.Bookkeeping && !verbose {
			continue
		}
		if first {
			p.addBlankLine()
			p.addTwoSided(string(phase), phaseWords[phase], p.Bold, p.Dim)
			first = false
		}
		p.planStep(s, told, verbose)
	}
}

func (p *page) planStep(s *onward.PlanStep, told map[string]bool, verbose bool) {
	const indent = "      "
	p.addWrapped("  "+s.ID+"  ", indent, EscapeLine(s.Why)+".", p.ordinaryStyle())
	for _, text := range stepLines(s, verbose) {
		body := strings.TrimLeft(text, " ")
		p.addLine(indent, text[:len(text)-len(body)], p.paintLine(p.Dim, EscapeLine(body)))
	}
	effects := noticeableEffects(s.Effects)
	for i := range effects {
		e := &effects[i]
		words := e.Lock.String()
		if work := nameWork(e); work != "" {
			words += ", " + work
		}
		p.addLine(indent, shortRelation(e.Relation), "  ", words, "  ", p.paintLine(p.stepLockStyle(s, e), "blocks "+blockedBy(e)))
	}
	p.addWrapped(indent+"takes   ", indent+"        ", stepTime(s), p.ordinaryStyle())
	for _, cost := range stepCosts(s) {
		p.addWrapped(indent+padRight(cost.Name, 8), indent+"        ", cost.Words, p.ordinaryStyle())
	}
	for _, text := range stepBefore(s, told) {
		p.addWrapped(indent+"before  ", indent+"        ", text, p.ordinaryStyle())
	}
	if s.Repeat {
		p.addWrapped(indent+"until   ", indent+"        ", "it is repeated, and committed each time, until no row is left", p.ordinaryStyle())
	}
	words, list := stepUndo(s)
	switch {
	case words != "":
		p.addWrapped(indent+"undo    ", indent+"        ", words, p.ordinaryStyle())
	case verbose:
		for i, text := range list {
			head := "undo    "
			if i > 0 {
				head = "        "
			}
			p.addLine(indent, head, EscapeLine(text))
		}
	default:
		text := list[0]
		if n := len(list) - 1; n > 0 {
			text = fmt.Sprintf("%s and %s (-v shows all)", cutToWidth(text, 50), prose.CountNoun(n, "more line"))
		}
		p.addLine(indent, "undo    ", cutToWidth(EscapeLine(text), p.width-14))
	}
}

// stepLockStyle returns the colour of a lock of a step: a lock that is held for an instant has none.
func (p *page) stepLockStyle(s *onward.PlanStep, e *onward.Effect) lipgloss.Style {
	if !makesOthersWait(s) {
		return p.Dim
	}
	return p.lockStyle(e.Lock)
}

func (p *page) planEnd(r *planResults) {
	if len(r.notes) > 0 {
		p.addHeading("notes")
		for _, n := range r.notes {
			p.addWrapped("  ", "  ", n, p.ordinaryStyle())
		}
	}
	for _, s := range r.statements {
		p.addHeading("to " + s.Name)
		p.addWrapped("  ", "  ", s.Text, p.ordinaryStyle())
		p.addLine("  ", p.paintLine(p.Dim, s.SQL))
	}
	p.addBlankLine()
	for _, c := range r.checks {
		word, style := "ok", p.ordinaryStyle()
		if !c.ok {
			word, style = "no", p.Error
		}
		p.addWrapped("  "+word+"  ", "      ", c.name, style)
		for text := range strings.Lines(c.detail) {
			p.addWrapped("      ", "      ", EscapeLine(text), p.ordinaryStyle())
		}
	}
	for _, m := range r.missing {
		p.addWrapped("  missing  ", "      ", m, p.Warning)
	}
	for _, l := range r.left {
		p.addWrapped("  left  ", "      ", l.line+"  (chain "+l.chain+")", p.Warning)
		for _, why := range l.why {
			p.addWrapped("      ", "      ", why, p.ordinaryStyle())
		}
	}
	if r.total != "" {
		p.addWrapped("  all steps  ", "             ", r.total, p.ordinaryStyle())
	}
	p.addLine(p.paintLine(p.Bold, r.verdict))
}
