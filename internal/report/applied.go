package report

import (
	"fmt"
	"io"
	"time"

	"github.com/onward-sql/onward/internal/prose"
	"github.com/onward-sql/onward/internal/size"
	"github.com/onward-sql/onward/internal/undo"
	"github.com/onward-sql/onward/onward"
)

// terminalApplied prints how far plans are on a database.
func terminalApplied(w io.Writer, all []*onward.Applied, o Options) error {
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

// terminalApply prints the result of a run of apply.
func terminalApply(w io.Writer, a *onward.Applied, o Options) error {
	out := newPage(o)
	out.printApplied(a)
	return out.writePage(w)
}

func (p *page) printApplied(a *onward.Applied) {
	if len(a.Steps) == 0 && a.Why == "" {
		p.addLine("nothing is pending: " + EscapeLine(a.Base) + " has all migrations of " + EscapeLine(a.Head))
		return
	}
	p.addTwoSided("plan "+a.Plan+"  "+EscapeLine(a.Base)+" → "+EscapeLine(a.Head),
		fmt.Sprintf("%s · %s done", a.State, countDone(a)), p.Bold, p.Dim)
	for _, phase := range phases {
		p.appliedPhase(a, phase)
	}
	p.stayChanged(a)
	if a.Why != "" {
		p.addBlankLine()
		p.addWrapped("", "", describeState(a), p.ordinaryStyle())
		p.addWrapped("not done: ", "          ", EscapeLine(a.Why), p.ordinaryStyle())
	}
	if a.Next != "" {
		p.addBlankLine()
		p.addWrapped("next: ", "      ", EscapeLine(a.Next), p.ordinaryStyle())
	}
}

// stayChanged says which rows keep their new values after an abort.
func (p *page) stayChanged(a *onward.Applied) {
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
	p.addWrapped("", "", EscapeLine(words), p.ordinaryStyle())
}

// describeState says which steps are applied, and which are not: the database is now between these steps.
func describeState(a *onward.Applied) string {
	var done, left []string
	for i := range a.Steps {
		if s := &a.Steps[i]; s.State == onward.ApplyDone {
			done = append(done, s.ID)
		} else {
			left = append(left, s.ID)
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

// appliedPhase prints the steps of a phase; a phase that was not started takes one line.
func (p *page) appliedPhase(a *onward.Applied, phase onward.PlanPhase) {
	var list []*onward.AppliedStep
	begun := false
	for i := range a.Steps {
		if s := &a.Steps[i]; s.Phase == phase {
			list = append(list, s)
			begun = begun || s.State != onward.ApplyPending
		}
	}
	if len(list) == 0 {
		return
	}
	p.addBlankLine()
	if !begun {
		p.addTwoSided(string(phase), prose.CountNoun(len(list), "step")+", not begun", p.Bold, p.Dim)
		return
	}
	p.addTwoSided(string(phase), phaseWords[phase], p.Bold, p.Dim)
	for _, s := range list {
		p.addWrapped(fmt.Sprintf("  %-14s%-8s ", s.ID, s.State), "                         ", EscapeLine(s.Why), p.ordinaryStyle())
		if words := stepPast(s); words != "" {
			p.addWrapped("                         ", "                         ", words, p.Dim)
		}
	}
}

// stepPast describes the progress of a step that was started.
func stepPast(s *onward.AppliedStep) string {
	words := ""
	add := func(format string, args ...any) {
		if words != "" {
			words += " · "
		}
		words += fmt.Sprintf(format, args...)
	}
	switch {
	case s.Rows > 0 && s.Of > s.Rows:
		add("%s of about %s", size.FormatCount(s.Rows), size.FormatCount(s.Of)+" rows")
	case s.Rows > 0:
		add("%s", prose.CountNoun(int(s.Rows), "row"))
	}
	if s.Verified != nil {
		add("compared, and right on %s", s.Verified.UTC().Format(time.DateTime))
	}
	if s.Quarantined > 0 {
		add("%d in quarantine: %s", s.Quarantined, EscapeLine(s.Find))
	}
	if s.Attempts > 1 {
		add("%s", prose.CountNoun(s.Attempts, "attempt"))
	}
	if s.WaitedMS > 0 {
		add("others were in its way for %s", time.Duration(s.WaitedMS)*time.Millisecond)
	}
	if s.Note != "" {
		add("%s", EscapeLine(s.Note))
	}
	return words
}

// terminalLog prints the audit trail of a database.
func terminalLog(w io.Writer, all []onward.LogEntry, o Options) error {
	out := newPage(o)
	if len(all) == 0 {
		out.addLine("nothing was done on this database")
	}
	who := ""
	for i := range all {
		e := &all[i]
		if e.Who != who {
			who = e.Who
			out.addLine(out.paintLine(out.Dim, EscapeLine(who)))
		}
		step := e.Step
		if step == "" {
			step = "plan " + e.Plan
		}
		words := e.Event
		if e.Detail != "" {
			words += ": " + e.Detail
		}
		out.addWrapped("  "+e.At.UTC().Format("2006-01-02 15:04:05.000")+"  "+fmt.Sprintf("%-14s  ", EscapeLine(step)), "                           ",
			EscapeLine(words), out.ordinaryStyle())
	}
	return out.writePage(w)
}
