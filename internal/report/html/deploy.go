package html

import (
	"fmt"

	"github.com/onward-sql/onward/internal/prose"
	"github.com/onward-sql/onward/internal/report/escape"
	"github.com/onward-sql/onward/internal/report/view"
	"github.com/onward-sql/onward/onward"
)

// Widths of a step in a lane.
const (
	// thinnestStep is the least width of a step, in percent.
	thinnestStep = 0.7
	// widestInstant is the most width of a step that takes an instant, in percent.
	widestInstant = 2.0
)

// lanePhaseWords say when a phase of a lane is run.
var lanePhaseWords = map[onward.PlanPhase]string{
	onward.Expand:   "before the new code is deployed",
	onward.Backfill: "in the background, before the new code relies on it",
	onward.Contract: "when no process of the old code is left",
}

// pageDeploy is a plan along its deploy, or a release along its commit points, as a page shows it. Each place is a percentage of the axis.
type pageDeploy struct {
	Title string
	// Codes are the versions of the code.
	Codes []pageCode
	// Phases are empty if each step has a row: then the rows name them.
	Phases []pageDeployPhase
	Rows   []pageDeployRow
	// Deploy and Gone are the lines at which the new code is deployed, and no process of a version of the code is left, which Leaving names. They
	// are "" if there is no such line.
	Deploy, Gone, Leaving string
	// Total is what all steps cost; Legend explains the marks.
	Total  string
	Legend []pageKey
	// Anchor is the ID of the heading.
	Anchor string
}

type pageCode struct {
	Name, Revision, Words string
	Bars                  []pageCodeBar
}

type pageCodeBar struct{ X, W, Class, Title string }

// pageDeployPhase is the name of a phase above the rows of the chains.
type pageDeployPhase struct{ Name, X string }

type pageDeployRow struct {
	// Phase and When are set for the first step of a phase.
	Phase, When                  string
	ID, Name, Text, Chain, Facts string
	// State is the progress of a step in words, and Tone its colour.
	State, Tone string
	Left        bool
	Marks       []pageStepMark
}

// pageStepMark is a step in a row. DoneW is the width of its part that is done.
type pageStepMark struct {
	ID, X, W, Class, Title string
	DoneW                  string
}

// newPageDeploy returns the lane of a plan. progress is the progress of its steps by ID; nil for a plan that was not begun.
func newPageDeploy(p *onward.Plan, progress map[string]*onward.AppliedStep) *pageDeploy {
	l := view.NewPlanLane(p)
	if len(l.Rows) == 0 {
		return nil
	}
	out := &pageDeploy{Title: "The deploy", Deploy: formatPercent(l.Deploy), Leaving: "the old code", Total: view.DescribeTotal(p), Anchor: "deploy"}
	old := pageCode{
		Name: "old code", Revision: escape.Line(p.Base), Words: "works throughout", Bars: []pageCodeBar{{X: "0%", W: formatPercent(l.Gone), Class: "old"}},
	}
	if l.GoneBefore != "" {
		out.Gone = formatPercent(l.Gone)
		old.Words = "ends before " + l.GoneBefore + ": no process of it may be left"
	}
	fresh := pageCode{
		Name: "new code", Revision: escape.Line(p.Head), Words: "deploy it",
		Bars: []pageCodeBar{{X: formatPercent(l.Deploy), W: formatPercent(100 - l.Deploy), Class: "new"}},
	}
	if l.DeployAfter != "" {
		fresh.Words = "deploy it after " + l.DeployAfter
	}
	out.Codes = []pageCode{old, fresh}
	if l.ByChain {
		out.Phases = namePhases(l.Phases)
	}
	last := onward.PlanPhase("")
	for i := range l.Rows {
		row := newDeployRow(&l.Rows[i], progress)
		if s := l.Rows[i].Marks[0].Step; !l.ByChain && s != nil && s.Phase != last {
			last = s.Phase
			row.Phase, row.When = string(last), lanePhaseWords[last]
		}
		out.Rows = append(out.Rows, row)
	}
	out.Legend = deployLegend(l, progress != nil)
	return out
}

// newVersionLane returns the lane of a verified release; nil for a report without points.
func newVersionLane(r *onward.Report) *pageDeploy {
	if len(r.Verification.Points) == 0 {
		return nil
	}
	l := view.NewVersionLane(r)
	out := &pageDeploy{Title: "The versions of the code", Leaving: l.Leaving, Anchor: "code-versions"}
	if l.Deploy > 0 {
		out.Deploy = formatPercent(l.Deploy)
	}
	if l.Leaving != "" {
		out.Gone = formatPercent(l.Gone)
	}
	revisions := map[onward.Code]string{onward.OldCode: r.Base, onward.NewCode: r.Head}
	classes := map[string]bool{}
	for _, version := range l.Versions {
		c := pageCode{Name: view.NameCode(version.Code), Revision: escape.Line(revisions[version.Code]), Words: version.Words}
		for _, b := range version.Bars {
			classes[b.Class] = true
			c.Bars = append(c.Bars, pageCodeBar{X: formatPercent(b.From), W: formatPercent(b.Until - b.From), Class: b.Class, Title: b.Words})
		}
		out.Codes = append(out.Codes, c)
	}
	for i := range l.Rows {
		out.Rows = append(out.Rows, newDeployRow(&l.Rows[i], nil))
	}
	for _, k := range []pageKey{
		{"works", "works"}, {"later", "needs a later schema"}, {"warning", "may break"}, {"error", "breaks"}, {"instant", "a commit point"},
	} {
		if classes[k.Class] || k.Class == "instant" && len(out.Rows) > 0 {
			out.Legend = append(out.Legend, k)
		}
	}
	return out
}

