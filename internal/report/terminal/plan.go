package terminal

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/charmbracelet/lipgloss"
	"github.com/onward-sql/onward/internal/prose"
	"github.com/onward-sql/onward/internal/report/block"
	"github.com/onward-sql/onward/internal/report/escape"
	"github.com/onward-sql/onward/internal/report/view"
	"github.com/onward-sql/onward/onward"
)

// WritePlan prints a plan for people.
func WritePlan(w io.Writer, p *onward.Plan, o Options) error {
	out, results := newPage(o), view.SummarizePlan(p)
	out.addTwoSided(results.Title, results.Subtitle, out.Bold, out.Dim)
	listedRequirements := map[string]bool{}
	for _, phase := range view.PlanPhases {
		out.printPlanPhase(p, phase, listedRequirements, o.Verbose)
	}
	out.printPlanEnd(results)
	if o.Verbose && len(p.Proof.Groups) > 1 {
		out.addWrapped("  chains  ", "          ", view.ListGroups(p), out.ordinaryStyle())
	}
	return out.writePage(w)
}

func (p *page) printPlanPhase(plan *onward.Plan, phase onward.PlanPhase, listedRequirements map[string]bool, verbose bool) {
	first := true
	for i := range plan.Steps {
		s := &plan.Steps[i]
		if s.Phase != phase || s.Bookkeeping && !verbose {
			continue
		}
		if first {
			p.addBlankLine()
			p.addTwoSided(string(phase), view.PhaseWords[phase], p.Bold, p.Dim)
			first = false
		}
		p.printPlanStep(s, listedRequirements, verbose)
	}
}

func (p *page) printPlanStep(s *onward.PlanStep, listedRequirements map[string]bool, verbose bool) {
	const indent = "      "
	p.addWrapped("  "+escape.Line(s.ID)+"  ", indent, escape.Line(s.Why)+".", p.ordinaryStyle())
	for _, text := range view.ListStepLines(s, verbose) {
		body := strings.TrimLeft(text, " ")
		p.addLine(indent, text[:len(text)-len(body)], p.paintLine(p.Dim, escape.Line(body)))
	}
	effects := view.ListNoticeable(s.Effects)
	for i := range effects {
		e := &effects[i]
		words := e.Lock.String()
		if work := view.NameWork(e); work != "" {
			words += ", " + work
		}
		p.addLine(indent, view.ShortenRelation(e.Relation), "  ", words, "  ", p.paintLine(p.stepLockStyle(s, e), "blocks "+view.NameWaiters(e)))
	}
	p.addWrapped(indent+"takes   ", indent+"        ", view.DescribeStepTime(s), p.ordinaryStyle())
	for _, cost := range view.ListStepCosts(s) {
		p.addWrapped(indent+padRight(cost.Name, 8), indent+"        ", cost.Words, p.ordinaryStyle())
	}
	for _, text := range view.ListRequirements(s, listedRequirements) {
		p.addWrapped(indent+"before  ", indent+"        ", text, p.ordinaryStyle())
	}
	if s.Repeat {
		p.addWrapped(indent+"until   ", indent+"        ", "it is repeated, and committed each time, until no row is left", p.ordinaryStyle())
	}
	words, list := view.DescribeUndo(s)
	switch {
	case words != "":
		p.addWrapped(indent+"undo    ", indent+"        ", words, p.ordinaryStyle())
	case verbose:
		for i, text := range list {
			head := "undo    "
			if i > 0 {
				head = "        "
			}
			p.addLine(indent, head, escape.Line(text))
		}
	default:
		text := list[0]
		if n := len(list) - 1; n > 0 {
			text = fmt.Sprintf("%s and %s (-v shows all)", view.CutToWidth(text, 50), prose.CountNoun(n, "more line"))
		}
		p.addLine(indent, "undo    ", view.CutToWidth(escape.Line(text), p.width-14))
	}
}

