package fleet

import (
	"slices"

	"github.com/onward-sql/onward/onward"
)

// severities order the states of targets, the worst first. The state of a wave is the worst of its targets, except that one
// which is neither begun nor done is pending.
var severities = []onward.RolloutState{
	onward.RolloutFailed, onward.RolloutUnreachable, onward.RolloutInterrupted, onward.RolloutRunning, onward.RolloutPending, onward.RolloutDone,
}

// summarize fills the result.
func (r *rollout) summarize(waves []wave) {
	r.out.Duplicates = r.duplicates
	summarizeWaves(r.out, waves, func(t *Target) *onward.RolloutTarget { return r.results[t] })
}

// summarizeWaves adds waves and targets to a result, and sets its state.
func summarizeWaves(out *onward.Rollout, waves []wave, progress func(*Target) *onward.RolloutTarget) {
	var names []string
	var list []onward.RolloutTarget
	for i, w := range waves {
		names = append(names, w.name)
		for _, t := range w.targets {
			p := progress(t)
			p.Wave = i + 1
			list = append(list, *p)
		}
	}
	SummarizeTargets(out, names, list)
}

// SummarizeTargets adds targets, which have the numbers of their waves, and these waves to a result, and sets its state.
func SummarizeTargets(out *onward.Rollout, waves []string, list []onward.RolloutTarget) {
	all := map[onward.RolloutState]int{}
	out.Waves, out.Targets = []onward.RolloutWave{}, append([]onward.RolloutTarget{}, list...)
	for i, name := range waves {
		out.Waves = append(out.Waves, onward.RolloutWave{Number: i + 1, Name: name, Counts: map[onward.RolloutState]int{}})
	}
	for i := range list {
		t := &list[i]
		all[t.State]++
		if t.Wave >= 1 && t.Wave <= len(out.Waves) {
			w := &out.Waves[t.Wave-1]
			w.Targets++
			w.Counts[t.State]++
		}
	}
	for i := range out.Waves {
		out.Waves[i].State = worstState(out.Waves[i].Counts)
	}
	out.State = worstState(all)
}

// MarkPaused records in a release who has paused it; "" for nobody. One that has ended keeps its state.
func MarkPaused(out *onward.Rollout, actor string) {
	if actor == "" || out.State == onward.RolloutDone {
		return
	}
	out.Why = actor + " has paused it"
	if !HasEnded(out) {
		out.State = onward.RolloutPaused
	}
}

// HasEnded reports whether no further target of a release begins, unless somebody tries one again or repeats the command.
func HasEnded(out *onward.Rollout) bool {
	return out.State == onward.RolloutDone || out.State == onward.RolloutStopped ||
		!slices.ContainsFunc(out.Targets, func(t onward.RolloutTarget) bool {
			return t.State == onward.RolloutPending || t.State == onward.RolloutRunning || t.State == onward.RolloutInterrupted
		})
}

// worstState returns the state of a group of targets. Skipped and dropped targets count as done.
func worstState(counts map[onward.RolloutState]int) onward.RolloutState {
	hasDone := counts[onward.RolloutDone] > 0
	for _, s := range severities {
		switch {
		case counts[s] == 0:
		case s == onward.RolloutPending && hasDone:
			return onward.RolloutRunning
		case s == onward.RolloutUnreachable:
			return onward.RolloutFailed
		default:
			return s
		}
	}
	return onward.RolloutDone
}
