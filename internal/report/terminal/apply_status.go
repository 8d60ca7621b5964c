package terminal

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/charmbracelet/lipgloss"
	"github.com/onward-sql/onward/internal/prose"
	"github.com/onward-sql/onward/internal/report/escape"
	"github.com/onward-sql/onward/internal/report/view"
	"github.com/onward-sql/onward/internal/undo"
	"github.com/onward-sql/onward/onward"
)

// WritePlanStatus prints how far plans are on a database.
func WritePlanStatus(w io.Writer, all []*onward.Applied, o Options) error {
	out := newPage(o)
	if len(all) == 0 {
		out.addLine("no plan was begun on this database")
	}
	for i, a := range all {
		if i > 0 {
			out.addBlankLine()
		}
		out.printApplied(a)
	}
	return out.writePage(w)
}

// WriteApply prints the result of a run of apply.
func WriteApply(w io.Writer, a *onward.Applied, o Options) error {
	out := newPage(o)
	out.printApplied(a)
	return out.writePage(w)
}

func (p *page) printApplied(a *onward.Applied) {
	if len(a.Steps) == 0 && a.Why == "" {
		p.addLine("nothing is pending: " + escape.Line(a.Base) + " has all migrations of " + escape.Line(a.Head))
		p.printReadiness(a.Readiness)
		return
	}
	p.addTwoSided("plan "+escape.Line(a.Plan)+"  "+escape.Line(a.Base)+" → "+escape.Line(a.Head),
		fmt.Sprintf("%s · %s done", a.State, view.CountDone(a)), p.Bold, p.Dim)
	for _, phase := range view.PlanPhases {
		p.printAppliedPhase(a, phase)
	}
	p.printChangedRows(a)
	if a.Why != "" {
		p.addBlankLine()
		p.addWrapped("", "", describeState(a), p.ordinaryStyle())
		p.addWrapped("not done: ", "          ", escape.Line(a.Why), p.ordinaryStyle())
	}
	p.printReadiness(a.Readiness)
	if a.Next != "" {
		p.addBlankLine()
		p.addLine("next: ", escape.Line(a.Next)) // in one line, so that it can be copied
	}
}

// printReadiness says which code may be deployed now.
func (p *page) printReadiness(list []onward.Readiness) {
	for i := range list {
		p.addBlankLine()
		p.addWrapped("", "", escape.Line(list[i].Text), p.ordinaryStyle())
	}
}

// printChangedRows says which rows keep their new values after an abort.
func (p *page) printChangedRows(a *onward.Applied) {
	words := undo.DescribeChanged(a.StayChanged)
	switch {
	case words == "" || a.State == onward.ApplyDone:
		return
	case a.State == onward.ApplyAbandoned:
		words = "The plan is taken back, but " + words + "."
	default:
		words = "If onward abort takes the plan back, " + words + "."
	}
	p.addBlankLine()
	p.addWrapped("", "", escape.Line(words), p.ordinaryStyle())
}

// describeState says which steps are applied, and which are not: the database is now between these steps.
func describeState(a *onward.Applied) string {
	var done, left []string
	for i := range a.Steps {
		if s := &a.Steps[i]; s.State == onward.ApplyDone {
			done = append(done, escape.Line(s.ID))
		} else {
			left = append(left, escape.Line(s.ID))
		}
	}
	name := func(list []string) string {
		switch len(list) {
		case 0:
			return "no step"
		case 1:
			return list[0]
		}
		return prose.CountNoun(len(list), "step") + ", " + list[0] + " to " + list[len(list)-1]
	}
	return "Applied, and safe to leave so: " + name(done) + ". Not applied: " + name(left) + "."
}

// printAppliedPhase prints the steps of a phase; a phase that was not started takes one line.
func (p *page) printAppliedPhase(a *onward.Applied, phase onward.PlanPhase) {
	var list []*onward.AppliedStep
	hasStarted := false
	for i := range a.Steps {
		if s := &a.Steps[i]; s.Phase == phase {
			list = append(list, s)
			hasStarted = hasStarted || s.State != onward.ApplyPending
		}
	}
	if len(list) == 0 {
		return
	}
	p.addBlankLine()
	if !hasStarted {
		p.addTwoSided(string(phase), prose.CountNoun(len(list), "step")+", not begun", p.Bold, p.Dim)
		return
	}
	p.addTwoSided(string(phase), view.PhaseWords[phase], p.Bold, p.Dim)
	const indent = "                         "
	for _, s := range list {
		name, state := "  "+padRight(escape.Line(s.ID), 13), fmt.Sprintf("%-8s ", s.State)
		if view.MeasureText(name) > 15 { // the state is in its column, below the name
			p.addLine(name)
			name = padRight("", 15)
		}
		p.addWrapped(name+" "+state, indent, escape.Line(s.Why), p.ordinaryStyle())
		if words := view.DescribeProgress(s); words != "" {
			p.addWrapped(indent, indent, words, p.Dim)
		}
	}
}

