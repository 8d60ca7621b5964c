package fleet

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/onward-sql/onward/onward"
)

// The defaults of a [Config], as flags have them.
const (
	DefaultWaves     = "1,5%,25%,100%"
	DefaultStopAfter = "2%"
	DefaultAtOnce    = 8
	DefaultPerServer = 4
)

// Amount is a number of targets, or a part of all of them.
type Amount struct {
	Number  int
	Percent float64 // 0 if Number is meant
}

// ParseAmount reads "3" or "2.5%".
func ParseAmount(text string) (a Amount, err error) {
	text = strings.TrimSpace(text)
	if number, ok := strings.CutSuffix(text, "%"); ok {
		a.Percent, err = strconv.ParseFloat(strings.TrimSpace(number), 64)
		if err != nil || !(a.Percent >= 0 && a.Percent <= 100) {
			return a, newInputError("%q is not a part such as 2%%", text)
		}
		return a, nil
	}
	if a.Number, err = strconv.Atoi(text); err != nil || a.Number < 0 {
		return a, newInputError("%q is neither a number nor a part such as 2%%", text)
	}
	return a, nil
}

// String returns the text that [ParseAmount] reads.
func (a Amount) String() string {
	if a.Percent > 0 {
		return strconv.FormatFloat(a.Percent, 'f', -1, 64) + "%"
	}
	return strconv.Itoa(a.Number)
}

// ParseWaves reads "1,5%,25%,100%": how many targets have the release after each wave.
func ParseWaves(text string) (out []Amount, err error) {
	for _, part := range strings.Split(text, ",") {
		a, err := ParseAmount(part)
		if err != nil {
			return nil, err
		}
		if a.Number == 0 && a.Percent == 0 {
			return nil, newInputError("the waves %q have one without a target", text)
		}
		out = append(out, a)
	}
	if out[len(out)-1].Percent != 100 {
		out = append(out, Amount{Percent: 100})
	}
	return out, nil
}

// wave is a part of the targets. The next one begins after this one has ended.
type wave struct {
	name    string
	targets []*Target
}

// cutWaves divides targets. Those with the label canary=true are the first wave; without such labels the first amount is. A wave without a
// target is left out.
func cutWaves(list []*Target, amounts []Amount) (out []wave) {
	var canaries, rest []*Target
	for _, t := range list {
		if t.isCanary() {
			canaries = append(canaries, t)
		} else {
			rest = append(rest, t)
		}
	}
	if len(canaries) > 0 {
		out = append(out, wave{"canary", canaries})
		if amounts[0].Percent == 0 && len(amounts) > 1 {
			amounts = amounts[1:]
		}
	}
	ordered, from := append(canaries, rest...), len(canaries)
	for i, a := range amounts {
		to := a.Number
		if a.Percent > 0 {
			to = int(float64(len(list))*a.Percent/100 + 0.999999)
		}
		to = min(to, len(list))
		if to <= from {
			continue
		}
		name := fmt.Sprintf("up to %d", to)
		switch {
		case i == 0 && a.Percent == 0 && from == 0:
			name = "canary"
		case a.Percent > 0:
			name = strings.TrimSuffix(a.String(), "%") + " %"
		}
		out = append(out, wave{name, ordered[from:to]})
		from = to
	}
	return out
}

// StopReason says why a wave of some targets stops the release after some of them failed; "" if it does not.
func (a Amount) StopReason(failed, size int) string {
	allowed := a.allowedFailures(size)
	if failed <= allowed {
		return ""
	}
	return fmt.Sprintf("%d of the %d targets of this wave failed, and at most %d may (--stop-after %s): no further target begins", failed, size, allowed, a)
}

// allowedFailures returns how many targets of a wave may fail before the release stops.
func (a Amount) allowedFailures(size int) int {
	if a.Percent > 0 {
		return int(float64(size) * a.Percent / 100)
	}
	return a.Number
}

// severities order the states of targets, the worst first. The state of a wave is the worst of its targets, except that one
// which is neither begun nor done is pending.
var severities = []onward.RolloutState{
	onward.RolloutFailed, onward.RolloutUnreachable, onward.RolloutInterrupted, onward.RolloutRunning, onward.RolloutPending, onward.RolloutDone,
}

// summarizeWaves fills the result.
func (r *rollout) summarizeWaves(waves []wave) {
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

// ReadStatus returns how far a release is on targets; for "", the release that was begun last. It changes nothing. The error is a
// *config.InputError if no database of the targets knows the release.
func ReadStatus(ctx context.Context, list []*Target, release string, waves []Amount) (*onward.Rollout, error) {
	_, out, err := ReadReleases(ctx, list, release, waves)
	return out, err
}

// ReadReleases is [ReadStatus], and returns also all releases that were begun on the targets, the newest first.
func ReadReleases(ctx context.Context, list []*Target, release string, waves []Amount) ([]Release, *onward.Rollout, error) {
	identifyMissing(ctx, list)
	uniqueTargets, duplicates := dropDuplicates(list)
	releases, err := listReleases(ctx, uniqueTargets, release)
	if err != nil {
		return nil, nil, err
	}
	found := &releases[0]
	if i := slices.IndexFunc(releases, func(r Release) bool { return r.Name == release }); i >= 0 {
		found = &releases[i]
	}
	out := &onward.Rollout{Schema: onward.RolloutSchema, Release: found.Name, Duplicates: duplicates}
	progress := map[*Target]*onward.RolloutTarget{}
	if err := readProgress(ctx, found.Name, uniqueTargets, func(t *Target, p *onward.RolloutTarget) { progress[t] = p }); err != nil {
		return nil, nil, err
	}
	summarizeWaves(out, cutWaves(uniqueTargets, waves), func(t *Target) *onward.RolloutTarget { return progress[t] })
	MarkPaused(out, found.Paused)
	return releases, out, nil
}
