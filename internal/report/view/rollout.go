package view

import (
	"fmt"
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/prose"
	"github.com/onward-sql/onward/internal/report/escape"
	"github.com/onward-sql/onward/onward"
)

// RolloutStates are the states of targets, the worst first.
var RolloutStates = []onward.RolloutState{
	onward.RolloutFailed, onward.RolloutUnreachable, onward.RolloutInterrupted, onward.RolloutRunning, onward.RolloutPending, onward.RolloutGone,
	onward.RolloutSkipped, onward.RolloutDone,
}

// MaxRolloutTargets is how many targets that are not done are printed.
const MaxRolloutTargets = 20

// CountDoneTargets counts the targets that are done.
func CountDoneTargets(r *onward.Rollout) (done int) {
	for i := range r.Targets {
		if r.Targets[i].State == onward.RolloutDone {
			done++
		}
	}
	return done
}

// RankState returns the place of a state among all; the worst first.
func RankState(s onward.RolloutState) int { return slices.Index(RolloutStates, s) }

// DescribeCounts prints "1 failed, 36 done".
func DescribeCounts(counts map[onward.RolloutState]int) string {
	var out []string
	for _, s := range RolloutStates {
		if n := counts[s]; n > 0 {
			out = append(out, fmt.Sprintf("%d %s", n, s))
		}
	}
	return strings.Join(out, ", ")
}

// ListUnfinished returns the targets that are begun and not done, the worst first.
func ListUnfinished(r *onward.Rollout) (list []*onward.RolloutTarget) {
	for i := range r.Targets {
		if t := &r.Targets[i]; t.State != onward.RolloutDone && t.State != onward.RolloutPending {
			list = append(list, t)
		}
	}
	slices.SortStableFunc(list, func(a, b *onward.RolloutTarget) int { return RankState(a.State) - RankState(b.State) })
	return list
}

// NameTargets names the first targets of a difference.
func NameTargets(d *onward.RolloutDrift) string {
	return escape.Line(prose.FirstNames(d.Targets, MaxRolloutTargets))
}
