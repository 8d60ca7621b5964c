package report

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/charmbracelet/lipgloss"

	"github.com/onward-sql/onward/internal/prose"
	"github.com/onward-sql/onward/onward"
)

// rolloutStates are the states of targets, the worst first.
var rolloutStates = []onward.RolloutState{
	onward.RolloutFailed, onward.RolloutUnreachable, onward.RolloutInterrupted, onward.RolloutRunning, onward.RolloutPending, onward.RolloutGone,
	onward.RolloutSkipped, onward.RolloutDone,
}

// maxRolloutTargets is how many targets that are not done are printed.
const maxRolloutTargets = 20

// terminalRollout prints how far a release is on its targets: a line for each wave, the worst first, and the targets that are not done.
func terminalRollout(w io.Writer, r *onward.Rollout, o Options) error {
	out := newPage(o)
	out.rolloutWaves(r)
	out.rolloutTargets(r)
	out.rolloutDrift(r)
	for _, d := range r.Duplicates {
		out.addWrapped("  listed twice  ", "    ", EscapeLine(d), out.ordinaryStyle())
	}
	if r.Why != "" {
		out.addBlankLine()
		out.addWrapped("not done: ", "          ", EscapeLine(r.Why), out.ordinaryStyle())
	}
	return out.writePage(w)
}

// rolloutWaves prints a line for each wave.
func (p *page) rolloutWaves(r *onward.Rollout) {
	if r.Release == "" {
		return
	}
	p.addTwoSided("release "+EscapeLine(r.Release)+"  "+string(r.State), fmt.Sprintf("%d of %s done", countDoneTargets(r), prose.CountNoun(len(r.Targets), "target")),
		p.Bold, p.Dim)
	waves := slices.Clone(r.Waves)
	slices.SortStableFunc(waves, func(a, b onward.RolloutWave) int { return rankState(a.State) - rankState(b.State) })
	for _, v := range waves {
		p.addTwoSided(fmt.Sprintf("  wave %d  %-10s %s", v.Number, EscapeLine(v.Name), v.State), describeCounts(v.Counts), p.rolloutStyle(v.State), p.Dim)
	}
}

func countDoneTargets(r *onward.Rollout) (done int) {
	for i := range r.Targets {
		if r.Targets[i].State == onward.RolloutDone {
			done++
		}
	}
	return done
}

// rankState returns the place of a state among all; the worst first.
func rankState(s onward.RolloutState) int { return slices.Index(rolloutStates, s) }

// describeCounts prints "1 failed, 36 done".
func describeCounts(counts map[onward.RolloutState]int) string {
	var out []string
	for _, s := range rolloutStates {
		if n := counts[s]; n > 0 {
			out = append(out, fmt.Sprintf("%d %s", n, s))
		}
	}
	return strings.Join(out, ", ")
}

func (p *Palette) rolloutStyle(s onward.RolloutState) lipgloss.Style {
	switch s {
	case onward.RolloutFailed, onward.RolloutUnreachable:
		return p.Error
	case onward.RolloutDone:
		return p.OK
	}
	return p.ordinaryStyle()
}

// listUnfinished returns the targets that are begun and not done, the worst first.
func listUnfinished(r *onward.Rollout) (list []*onward.RolloutTarget) {
	for i := range r.Targets {
		if t := &r.Targets[i]; t.State != onward.RolloutDone && t.State != onward.RolloutPending {
			list = append(list, t)
		}
	}
	slices.SortStableFunc(list, func(a, b *onward.RolloutTarget) int { return rankState(a.State) - rankState(b.State) })
	return list
}

// listTargetNames names the first targets of a difference.
func listTargetNames(d *onward.RolloutDrift) string {
	return EscapeLine(prose.FirstNames(d.Targets, maxRolloutTargets))
}

// rolloutTargets prints the targets that are not done, the worst first.
func (p *page) rolloutTargets(r *onward.Rollout) {
	list, more := prose.TakeFirst(listUnfinished(r), maxRolloutTargets)
	if len(list) > 0 {
		p.addBlankLine()
	}
	for _, t := range list {
		words := string(t.State)
		if t.Note != "" {
			words += ": " + EscapeLine(t.Note)
		}
		if t.Attempts > 1 {
			words += fmt.Sprintf(" (%d attempts)", t.Attempts)
		}
		p.addWrapped("  "+EscapeLine(t.Name)+"  ", "      ", words, p.ordinaryStyle())
	}
	if more > 0 {
		p.addLine(fmt.Sprintf("  and %d more; --format json has all", more))
	}
}

// rolloutDrift prints the differences between the schemas of the targets.
func (p *page) rolloutDrift(r *onward.Rollout) {
	if r.Drift != nil && len(r.Drift) == 0 {
		p.addLine("the schemas of all targets are alike")
	}
	for _, d := range r.Drift {
		p.addBlankLine()
		p.addWrapped("differs: ", "         ", listTargetNames(&d), p.Bold)
		for _, sql := range d.Missing {
			p.addWrapped("  lacks  ", "         ", EscapeLine(sql), p.ordinaryStyle())
		}
		for _, sql := range d.Extra {
			p.addWrapped("  has    ", "         ", EscapeLine(sql), p.ordinaryStyle())
		}
		for _, sql := range d.Fix {
			p.addWrapped("  fix    ", "         ", EscapeLine(sql), p.ordinaryStyle())
		}
	}
}
