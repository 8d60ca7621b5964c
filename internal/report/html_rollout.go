package report

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

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

type htmlRollout struct {
	htmlLive
	Legend     []htmlState
	Waves      []htmlWave
	Targets    []htmlTarget
	More       int
	Alike      bool
	Drift      []htmlDrift
	Duplicates []string
}

// htmlState is a part of a wave, or a key of the legend.
type htmlState struct{ Class, Words, X, W string }

type htmlWave struct {
	Number                   int
	Name, State, Tone, Facts string
	Parts                    []htmlState
}

type htmlTarget struct {
	Name, State, Tone, Note string
	Wave, Attempts          int
}

type htmlDrift struct {
	Names               string
	Missing, Extra, Fix []string
}

// RolloutHTML prints how far a release is as a page: a bar for each wave, and the targets that are not done. The page needs no other files.
func RolloutHTML(w io.Writer, p *RolloutPage) error {
	r := p.Rollout
	v := &htmlRollout{htmlLive: newHTMLLive("onward status", p.At, p.Reload, p.Problem), Alike: r.Drift != nil && len(r.Drift) == 0}
	v.Verdict, v.Tone = describeRollout(r)
	used := map[onward.RolloutState]bool{}
	for i := range r.Waves {
		v.Waves = append(v.Waves, newHTMLWave(&r.Waves[i], used))
	}
	v.Legend = explainStates(used)
	list := listUnfinished(r)
	if len(list) > maxPageTargets {
		list, v.More = list[:maxPageTargets], len(list)-maxPageTargets
	}
	for _, t := range list {
		v.Targets = append(v.Targets, htmlTarget{
			Name: EscapeLine(t.Name), State: string(t.State), Tone: rolloutTone(t.State), Note: EscapeLine(t.Note), Wave: t.Wave, Attempts: t.Attempts,
		})
	}
	for _, d := range r.Drift {
		v.Drift = append(v.Drift, htmlDrift{listTargetNames(&d), escapeLines(d.Missing), escapeLines(d.Extra), escapeLines(d.Fix)})
	}
	v.Duplicates = escapeLines(r.Duplicates)
	return executePage(w, "rollout", v)
}

// explainStates returns a key for each colour of the bars.
func explainStates(used map[onward.RolloutState]bool) (out []htmlState) {
	for _, s := range slices.Backward(rolloutStates) {
		class := rolloutClass(s)
		at := slices.IndexFunc(out, func(k htmlState) bool { return k.Class == class })
		switch {
		case !used[s]:
		case at >= 0:
			out[at].Words += " or " + string(s)
		default:
			out = append(out, htmlState{Class: class, Words: string(s)})
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
	words = fmt.Sprintf("Release %s: %s, %d of %s done.", EscapeLine(r.Release), r.State, countDoneTargets(r), CountNoun(len(r.Targets), "target"))
	if r.Why != "" {
		words += " " + EscapeLine(r.Why) + "."
	}
	return words, rolloutTone(r.State)
}

func newHTMLWave(w *onward.RolloutWave, used map[onward.RolloutState]bool) htmlWave {
	out := htmlWave{Number: w.Number, Name: EscapeLine(w.Name), State: string(w.State), Tone: rolloutTone(w.State), Facts: describeCounts(w.Counts)}
	at := 0
	place := func(n int) string { return formatPercent(100 * float64(n) / float64(max(1, w.Targets))) }
	for _, s := range slices.Backward(rolloutStates) {
		n := w.Counts[s]
		if n == 0 {
			continue
		}
		used[s] = true
		out.Parts = append(out.Parts, htmlState{rolloutClass(s), fmt.Sprintf("%d %s", n, s), place(at), place(n)})
		at += n
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

func escapeLines(list []string) []string {
	out := make([]string, len(list))
	for i, s := range list {
		out[i] = EscapeLine(strings.TrimSpace(s))
	}
	return out
}
