package html

import (
	"cmp"
	"fmt"
	"io"
	"maps"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/onward-sql/onward/internal/prose"
	"github.com/onward-sql/onward/internal/report/escape"
	"github.com/onward-sql/onward/internal/report/view"
	"github.com/onward-sql/onward/onward"
)

// FleetPage is the page of onward fleet serve: a release on many targets, or one of its targets.
type FleetPage struct {
	// Releases are those that the reader may choose, the newest first.
	Releases []FleetRelease
	// Rollout is the chosen one; nil if none was begun.
	Rollout *onward.Rollout
	// Ended: it cannot be paused or resumed.
	Ended bool
	// Steps are the steps that targets are at, by the name of the target.
	Steps map[string]*onward.AppliedStep
	// At is when all this was read. Problem says why it could not be read since then; "" if it could.
	At      time.Time
	Problem string
	// Version changes when the content does. The page asks Events for it.
	Version string

	// State, Search and Number choose the targets of the list: those in a state, whose name or note has a text, and the page from 1 on.
	State, Search string
	Number        int

	// Target is the target that the page is about; nil for the release.
	Target *FleetTarget

	// User is who has logged in; "" if nobody must. LogOut: there is a session to end. Changes: the reader may change something, and
	// Token is in each form for that.
	User            string
	LogOut, Changes bool
	Token           string
}

// FleetRelease is a release in the list of releases.
type FleetRelease struct {
	Name         string
	State        onward.RolloutState
	Began        time.Time
	Done, Failed int
}

// FleetTarget is a target with the plans that were begun on it.
type FleetTarget struct {
	Target *onward.RolloutTarget
	Plans  []StatusPlan
	// Problem says why the plans are not known; "" if they are.
	Problem string
}

// targetsOnPage is how many targets a page has.
const targetsOnPage = 100

// longestReason bounds a reason on a page, in characters.
const longestReason = 2000

// busiestTargets is how many targets at work have a line above the list.
const busiestTargets = 12

// fleetVerdict is the part of a page that says how far it is.
type fleetVerdict struct{ Words, Tone string }

type pageFleet struct {
	Title, At, Problem, Events, Version, User, Token string
	LogOut, Changes                                  bool
	Verdict                                          fleetVerdict
	Releases                                         []pageFleetLink
	Release                                          string
	// Paused decides which of two buttons the page has; Ended: it has none.
	Paused, Ended bool
	Legend        []pageState
	Waves         []pageWave
	Busy          []pageFleetTarget
	MoreBusy      int
	States        []pageFleetLink
	State, Search string
	Targets       []pageFleetTarget
	Range         string
	Before, After string // addresses of other pages; "" for none
	Duplicates    []string
	Target        *pageFleetOne
}

// pageFleetLink is a link to a release, or to the targets in a state.
type pageFleetLink struct {
	Name, URL, Words, Tone string
	Current                bool
}

type pageFleetTarget struct {
	Name, URL, State, Tone, Step, Words string
	Wave, Attempts                      int
}

// pageFleetOne is the page of one target.
type pageFleetOne struct {
	pageFleetTarget
	Raw           string // the name as it is, for forms
	Back, Problem string
	Facts         []pageFact
	Plans         []pageStatusPlan
	Steps         []pageFleetStep
	// Retry and Skip: what the reader may do with it.
	Retry, Skip bool
}

type pageFleetStep struct{ ID, Phase, State, Tone, Why, Words string }

// WriteFleet prints the page. Its style and script are other files: see [FleetStyle] and [FleetScript].
func WriteFleet(w io.Writer, p *FleetPage) error {
	v := &pageFleet{
		At: p.At.UTC().Format(time.DateTime) + " UTC", Problem: escape.Line(p.Problem), User: escape.Line(p.User), Token: p.Token, Version: p.Version,
		LogOut: p.LogOut, Changes: p.Changes, State: p.State, Search: p.Search,
	}
	v.Verdict.Words, v.Verdict.Tone = "No release was begun on these targets.", "warning"
	if p.Rollout != nil {
		v.Release = p.Rollout.Release
		v.Verdict.Words, v.Verdict.Tone = describeRollout(p.Rollout)
	}
	v.addReleases(p)
	query := url.Values{"release": {v.Release}}
	v.Events = "/events?" + query.Encode()
	v.Title = "onward fleet"
	if v.Release != "" {
		v.Title = escape.Line(v.Release) + " · onward fleet"
	}
	switch {
	case p.Target != nil:
		query.Set("name", p.Target.Target.Name)
		v.Events = "/events?" + query.Encode()
		v.addTarget(p)
	case p.Rollout != nil:
		v.addRollout(p)
	}
	return executePage(w, "fleet", v)
}

