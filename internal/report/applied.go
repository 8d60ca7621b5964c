package report

import (
	"fmt"
	"io"
	"time"

	"github.com/onward-sql/onward/internal/undo"
	"github.com/onward-sql/onward/onward"
)

// AppliedFormats are those of what was applied.
func AppliedFormats() []Format { return []Format{FormatTerminal, FormatJSON} }

// WriteApplied prints how far plans are on a database.
func WriteApplied(w io.Writer, f Format, all []*onward.Applied, o Options) error {
	if f == FormatJSON {
		return writeJSON(w, list(all))
	}
	out := newPage(o)
	if len(all) == 0 {
		out.line("no plan was begun on this database")
	}
	for i, a := range all {
		if i > 0 {
			out.blank()
		}
		out.applied(a)
	}
	return out.flush(w)
}

// WriteApply prints what a run of apply came to.
func WriteApply(w io.Writer, f Format, a *onward.Applied, o Options) error {
	if f == FormatJSON {
		return writeJSON(w, a)
	}
	out := newPage(o)
	out.applied(a)
	return out.flush(w)
}

func (p *page) applied(a *onward.Applied) {
	if len(a.Steps) == 0 && a.Why == "" {
		p.line("nothing is pending: " + Line(a.Base) + " has all migrations of " + Line(a.Head))
		return
	}
	done := 0
	for i := range a.Steps {
		if a.Steps[i].State == onward.ApplyDone {
			done++
		}
	}
	p.split("plan "+a.Plan+"  "+Line(a.Base)+" → "+Line(a.Head), fmt.Sprintf("%s · %d of %s done", a.State, done, Count(len(a.Steps), "step")), p.Bold, p.Dim)
	for _, phase := range phases {
		p.appliedPhase(a, phase)
	}
	p.stayChanged(a)
	if a.Why != "" {
		p.blank()
		p.wrap("", "", stands(a), p.plain())
		p.wrap("not done: ", "          ", Line(a.Why), p.plain())
	}
	if a.Next != "" {
		p.blank()
		p.wrap("next: ", "      ", Line(a.Next), p.plain())
	}
}

// stayChanged says which rows an abort gives no old values back.
func (p *page) stayChanged(a *onward.Applied) {
	words := undo.Sentence(a.StayChanged)
	switch {
	case words == "" || a.State == onward.ApplyDone:
		return
	case a.State == onward.ApplyAbandoned:
		words = "The plan is taken back, but " + words + "."
	default:
		words = "If onward abort takes the plan back, " + words + "."
	}
	p.blank()
	p.wrap("", "", Line(words), p.plain())
}

// stands says which steps are applied, and which are not: the database stays as it is between them.
func stands(a *onward.Applied) string {
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
		return Count(len(list), "step") + ", " + list[0] + " to " + list[len(list)-1]
	}
	return "Applied, and safe to leave so: " + name(done) + ". Not applied: " + name(left) + "."
}

// appliedPhase prints the steps of a phase; one that was not begun in a line.
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
	p.blank()
	if !begun {
		p.split(string(phase), Count(len(list), "step")+", not begun", p.Bold, p.Dim)
		return
	}
	p.split(string(phase), phaseWords[phase], p.Bold, p.Dim)
	for _, s := range list {
		p.wrap(fmt.Sprintf("  %-14s%-8s ", s.ID, s.State), "                         ", Line(s.Why), p.plain())
		if words := stepPast(s); words != "" {
			p.wrap("                         ", "                         ", words, p.Dim)
		}
	}
}

// stepPast says what there is to say of a step that was begun.
func stepPast(s *onward.AppliedStep) string {
	words := ""
	add := func(format string, args ...any) {
		if words != "" {
			words += " · "
		}
		words += fmt.Sprintf(format, args...)
	}
	if s.Rows > 0 {
		add("%s", Count(int(s.Rows), "row"))
	}
	if s.Verified != nil {
		add("compared, and right on %s", s.Verified.UTC().Format(time.DateTime))
	}
	if s.Quarantined > 0 {
		add("%d in quarantine: %s", s.Quarantined, Line(s.Find))
	}
	if s.Attempts > 1 {
		add("%s", Count(s.Attempts, "attempt"))
	}
	if s.WaitedMS > 0 {
		add("others were in its way for %s", time.Duration(s.WaitedMS)*time.Millisecond)
	}
	if s.Note != "" {
		add("%s", Line(s.Note))
	}
	return words
}

// WriteLog prints the audit trail of a database.
func WriteLog(w io.Writer, f Format, all []onward.LogEntry, o Options) error {
	if f == FormatJSON {
		return writeJSON(w, list(all))
	}
	out := newPage(o)
	if len(all) == 0 {
		out.line("nothing was done on this database")
	}
	who := ""
	for i := range all {
		e := &all[i]
		if e.Who != who {
			who = e.Who
			out.line(out.paint(out.Dim, Line(who)))
		}
		step := e.Step
		if step == "" {
			step = "plan " + e.Plan
		}
		words := e.Event
		if e.Detail != "" {
			words += ": " + e.Detail
		}
		out.wrap("  "+e.At.UTC().Format("2006-01-02 15:04:05.000")+"  "+fmt.Sprintf("%-14s  ", Line(step)), "                           ", Line(words), out.plain())
	}
	return out.flush(w)
}
