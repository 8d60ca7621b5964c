package terminal

import (
	"fmt"
	"io"
	"slices"

	"github.com/charmbracelet/lipgloss"

	"github.com/onward-sql/onward/internal/prose"
	"github.com/onward-sql/onward/internal/report/escape"
	"github.com/onward-sql/onward/internal/report/view"
	"github.com/onward-sql/onward/onward"
)

// WriteRollout prints how far a release is on its targets: a line for each wave, the worst first, and the targets that are not done.
func WriteRollout(w io.Writer, r *onward.Rollout, o Options) error {
	out := newPage(o)
	out.printRolloutWaves(r)
	out.printRolloutTargets(r)
	out.printRolloutDrift(r)
	for _, d := range r.Duplicates {
		out.addWrapped("  listed twice  ", "    ", escape.Line(d), out.ordinaryStyle())
	}
	if r.Why != "" {
		out.addBlankLine()
		out.addWrapped("not done: ", "          ", escape.Line(r.Why), out.ordinaryStyle())
	}
	out.printReadiness(r.Readiness)
	return out.writePage(w)
}

// printRolloutWaves prints a line for each wave.
func (p *page) printRolloutWaves(r *onward.Rollout) {
	if r.Release == "" {
		return
	}
	p.addTwoSided("release "+escape.Line(r.Release)+"  "+string(r.State),
		fmt.Sprintf("%d of %s done", view.CountDoneTargets(r), prose.CountNoun(len(r.Targets), "target")),
		p.Bold, p.Dim)
	waves := slices.Clone(r.Waves)
	slices.SortStableFunc(waves, func(a, b onward.RolloutWave) int { return view.RankState(a.State) - view.RankState(b.State) })
	for _, v := range waves {
		p.addTwoSided(fmt.Sprintf("  wave %d  %-10s %s", v.Number, escape.Line(v.Name), v.State), view.DescribeCounts(v.Counts), p.rolloutStyle(v.State), p.Dim)
	}
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

// printRolloutTargets prints the targets that are not done, the worst first.
func (p *page) printRolloutTargets(r *onward.Rollout) {
	list, more := prose.TakeFirst(view.ListUnfinished(r), view.MaxRolloutTargets)
	if len(list) > 0 {
		p.addBlankLine()
	}
	for _, t := range list {
		words := string(t.State)
		if t.Note != "" {
			words += ": " + escape.Line(t.Note)
		}
		if t.Attempts > 1 {
			words += fmt.Sprintf(" (%d attempts)", t.Attempts)
		}
		p.addWrapped("  "+escape.Line(t.Name)+"  ", "      ", words, p.ordinaryStyle())
	}
	if more > 0 {
		p.addLine(fmt.Sprintf("  and %d more; --format json has all", more))
	}
}

// printRolloutDrift prints the differences between the schemas of the targets.
func (p *page) printRolloutDrift(r *onward.Rollout) {
	if r.Drift != nil && len(r.Drift) == 0 {
		p.addLine("the schemas of all targets are alike")
	}
	for _, d := range r.Drift {
		p.addBlankLine()
		p.addWrapped("differs: ", "         ", view.NameTargets(&d), p.Bold)
		for _, sql := range d.Missing {
			p.addWrapped("  lacks  ", "         ", escape.Line(sql), p.ordinaryStyle())
		}
		for _, sql := range d.Extra {
			p.addWrapped("  has    ", "         ", escape.Line(sql), p.ordinaryStyle())
		}
		for _, sql := range d.Fix {
			p.addWrapped("  fix    ", "         ", escape.Line(sql), p.ordinaryStyle())
		}
	}
}
