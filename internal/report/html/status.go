package html

import (
	"fmt"
	"html/template"
	"io"
	"time"

	"github.com/onward-sql/onward/internal/report/escape"
	"github.com/onward-sql/onward/internal/report/view"
	"github.com/onward-sql/onward/internal/undo"
	"github.com/onward-sql/onward/onward"
)

// StatusPage is the progress of the plans on a database, for a page.
type StatusPage struct {
	Plans []StatusPlan
	// At is when the database was read.
	At time.Time
	// Reload is after which time the page reloads itself; 0 for never.
	Reload time.Duration
	// Problem says why the database could not be read since At; "" if it could.
	Problem string
}

// StatusPlan is a plan with its progress.
type StatusPlan struct {
	Plan    *onward.Plan
	Applied *onward.Applied
}

// pageHead is the head of a page that a command writes again and again.
type pageHead struct {
	CSP           string
	CSS           template.CSS
	JS            template.JS
	Title, At     string
	Tone, Verdict string
	Reload        int
	Problem       string
}

// newPageHead returns the head of a page. reload is 0 if the page does not reload itself.
func newPageHead(title string, now time.Time, reload time.Duration, problem string) pageHead {
	css, js := pageCSS(), pageJS()
	out := pageHead{
		CSS: template.CSS(css), JS: template.JS(js), CSP: contentPolicy(css, js), Title: title, At: now.UTC().Format("2006-01-02 15:04:05") + " UTC",
		Problem: escape.Line(problem),
	}
	if reload > 0 {
		out.Reload = max(1, int(reload.Round(time.Second).Seconds()))
	}
	return out
}

type pageStatus struct {
	pageHead
	Plans []pageStatusPlan
}

type pageStatusPlan struct {
	ID, Name, Base, Head, State, Tone string
	Deploy                            *pageDeploy
	Words                             []string
	Why, Next                         string
}

// WriteStatus prints the progress of plans as a page: each plan along its deploy. The page needs no other files.
func WriteStatus(w io.Writer, s *StatusPage) error {
	v := &pageStatus{pageHead: newPageHead("onward status", s.At, s.Reload, s.Problem)}
	for i := len(s.Plans) - 1; i >= 0; i-- { // the newest first
		v.Plans = append(v.Plans, newStatusPlan(&s.Plans[i], i+1))
	}
	v.Verdict, v.Tone = describePlans(s.Plans)
	return executePage(w, "status", v)
}

// describePlans returns the state of the newest plan that is not finished, and its colour.
func describePlans(plans []StatusPlan) (words, tone string) {
	if len(plans) == 0 {
		return "No plan was begun on this database.", "warning"
	}
	for i := len(plans) - 1; i >= 0; i-- {
		a := plans[i].Applied
		if a.State != onward.ApplyDone && a.State != onward.ApplyAbandoned {
			return fmt.Sprintf("Plan %s is %s: %s done.", escape.Line(a.Plan), a.State, view.CountDone(a)), stateTone(a.State)
		}
	}
	if len(plans) == 1 {
		a := plans[0].Applied
		return fmt.Sprintf("Plan %s is %s: %s done.", escape.Line(a.Plan), a.State, view.CountDone(a)), stateTone(a.State)
	}
	return fmt.Sprintf("All %d plans are finished.", len(plans)), "ok"
}

// stateTone returns the colour of the state of a plan.
func stateTone(s onward.ApplyState) string {
	switch s {
	case onward.ApplyFailed:
		return "error"
	case onward.ApplyWaiting, onward.ApplyAborting, onward.ApplyAbandoned:
		return "warning"
	}
	return "ok"
}

func newStatusPlan(p *StatusPlan, number int) pageStatusPlan {
	a := p.Applied
	progress := map[string]*onward.AppliedStep{}
	for i := range a.Steps {
		progress[a.Steps[i].ID] = &a.Steps[i]
	}
	out := pageStatusPlan{
		ID: escape.Line(a.Plan), Name: escape.Line(a.Name), Base: escape.Line(a.Base), Head: escape.Line(a.Head),
		State: fmt.Sprintf("%s, %s done", a.State, view.CountDone(a)), Tone: stateTone(a.State),
		Deploy: newPageDeploy(p.Plan, progress), Why: escape.Line(a.Why), Next: escape.Line(a.Next),
	}
	if out.Deploy != nil {
		out.Deploy.Anchor = fmt.Sprintf("deploy-%d", number)
	}
	for i := range a.Readiness {
		out.Words = append(out.Words, escape.Line(a.Readiness[i].Text))
	}
	if words := undo.DescribeChanged(a.StayChanged); words != "" && a.State != onward.ApplyDone {
		out.Words = append(out.Words, escape.Line("After an abort: "+words+"."))
	}
	for i := range a.Steps {
		s := &a.Steps[i]
		if s.Quarantined > 0 {
			out.Words = append(out.Words, escape.Line(fmt.Sprintf("%s: %d rows in quarantine: %s", s.ID, s.Quarantined, s.Find)))
		}
		if words := view.DescribeFailed(s); words != "" {
			out.Words = append(out.Words, escape.Line(s.ID+": ")+words)
		}
	}
	return out
}
