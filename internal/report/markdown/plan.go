package markdown

import (
	"cmp"
	"fmt"
	"io"
	"strings"

	"github.com/onward-sql/onward/internal/prose"
	"github.com/onward-sql/onward/internal/report/block"
	"github.com/onward-sql/onward/internal/report/escape"
	"github.com/onward-sql/onward/internal/report/view"
	"github.com/onward-sql/onward/onward"
)

// PlanMarker is the first line of a plan in Markdown, by which a bot finds it.
const PlanMarker = "<!-- onward plan -->"

// WritePlan prints a plan as a comment on a pull request: the verdict, and a table along the deploy, whose last columns show when
// each code runs. Then come the SQL of the steps, folded away, and what the plan leaves.
func WritePlan(w io.Writer, p *onward.Plan) error {
	var b strings.Builder
	results := view.SummarizePlan(p)
	fmt.Fprintf(&b, "%s\n**onward plan**: %s\n", PlanMarker, escapeProse(escape.Line(results.Verdict)))
	if results.Readiness != "" {
		fmt.Fprintf(&b, "\n%s\n", escapeProse(results.Readiness))
	}
	if results.Total != "" {
		fmt.Fprintf(&b, "\nAll steps: %s.\n", escapeProse(results.Total))
	}
	l := view.NewPlanLane(p)
	if len(l.Rows) > 0 {
		writeLane(&b, p, l)
	}
	writeBlocks(&b, []block.Block{view.ListPlanResults(results)})
	writePlanSQL(&b, p)
	if notes, _ := prose.TakeFirst(results.Notes, maxUnjudged); len(notes) > 0 {
		b.WriteString("\n<details><summary>To know</summary>\n\n")
		for _, n := range notes {
			fmt.Fprintf(&b, "- %s\n", escapeProse(view.CutText(n, maxCell)))
		}
		b.WriteString("\n</details>\n")
	}
	_, err := io.WriteString(w, escape.Commands(b.String()))
	return err
}

// writeLane writes the table of a plan along its deploy.
func writeLane(b *strings.Builder, p *onward.Plan, l *view.PlanLane) {
	fmt.Fprintf(b, "\n| step | | blocks | takes | %s | %s |\n| --- | --- | --- | --- | --- | --- |\n",
		escapeCell(codeSpan(view.CutText(p.Base, 40))), escapeCell(codeSpan(view.CutText(p.Head, 40))))
	row := func(old, fresh bool, cells ...string) {
		for _, c := range cells {
			b.WriteString("| " + escapeCell(c) + " ")
		}
		for _, runs := range []bool{old, fresh} {
			b.WriteString("| " + map[bool]string{true: "runs", false: ""}[runs] + " ")
		}
		b.WriteString("|\n")
	}
	var left []*view.LaneRow
	deployed, oldCodeGone := false, false
	gate := func(contract bool) {
		if !deployed {
			for _, r := range left {
				row(true, false, "**left**", escapeProse(r.Text), "", "")
			}
			row(true, true, "**deploy**", "the new code, "+codeSpan(p.Head), "", "")
			deployed = true
		}
		if contract && !oldCodeGone {
			row(false, true, "**wait**", "until no process of "+codeSpan(p.Base)+" is left", "", "")
			oldCodeGone = true
		}
	}
	for i := range l.Rows {
		if l.Rows[i].Left {
			left = append(left, &l.Rows[i])
		}
	}
	for i := range l.Rows {
		r := &l.Rows[i]
		if r.Left {
			continue
		}
		s := r.Marks[0].Step
		text := escapeProse(r.Text)
		if l.ByChain {
			row(true, false, codeSpan(r.Name), text, describeStepBlocking(r), escapeProse(r.Facts))
			continue
		}
		if s.Phase == onward.Contract {
			gate(true)
		}
		if r.Chain != "" {
			text += " (" + codeSpan(r.Chain) + ")"
		}
		row(!oldCodeGone, deployed, codeSpan(s.ID), text, describeStepBlocking(r), escapeProse(cmp.Or(r.Facts, shortTime(s))))
	}
	gate(l.ByChain && l.GoneBefore != "")
	if l.ByChain && l.GoneBefore != "" {
		row(false, true, "**contract**", "the steps from "+codeSpan(l.GoneBefore)+" on", "", "")
	}
}

