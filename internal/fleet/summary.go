package fleet

import "github.com/onward-sql/onward/onward"

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
	all := map[onward.RolloutState]int{}
	out.Waves, out.Targets = []onward.RolloutWave{}, []onward.RolloutTarget{}
	for i, w := range waves {
		line := onward.RolloutWave{Number: i + 1, Name: w.name, Targets: len(w.targets), Counts: map[onward.RolloutState]int{}}
		for _, t := range w.targets {
			p := progress(t)
			p.Wave = i + 1
			out.Targets = append(out.Targets, *p)
			line.Counts[p.State]++
			all[p.State]++
		}
		line.State = worstState(line.Counts)
		out.Waves = append(out.Waves, line)
	}
	out.State = worstState(all)
}

// worstState returns the state of a group of targets. Skipped and dropped targets count as done.
func worstState(counts map[onward.RolloutState]int) onward.RolloutState {
	begun := counts[onward.RolloutDone] > 0
	for _, s := range severities {
		switch {
		case counts[s] == 0:
		case s == onward.RolloutPending && begun:
			return onward.RolloutRunning
		case s == onward.RolloutUnreachable:
			return onward.RolloutFailed
		default:
			return s
		}
	}
	return onward.RolloutDone
}