// WriteLog prints the audit trail of a database.
func WriteLog(w io.Writer, all []onward.LogEntry, o Options) error {
	out := newPage(o)
	if len(all) == 0 {
		out.addLine("nothing was done on this database")
	}
	process := ""
	for i := range all {
		e := &all[i]
		if words := describeProcess(e); words != process {
			process = words
			out.addWrapped("", "  ", escape.Line(process), out.Dim)
		}
		step := e.Step
		if step == "" && e.Plan != "" {
			step = "plan " + e.Plan
		}
		words := e.Event
		if e.Detail != "" {
			words += ": " + e.Detail
		}
		out.addWrapped("  "+e.At.UTC().Format("2006-01-02 15:04:05.000")+"  "+fmt.Sprintf("%-14s  ", escape.Line(step)), "                           ",
			escape.Line(words), out.ordinaryStyle())
	}
	return out.writePage(w)
}

// describeProcess says who wrote a line of the audit trail.
func describeProcess(e *onward.LogEntry) string {
	words := []string{e.Who}
	add := func(name, value string) {
		if value != "" {
			words = append(words, name+value)
		}
	}
	add("role ", e.Role)
	add("user ", e.OSUser)
	if !strings.Contains(e.Who, " on "+e.Host+",") {
		add("host ", e.Host)
	}
	add("job ", e.Job)
	add("commit ", e.Commit)
	add("", e.Link)
	return strings.Join(words, " · ")
}

// WriteRollout prints how far a release is on its targets: a line for each wave, the worst first, and the targets that are not done.
func WriteRollout(w io.Writer, r *onward.Rollout, o Options) error {
	out := newPage(o)
	out.printRolloutWaves(r)
	out.printRolloutTargets(r)
	out.printRolloutDrift(r)
	for _, d := range r.Duplicates {
		out.addWrapped("  listed twice  ", "    ", escape.Line(d), out.ordinaryStyle())
	}
	if r.Why != "" {
		out.addBlankLine()
		out.addWrapped("not done: ", "          ", escape.Line(r.Why), out.ordinaryStyle())
	}
	out.printReadiness(r.Readiness)
	return out.writePage(w)
}

// printRolloutWaves prints a line for each wave.
func (p *page) printRolloutWaves(r *onward.Rollout) {
	if r.Release == "" {
		return
	}
	p.addTwoSided("release "+escape.Line(r.Release)+"  "+string(r.State),
		fmt.Sprintf("%d of %s done", view.CountDoneTargets(r), prose.CountNoun(len(r.Targets), "target")),
		p.Bold, p.Dim)
	waves := slices.Clone(r.Waves)
	slices.SortStableFunc(waves, func(a, b onward.RolloutWave) int { return view.RankState(a.State) - view.RankState(b.State) })
	for _, v := range waves {
		p.addTwoSided(fmt.Sprintf("  wave %d  %-10s %s", v.Number, escape.Line(v.Name), v.State), view.DescribeCounts(v.Counts), p.rolloutStyle(v.State), p.Dim)
	}
}

func (p *Palette) rolloutStyle(s onward.RolloutState) lipgloss.Style {
	switch s {
	case onward.RolloutFailed, onward.RolloutUnreachable:
		return p.Error
	case onward.RolloutDone:
		return p.OK
	}
	return p.ordinaryStyle()
}

// printRolloutTargets prints the targets that are not done, the worst first.
func (p *page) printRolloutTargets(r *onward.Rollout) {
	list, more := prose.TakeFirst(view.ListUnfinished(r), view.MaxRolloutTargets)
	if len(list) > 0 {
		p.addBlankLine()
	}
	for _, t := range list {
		words := string(t.State)
		if t.Note != "" {
			words += ": " + escape.Line(t.Note)
		}
		if t.Attempts > 1 {
			words += fmt.Sprintf(" (%d attempts)", t.Attempts)
		}
		p.addWrapped("  "+escape.Line(t.Name)+"  ", "      ", words, p.ordinaryStyle())
	}
	if more > 0 {
		p.addLine(fmt.Sprintf("  and %d more; --format json has all", more))
	}
}

// printRolloutDrift prints the differences between the schemas of the targets.
func (p *page) printRolloutDrift(r *onward.Rollout) {
	if r.Drift != nil && len(r.Drift) == 0 {
		p.addLine("the schemas of all targets are alike")
	}
	for _, d := range r.Drift {
		p.addBlankLine()
		p.addWrapped("differs: ", "         ", view.NameTargets(&d), p.Bold)
		for _, sql := range d.Missing {
			p.addWrapped("  lacks  ", "         ", escape.Line(sql), p.ordinaryStyle())
		}
		for _, sql := range d.Extra {
			p.addWrapped("  has    ", "         ", escape.Line(sql), p.ordinaryStyle())
		}
		for _, sql := range d.Fix {
			p.addWrapped("  fix    ", "         ", escape.Line(sql), p.ordinaryStyle())
		}
	}
}
