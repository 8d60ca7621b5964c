package html

import (
	"fmt"
	"html/template"
	"io"
	"slices"
	"time"

	"github.com/onward-sql/onward/internal/prose"
	"github.com/onward-sql/onward/internal/report/escape"
	"github.com/onward-sql/onward/internal/report/view"
	"github.com/onward-sql/onward/internal/undo"
	"github.com/onward-sql/onward/onward"
)

// RolloutPage is the progress of a release on many targets, for a page.
type RolloutPage struct {
	Rollout *onward.Rollout
	// At is when the ledgers were read.
	At time.Time
	// Reload is after which time the page reloads itself; 0 for never.
	Reload time.Duration
	// Problem says why the ledgers could not be read since At; "" if they could.
	Problem string
}

// maxPageTargets is how many targets that are not done are on a page.
const maxPageTargets = 500

type pageRollout struct {
	pageHead
	Legend     []pageState
	Waves      []pageWave
	Targets    []pageTarget
	More       int
	Alike      bool
	Drift      []pageDrift
	Duplicates []string
	Readiness  []string
}

// pageState is a part of a wave, or a key of the legend.
type pageState struct{ Class, Words, X, W string }

type pageWave struct {
	Number                   int
	Name, State, Tone, Facts string
	Parts                    []pageState
}

type pageTarget struct {
	Name, State, Tone, Note string
	Wave, Attempts          int
}

type pageDrift struct {
	Names               string
	Missing, Extra, Fix []string
}

// WriteRollout prints how far a release is as a page: a bar for each wave, and the targets that are not done. The page needs no other files.
func WriteRollout(w io.Writer, p *RolloutPage) error {
	r := p.Rollout
	v := &pageRollout{pageHead: newPageHead("onward status", p.At, p.Reload, p.Problem), Alike: r.Drift != nil && len(r.Drift) == 0}
	v.Verdict, v.Tone = describeRollout(r)
	used := map[onward.RolloutState]bool{}
	for i := range r.Waves {
		v.Waves = append(v.Waves, newPageWave(&r.Waves[i], used))
	}
	v.Legend = explainStates(used)
	list, more := prose.TakeFirst(view.ListUnfinished(r), maxPageTargets)
	v.More = more
	for _, t := range list {
		v.Targets = append(v.Targets, pageTarget{
			Name: escape.Line(t.Name), State: string(t.State), Tone: rolloutTone(t.State), Note: escape.Line(t.Note), Wave: t.Wave, Attempts: t.Attempts,
		})
	}
	for _, d := range r.Drift {
		v.Drift = append(v.Drift, pageDrift{view.NameTargets(&d), escape.Lines(d.Missing), escape.Lines(d.Extra), escape.Lines(d.Fix)})
	}
	v.Duplicates = escape.Lines(r.Duplicates)
	for i := range r.Readiness {
		v.Readiness = append(v.Readiness, escape.Line(r.Readiness[i].Text))
	}
	return executePage(w, "rollout", v)
}

// explainStates returns a key for each colour of the bars.
func explainStates(used map[onward.RolloutState]bool) (out []pageState) {
	for _, s := range slices.Backward(view.RolloutStates) {
		class := rolloutClass(s)
		index := slices.IndexFunc(out, func(k pageState) bool { return k.Class == class })
		switch {
		case !used[s]:
		case index >= 0:
			out[index].Words += " or " + string(s)
		default:
			out = append(out, pageState{Class: class, Words: string(s)})
		}
	}
	return out
}

// describeRollout says how far a release is.
func describeRollout(r *onward.Rollout) (words, tone string) {
	if r.Release == "" {
		if len(r.Drift) > 0 {
			return "Some targets have another schema.", "warning"
		}
		return "No release was begun on these targets.", "warning"
	}
	words = fmt.Sprintf("Release %s: %s, %d of %s done.", escape.Line(r.Release), r.State, view.CountDoneTargets(r), prose.CountNoun(len(r.Targets), "target"))
	if r.Why != "" {
		words += " " + escape.Line(r.Why) + "."
	}
	return words, rolloutTone(r.State)
}

func newPageWave(w *onward.RolloutWave, used map[onward.RolloutState]bool) pageWave {
	out := pageWave{Number: w.Number, Name: escape.Line(w.Name), State: string(w.State), Tone: rolloutTone(w.State), Facts: view.DescribeCounts(w.Counts)}
	offset := 0
	place := func(n int) string { return formatPercent(100 * float64(n) / float64(max(1, w.Targets))) }
	for _, s := range slices.Backward(view.RolloutStates) {
		n := w.Counts[s]
		if n == 0 {
			continue
		}
		used[s] = true
		out.Parts = append(out.Parts, pageState{rolloutClass(s), fmt.Sprintf("%d %s", n, s), place(offset), place(n)})
		offset += n
	}
	return out
}

// rolloutClass returns the class of a state's part of a bar.
func rolloutClass(s onward.RolloutState) string {
	switch s {
	case onward.RolloutDone, onward.RolloutFailed, onward.RolloutRunning:
		return string(s)
	case onward.RolloutUnreachable:
		return "failed"
	case onward.RolloutInterrupted, onward.RolloutSkipped, onward.RolloutGone:
		return "stopped"
	}
	return "pending"
}

func rolloutTone(s onward.RolloutState) string {
	switch s {
	case onward.RolloutFailed, onward.RolloutUnreachable, onward.RolloutStopped:
		return "error"
	case onward.RolloutDone:
		return "ok"
	case onward.RolloutInterrupted, onward.RolloutPaused, onward.RolloutSkipped, onward.RolloutGone:
		return "warning"
	}
	return "info"
}

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
