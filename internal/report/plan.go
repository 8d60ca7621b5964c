package report

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/charmbracelet/lipgloss"

	"github.com/onward-sql/onward/onward"
)

// FormatSQL is a plan as a script for psql.
const FormatSQL Format = "sql"

// WritePlan prints a plan: for people, as JSON, as one script for psql, or as a comment on a pull request.
func WritePlan(w io.Writer, f Format, p *onward.Plan, o Options) error {
	switch f {
	case FormatJSON:
		return writeJSON(w, p)
	case FormatSQL:
		return planSQL(w, p)
	case FormatMarkdown:
		return PlanMarkdown(w, p)
	}
	out := newPage(o)
	out.addTwoSided(EscapeLine(p.Base)+"..."+EscapeLine(p.Head), CountNoun(len(p.Migrations), "migration")+" · "+countSteps(p), out.Bold, out.Dim)
	told := map[string]bool{}
	for _, phase := range phases {
		out.planPhase(p, phase, told, o.Verbose)
	}
	out.planEnd(p)
	if o.Verbose && len(p.Proof.Groups) > 1 {
		out.addWrapped("  chains  ", "          ", listGroups(p), out.ordinaryStyle())
	}
	return out.writePage(w)
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
	words, sql := stepUndo(s)
	list := linesWithoutTransaction(sql)
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
			text = fmt.Sprintf("%s and %s (-v shows all)", cutToWidth(text, 50), CountNoun(n, "more line"))
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

func (p *page) planEnd(plan *onward.Plan) {
	if len(plan.Notes) > 0 {
		p.addHeading("notes")
		for _, n := range plan.Notes {
			p.addWrapped("  ", "  ", EscapeLine(n), p.ordinaryStyle())
		}
	}
	for _, s := range plan.Statements {
		p.addHeading(EscapeLine("to " + s.Name))
		p.addWrapped("  ", "  ", EscapeLine(s.Text), p.ordinaryStyle())
		p.addLine("  ", p.paintLine(p.Dim, EscapeLine(s.SQL)))
	}
	p.addBlankLine()
	for _, c := range plan.Proof.Checks {
		word, style := "ok", p.ordinaryStyle()
		if !c.OK {
			word, style = "no", p.Error
		}
		p.addWrapped("  "+word+"  ", "      ", c.Name, style)
		if !c.OK {
			for text := range strings.Lines(c.Detail) {
				p.addWrapped("      ", "      ", EscapeLine(strings.TrimRight(text, "\n")), p.ordinaryStyle())
			}
		}
	}
	for _, m := range plan.MissingSteps() {
		p.addWrapped("  missing  ", "      ", EscapeLine(m), p.Warning)
	}
	for i := range plan.Left {
		l := &plan.Left[i]
		p.addWrapped("  left  ", "      ", leftPlace(l)+"  (chain "+EscapeLine(l.Chain)+")", p.Warning)
		for _, why := range l.Why {
			p.addWrapped("      ", "      ", EscapeLine(why), p.ordinaryStyle())
		}
	}
	if words := totalWords(plan); words != "" {
		p.addWrapped("  all steps  ", "             ", words, p.ordinaryStyle())
	}
	p.addLine(p.paintLine(p.Bold, planVerdict(plan)))
}

// listGroups lists the chains of a plan, for --only.
func listGroups(p *onward.Plan) string {
	var out []string
	for _, g := range p.Proof.Groups {
		out = append(out, fmt.Sprintf("%s (%s)", EscapeLine(g.Name), CountNoun(g.Changes, "change")))
	}
	return strings.Join(out, ", ")
}

// leftPlace returns the place of a change that a plan leaves, with its SQL.
func leftPlace(l *onward.PlanLeft) string {
	out := fmt.Sprintf("%s:%d", EscapeLine(l.Path), l.Line)
	if l.SQL != "" {
		out += "  " + cutToWidth(EscapeLine(strings.Join(strings.Fields(l.SQL), " ")), 120)
	}
	return out
}

// planVerdict is the last line. It names the directories that the plan leaves out.
func planVerdict(p *onward.Plan) string {
	if len(p.OtherDirs) == 0 {
		return judgePlan(p)
	}
	return fmt.Sprintf("%s Not planned, because they are for another database: the migrations in %s.", judgePlan(p), EscapeLine(joinNames(p.OtherDirs)))
}

// judgePlan says how far a plan is proven.
func judgePlan(p *onward.Plan) string {
	switch {
	case len(p.Steps) == 0 && len(p.Left) == 0:
		return "There is nothing to plan."
	case len(p.Steps) == 0:
		return fmt.Sprintf("Nothing is planned: %s left.", CountNoun(len(p.Left), "change"))
	case len(p.Left) > 0 && p.ProvesSteps():
		proven, all := p.CountChanges()
		return fmt.Sprintf("%d of %s are proven: the steps produce their schema and rows. %d left.", proven, CountNoun(all, "change"), len(p.Left))
	case p.Proof.Proven:
		return "Proven: the steps produce the schema and the rows of the migrations."
	case len(p.MissingSteps()) > 0, slices.ContainsFunc(p.Proof.Checks, func(c onward.PlanCheck) bool { return !c.OK }):
		return "Not proven: see the lines with no and missing above."
	case len(p.Left) > 0:
		return fmt.Sprintf("A sketch: no proof was made. %s left.", CountNoun(len(p.Left), "change"))
	}
	return "A sketch: no proof was made."
}

// planSQL prints the steps for psql, each with its check and what it waits for as comments.
func planSQL(w io.Writer, p *onward.Plan) error {
	var b strings.Builder
	comment := func(format string, args ...any) {
		for text := range strings.Lines(fmt.Sprintf(format, args...)) {
			b.WriteString("-- " + EscapeLine(strings.TrimRight(text, "\n")) + "\n")
		}
	}
	comment("%s", planVerdict(p))
	for _, m := range p.MissingSteps() {
		comment("missing: %s", m)
	}
	for i := range p.Left {
		comment("left, for the migrations' own tool to run before the first contract step: %s\n%s", leftPlace(&p.Left[i]), strings.Join(p.Left[i].Why, "\n"))
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