// namePhases returns the names of the phases that have room for theirs.
func namePhases(phases []view.LanePhase) (out []pageDeployPhase) {
	for i, phase := range phases {
		room := phase.Until - phase.From
		if i == len(phases)-1 {
			room = 100 - phase.From
		}
		if room >= 14 {
			out = append(out, pageDeployPhase{string(phase.Name), formatPercent(phase.From)})
		}
	}
	return out
}

func newDeployRow(r *view.LaneRow, progress map[string]*onward.AppliedStep) pageDeployRow {
	row := pageDeployRow{Name: r.Name, Text: r.Text, Chain: r.Chain, Facts: r.Facts, Left: r.Left}
	done, current := 0, ""
	for i := range r.Marks {
		m := &r.Marks[i]
		width := max(m.Until-m.From, thinnestStep)
		if m.Class == "instant" {
			width = min(width, widestInstant)
		}
		mark := pageStepMark{X: formatPercent(min(m.From, 100-width)), W: formatPercent(width), Class: m.Class, Title: row.Text}
		if m.Step != nil {
			mark.Title = escape.Line(m.Step.ID + ": " + m.Step.Why)
			if progress == nil {
				mark.ID = escape.Line(m.Step.ID) // the page has the step below
			} else {
				part, state := stepProgress(m.Step, progress[m.Step.ID])
				mark.Class += " " + string(state)
				mark.DoneW = formatPercent(width * part)
				mark.Title += ", " + string(state)
				switch state {
				case onward.ApplyDone:
					done++
				case onward.ApplyPending:
				default:
					current, row.Tone = fmt.Sprintf("; %s is %s", escape.Line(m.Step.ID), state), stepTone(state)
				}
			}
		}
		row.Marks = append(row.Marks, mark)
	}
	switch {
	case r.Left:
		row.Tone = "warning"
	case len(r.Marks) == 1 && r.Marks[0].Step != nil:
		row.ID = row.Marks[0].ID
		if progress != nil {
			row.State, row.Tone = describeProgress(r.Marks[0].Step, progress[r.Marks[0].Step.ID])
		}
	case progress != nil:
		row.State = fmt.Sprintf("%d of %s done%s", done, prose.CountNoun(len(r.Marks), "step"), current)
		if done == len(r.Marks) {
			row.Tone = "ok"
		}
	}
	return row
}

// stepProgress returns which part of a step is done, and its state.
func stepProgress(s *onward.PlanStep, a *onward.AppliedStep) (part float64, state onward.ApplyState) {
	switch {
	case a == nil:
		return 0, onward.ApplyPending
	case a.State == onward.ApplyDone:
		return 1, a.State
	}
	if all := rowsOfStep(s, a); all > 0 {
		// The comparison after the last batch is a part of the step that nobody counts: it is not done before it ends.
		part = min(float64(a.Rows)/float64(all), 0.99)
	}
	return part, a.State
}

// rowsOfStep returns how many rows a backfill goes along: by the server if it was asked, or else by the plan's sizes.
func rowsOfStep(s *onward.PlanStep, a *onward.AppliedStep) int64 {
	if a != nil && a.Of > 0 {
		return a.Of
	}
	if s.Estimate != nil {
		return s.Estimate.Rows
	}
	return 0
}

// describeProgress returns the progress of a step in words, and its colour.
func describeProgress(s *onward.PlanStep, a *onward.AppliedStep) (words, tone string) {
	if a == nil {
		return string(onward.ApplyPending), "dim"
	}
	words = string(a.State)
	if all := rowsOfStep(s, a); s.Repeat && all > 0 && a.State != onward.ApplyDone && a.Rows > 0 {
		part, _ := stepProgress(s, a)
		words += fmt.Sprintf(", %.0f %%", 100*part)
	}
	if past := view.DescribeProgress(a); past != "" {
		words += " · " + past
	}
	return words, stepTone(a.State)
}

// stepTone returns the colour of the state of a step.
func stepTone(s onward.ApplyState) string {
	switch s {
	case onward.ApplyPending, onward.ApplyRunning:
		return "dim"
	}
	return stateTone(s)
}

// deployLegend explains the marks that a lane has.
func deployLegend(l *view.PlanLane, progress bool) (out []pageKey) {
	usedClasses := map[string]bool{}
	for _, r := range l.Rows {
		for _, m := range r.Marks {
			usedClasses[m.Class] = true
		}
	}
	for _, k := range []pageKey{
		{"instant", "an instant"}, {"long", "takes long, and nobody waits"}, {"blocks", "others wait for as long as it takes"}, {"left", "left to its own tool"},
	} {
		if usedClasses[k.Class] {
			out = append(out, k)
		}
	}
	if progress {
		out = append(out, pageKey{"done", "done"})
	}
	return out
}