// stepLockStyle returns the colour of a lock of a step: a lock that is held for an instant has none.
func (p *page) stepLockStyle(s *onward.PlanStep, e *onward.Effect) lipgloss.Style {
	if !view.MakesOthersWait(s) {
		return p.Dim
	}
	return p.lockStyle(e.Lock)
}

func (p *page) printPlanEnd(r *view.PlanResults) {
	if len(r.Notes) > 0 {
		p.addHeading("notes")
		for _, n := range r.Notes {
			p.addWrapped("  ", "  ", n, p.ordinaryStyle())
		}
	}
	for _, s := range r.Statements {
		p.addHeading("to " + s.Name)
		p.addWrapped("  ", "  ", s.Text, p.ordinaryStyle())
		p.addLine("  ", p.paintLine(p.Dim, s.SQL))
	}
	p.addBlankLine()
	p.printBlocks([]block.Block{view.ListPlanResults(r)})
	if r.Total != "" {
		p.addWrapped("  all steps  ", "             ", r.Total, p.ordinaryStyle())
	}
	p.addLine(p.paintLine(p.Bold, r.Verdict))
	if r.Readiness != "" {
		p.addWrapped("", "", r.Readiness, p.ordinaryStyle())
	}
}

// WriteDeploys prints an order of deploys.
func WriteDeploys(w io.Writer, d *onward.DeployOrder, o Options) error {
	p := newPage(o)
	p.addLine(p.paintLine(p.Bold, view.JudgeDeploys(d)))
	p.printBlocks(view.DescribeDeploys(d))
	return p.writePage(w)
}

// printProof prints the report of a release that was judged and proven in one run: what breaks and by which statement, the other findings in a line each,
// and what was proven. Notes, queries that need a later schema and the matrix are left to Verbose.
func (t *reportWriter) printProof() {
	t.addTwoSided(t.reportTitle(), t.reportSubtitle(", "), t.Bold, t.Dim)
	breaks := view.ListBreaks(t.report)
	t.printBreaks(breaks)
	first := true
	for i := range t.report.Findings {
		f := &t.report.Findings[i]
		if f.Severity < onward.Warning || view.IsBreakKnown(t.report, f) {
			continue
		}
		if first {
			t.addBlankLine()
		}
		first = false
		t.printFindingLine(f)
	}
	t.printBlocks(view.DescribeUnjudged(t.report.Opaque))
	t.addBlankLine()
	isError := func(l view.SimilarVerdicts) bool { return l.Severity == onward.Error }
	if v := t.report.Verification; !v.Works || slices.ContainsFunc(breaks, isError) {
		t.addWrapped("", "  ", escape.Line(v.Order), t.ordinaryStyle())
	}
	t.addWrapped("", "  ", view.DescribeProof(t.report), t.Dim)
	t.printBuiltQueries()
	t.printEnd(view.FormatShortSummary(t.report))
}

// printBreaks prints the queries that break or may break during the release: the place in the code, what the server says, and after which statement.
func (t *reportWriter) printBreaks(breaks []view.SimilarVerdicts) {
	groups, more := prose.TakeFirst(breaks, t.limitList(maxBreaks))
	list := block.List{Depth: 1, Width: 7}
	for i := range groups {
		d := &groups[i]
		cause := block.Say("after ").Path(view.FormatPlace(d.After.Path, d.After.Line, 0))
		if sql := view.StatementAt(t.report, &d.After); sql != "" {
			cause = cause.Gap().Code(sql)
		}
		list.Items = []block.Item{{
			Label: d.Severity.String(), Mark: block.SeverityTone(d.Severity), Text: block.Say(view.DescribeBreak(d)),
			Below: append(view.ListVerdictQueries(d, false), block.Line{Text: cause, Tone: block.Faint, Cut: true}),
		}}
		t.addBlankLine()
		t.printBlocks([]block.Block{list})
	}
	t.addHiddenCount("", more, prose.CountNoun(more, "more verdict"), t.Dim)
}

// maxBreaks bounds the queries that are listed.
const maxBreaks = 30