// WriteLogin prints the page that asks for the token. problem is "" at first.
func WriteLogin(w io.Writer, problem string) error {
	return executePage(w, "fleet login", problem)
}

// WriteProblem prints a page with a problem, and a link to where the reader came from.
func WriteProblem(w io.Writer, problem, back string) error {
	return executePage(w, "fleet error", struct{ Problem, Back string }{escape.Line(problem), back})
}

// FleetStyle returns the style sheet of the page of [WriteFleet].
func FleetStyle() string { return pageCSS() + readEmbedded("fleet.css") }

// FleetScript returns the script of the page of [WriteFleet].
func FleetScript() string { return readEmbedded("fleet.js") }

// addReleases adds links to the releases, if there are several.
func (v *pageFleet) addReleases(p *FleetPage) {
	if len(p.Releases) < 2 {
		return
	}
	for _, r := range p.Releases {
		words := fmt.Sprintf("%d done", r.Done)
		if r.Failed > 0 {
			words += fmt.Sprintf(", %d failed", r.Failed)
		}
		if r.State != "" {
			words = string(r.State) + ", " + words
		}
		v.Releases = append(v.Releases, pageFleetLink{
			Name: escape.Line(r.Name), URL: releaseURL(r.Name, "", "", 0), Words: words + " · " + r.Began.UTC().Format("2006-01-02 15:04"),
			Tone: rolloutTone(r.State), Current: r.Name == v.Release,
		})
	}
}

// releaseURL returns the address of a release's page.
func releaseURL(release, state, search string, number int) string {
	q := url.Values{"release": {release}}
	if state != "" {
		q.Set("state", state)
	}
	if search != "" {
		q.Set("q", search)
	}
	if number > 1 {
		q.Set("page", strconv.Itoa(number))
	}
	return "/?" + q.Encode()
}

// addRollout adds the waves, the worst first, and a page of the targets.
func (v *pageFleet) addRollout(p *FleetPage) {
	r := p.Rollout
	v.Paused, v.Ended = r.State == onward.RolloutPaused, p.Ended
	used := map[onward.RolloutState]bool{}
	for i := range r.Waves {
		v.Waves = append(v.Waves, newPageWave(&r.Waves[i], used))
	}
	slices.SortStableFunc(v.Waves, func(a, b pageWave) int {
		return view.RankState(onward.RolloutState(a.State)) - view.RankState(onward.RolloutState(b.State))
	})
	v.Legend = explainStates(used)
	v.Duplicates = escape.Lines(r.Duplicates)
	counts, found := selectTargets(p)
	v.States = []pageFleetLink{{Name: "all", URL: releaseURL(r.Release, "", p.Search, 0), Words: strconv.Itoa(len(r.Targets)), Current: p.State == ""}}
	for _, s := range view.RolloutStates {
		if n := counts[s]; n > 0 || string(s) == p.State {
			v.States = append(v.States, pageFleetLink{
				Name: string(s), URL: releaseURL(r.Release, string(s), p.Search, 0), Words: strconv.Itoa(n), Tone: rolloutTone(s), Current: string(s) == p.State,
			})
		}
	}
	pages := max(1, (len(found)+targetsOnPage-1)/targetsOnPage)
	number := min(max(1, p.Number), pages)
	from, to := (number-1)*targetsOnPage, min(len(found), number*targetsOnPage)
	for _, t := range found[from:to] {
		v.Targets = append(v.Targets, newFleetTarget(p, t))
	}
	switch {
	case len(found) == 0:
		v.Range = "no target"
	case pages == 1:
		v.Range = prose.CountNoun(len(found), "target")
	default:
		v.Range = fmt.Sprintf("%d to %d of %s", from+1, to, prose.CountNoun(len(found), "target"))
	}
	if number > 1 {
		v.Before = releaseURL(r.Release, p.State, p.Search, number-1)
	}
	if number < pages {
		v.After = releaseURL(r.Release, p.State, p.Search, number+1)
	}
	v.addBusyTargets(p)
}

// addBusyTargets adds the targets that are at a step, those that wait first.
func (v *pageFleet) addBusyTargets(p *FleetPage) {
	var busy []*onward.RolloutTarget
	for i := range p.Rollout.Targets {
		if t := &p.Rollout.Targets[i]; t.State == onward.RolloutRunning && p.Steps[t.Name] != nil {
			busy = append(busy, t)
		}
	}
	waits := func(t *onward.RolloutTarget) int {
		if p.Steps[t.Name].Note != "" {
			return 0
		}
		return 1
	}
	slices.SortStableFunc(busy, func(a, b *onward.RolloutTarget) int { return waits(a) - waits(b) })
	busy, v.MoreBusy = prose.TakeFirst(busy, busiestTargets)
	for _, t := range busy {
		v.Busy = append(v.Busy, newFleetTarget(p, t))
	}
}