// describeStepBlocking says whom the steps of a row block.
func describeStepBlocking(r *view.LaneRow) string {
	instant, long := "", ""
	for _, m := range r.Marks {
		for _, e := range view.ListNoticeable(m.Step.Effects) {
			switch words := view.NameWaiters(&e); {
			case len(e.Blocks) == 0 && !e.RowLocks:
			case view.MakesOthersWait(m.Step), m.Step.Repeat:
				long = cmp.Or(long, words)
			default:
				instant = cmp.Or(instant, words+", for an instant")
			}
		}
	}
	return cmp.Or(long, instant, "nobody")
}

// shortTime returns the time of a step without an estimate.
func shortTime(s *onward.PlanStep) string {
	if view.IsLongStep(s) {
		return "grows with the table"
	}
	return "an instant"
}

// writePlanSQL writes the SQL of the steps, folded away, as far as a comment has room for it.
func writePlanSQL(b *strings.Builder, p *onward.Plan) {
	for i := range p.Steps {
		s := &p.Steps[i]
		if s.Bookkeeping {
			continue
		}
		sql := strings.Join(view.ListStepLines(s, false), "\n")
		words, lines := view.DescribeUndo(s)
		text := fmt.Sprintf("\n<details><summary>%s</summary>\n\n%s", escapeHTML(escape.Line(s.ID+": "+s.Why)),
			fenceSQL(view.CutText(escape.Controls(sql), maxSnippet)))
		if words != "" {
			text += "\n\nUndo: " + escapeProse(escape.Line(words)) + "\n"
		} else {
			text += "\n\nUndo:\n\n" + fenceSQL(view.CutText(escape.Controls(strings.Join(lines, "\n")), maxSnippet))
		}
		for _, c := range view.ListStepCosts(s) {
			text += fmt.Sprintf("\n\n%s: %s", c.Name, escapeProse(c.Words))
		}
		text += "\n\n</details>\n"
		if b.Len()+len(text) > maxComment {
			fmt.Fprintf(b, "\nThe SQL of %s is not shown: the comment would be too long.\n", prose.CountNoun(len(p.Steps)-i, "more step"))
			return
		}
		b.WriteString(text)
	}
}

// WriteDeploys prints an order of deploys as a comment on a pull request or an issue.
func WriteDeploys(w io.Writer, o *onward.DeployOrder) error {
	var b strings.Builder
	fmt.Fprintf(&b, "%s\n**onward plan --deploys**: %s\n", PlanMarker, escapeProse(view.JudgeDeploys(o)))
	writeBlocks(&b, view.DescribeDeploys(o))
	_, err := io.WriteString(w, escape.Commands(b.String()))
	return err
}

// WritePreflight prints a preflight as a comment: the verdict, the findings folded away,
// and the checks that could not be made.
func WritePreflight(w io.Writer, r *onward.Preflight) error {
	var b strings.Builder
	left, right := view.DescribeTarget(r)
	fmt.Fprintf(&b, "%s\n**onward preflight**: %s\n", Marker, escapeProse(escape.Line(r.Summary.Verdict)))
	for i := range r.Findings {
		f := &r.Findings[i]
		words, sql := view.SplitInstead(f.Instead)
		text := fmt.Sprintf("<details>\n<summary>%s: %s (%s)</summary>\n\n%s\n\nInstead: %s\n", f.Severity, escapeHTML(escape.Line(f.Fact)),
			escapeHTML(escape.Line(f.Rule)),
			escapeProse(escape.Line(f.Harm)), escapeProse(escape.Line(words)))
		if sql != "" {
			text += "\n" + fenceSQL(view.CutText(sql, maxSnippet)) + "\n"
		}
		if b.Len()+len(text) > maxComment {
			fmt.Fprintf(&b, "\n%s not shown: the comment would be too long. Run onward preflight to see them.\n", prose.CountNoun(len(r.Findings)-i, "more finding"))
			break
		}
		b.WriteString("\n" + text + "\n</details>\n")
	}
	unseen, more := prose.TakeFirst(r.Opaque, maxUnjudged)
	for i, o := range unseen {
		if i == 0 {
			b.WriteString("\nNot seen:\n\n")
		}
		fmt.Fprintf(&b, "- %s: %s: %s\n", codeSpan(o.Rule), escapeProse(view.CutText(escape.Line(o.What), maxCell)),
			escapeProse(view.CutText(escape.Line(o.Why), maxCell)))
	}
	if more > 0 {
		fmt.Fprintf(&b, "- and %d more\n", more)
	}
	fmt.Fprintf(&b, "\n%s · %s · %s\n", view.CountChecks(r), escapeProse(left), escapeProse(right))
	_, err := io.WriteString(w, escape.Commands(b.String()))
	return err
}