// selectTargets returns the targets that the reader has chosen, the worst first, and how many there are in each state.
func selectTargets(p *FleetPage) (counts map[onward.RolloutState]int, found []*onward.RolloutTarget) {
	counts = map[onward.RolloutState]int{}
	search := strings.ToLower(p.Search)
	for i := range p.Rollout.Targets {
		t := &p.Rollout.Targets[i]
		counts[t.State]++
		if p.State != "" && string(t.State) != p.State {
			continue
		}
		if search == "" || strings.Contains(strings.ToLower(t.Name), search) || strings.Contains(strings.ToLower(t.Note), search) {
			found = append(found, t)
		}
	}
	slices.SortStableFunc(found, func(a, b *onward.RolloutTarget) int { return view.RankState(a.State) - view.RankState(b.State) })
	return counts, found
}

func newFleetTarget(p *FleetPage, t *onward.RolloutTarget) pageFleetTarget {
	query := url.Values{"release": {p.Rollout.Release}, "name": {t.Name}}
	out := pageFleetTarget{
		Name: escape.Line(t.Name), URL: "/target?" + query.Encode(), State: string(t.State), Tone: rolloutTone(t.State), Wave: t.Wave, Attempts: t.Attempts,
		Words: escape.Line(t.Note),
	}
	if s := p.Steps[t.Name]; s != nil && t.State == onward.RolloutRunning {
		out.Step, out.Words = escape.Line(s.ID), cmp.Or(view.DescribeProgress(s), out.Words)
	}
	out.Words = view.CutText(out.Words, longestReason)
	return out
}

// addTarget fills the page of one target.
func (v *pageFleet) addTarget(p *FleetPage) {
	t := p.Target.Target
	target := &pageFleetOne{
		pageFleetTarget: newFleetTarget(p, t), Raw: t.Name, Back: releaseURL(p.Rollout.Release, "", "", 0), Problem: escape.Line(p.Target.Problem),
	}
	v.Target = target
	v.Title = target.Name + " · " + v.Title
	v.Verdict.Words, v.Verdict.Tone = fmt.Sprintf("%s: %s.", target.Name, t.State), target.Tone
	add := func(name, value string) {
		if value != "" {
			target.Facts = append(target.Facts, pageFact{name, escape.Line(value)})
		}
	}
	add("database", t.Database)
	add("schema", t.DatabaseSchema)
	for _, key := range slices.Sorted(maps.Keys(t.Labels)) {
		add("label", key+"="+t.Labels[key])
	}
	add("wave", strconv.Itoa(t.Wave))
	if t.Attempts > 0 {
		add("attempts", strconv.Itoa(t.Attempts))
	}
	for _, event := range []struct {
		name string
		time *time.Time
	}{{"began", t.Began}, {"ended", t.Ended}} {
		if event.time != nil {
			add(event.name, event.time.UTC().Format(time.DateTime)+" UTC")
		}
	}
	switch t.State {
	case onward.RolloutFailed, onward.RolloutUnreachable, onward.RolloutInterrupted:
		target.Retry, target.Skip = true, true
	case onward.RolloutSkipped:
		target.Retry = true
	case onward.RolloutPending:
		target.Skip = true
	}
	for i := len(p.Target.Plans) - 1; i >= 0; i-- { // the newest first
		plan := newStatusPlan(&p.Target.Plans[i], i+1)
		if a := p.Target.Plans[i].Applied; t.State == onward.RolloutFailed && a.State == onward.ApplyRunning {
			// It failed before a step began, which the ledger of the plan does not say.
			plan.State, plan.Tone = fmt.Sprintf("stopped, %s done", view.CountDone(a)), ""
		}
		target.Plans = append(target.Plans, plan)
	}
	if n := len(p.Target.Plans); n > 0 {
		target.Steps = listFleetSteps(p.Target.Plans[n-1].Applied)
	}
}

// listFleetSteps returns a line for each step of a plan.
func listFleetSteps(a *onward.Applied) (out []pageFleetStep) {
	for i := range a.Steps {
		s := &a.Steps[i]
		out = append(out, pageFleetStep{
			ID: escape.Line(s.ID), Phase: string(s.Phase), State: string(s.State), Tone: stepTone(s.State), Why: escape.Line(s.Why),
			Words: view.CutText(view.DescribeProgress(s), longestReason),
		})
	}
	return out
}
