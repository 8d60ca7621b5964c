package report

import (
	"fmt"
	"strings"

	"github.com/onward-sql/onward/onward"
)

// Measures of a small multiple.
const (
	smallLanes = 8
	smallRow   = 11
	smallBar   = 8
)

// htmlMultiple is the timeline of one version, small: the same lanes on the
// same axis as its neighbours, so that they can be compared.
type htmlMultiple struct {
	Name, Words, Label string
	Height             int
	Lanes              []htmlSmallLane
}

type htmlSmallLane struct {
	Name string
	Y    int
	Bars []htmlSmallBar
}

type htmlSmallBar struct {
	N           int
	X, W, Class string
	WaitX       string
	WaitW       string
	Y           int
}

func (b *htmlBuilder) multiples() []htmlMultiple {
	end := 0.0
	for i := range b.report.Rehearsals {
		end = max(end, length(&b.report.Rehearsals[i]))
	}
	a := axis{end: end * 1.01}
	main, _ := lanes(b.run)
	var order []string
	for i := range main {
		if i == smallLanes {
			break
		}
		order = append(order, main[i].relation)
	}
	var out []htmlMultiple
	for i := range b.report.Rehearsals {
		out = append(out, b.multiple(&b.report.Rehearsals[i], a, order))
	}
	return out
}

func (b *htmlBuilder) multiple(run *onward.Rehearsal, a axis, order []string) htmlMultiple {
	out := htmlMultiple{Name: server(run), Height: len(order)*smallRow + 4}
	words := []string{millis(length(run))}
	failed := 0
	for i := range run.Statements {
		if run.Statements[i].Failed != nil {
			failed++
		}
	}
	if failed > 0 {
		words = append(words, fmt.Sprintf("%d failed", failed))
	}
	if t := run.Traffic; t != nil {
		if stalls := worstStalls(t); len(stalls) > 0 {
			words = append(words, "worst stall "+millis(stalls[0].UntilMS-stalls[0].FromMS), grouped(t.Waited)+" waited")
		} else {
			words = append(words, "no stall")
		}
	}
	if n := len(run.Differences); n > 0 {
		words = append(words, Count(n, "difference"))
	}
	out.Words = strings.Join(words, ", ")
	out.Label = out.Name + ": " + out.Words
	list, _ := lanes(run)
	for row, name := range order {
		small := htmlSmallLane{Name: relation(name), Y: row*smallRow + 2}
		for i := range list {
			if list[i].relation != name {
				continue
			}
			for j := range list[i].bars {
				o := list[i].bars[j].seen
				bar := b.draw(a, b.numberOf(run, list[i].bars[j].statement), o.FromMS, o.UntilMS, o.WaitedMS)
				small.Bars = append(small.Bars, htmlSmallBar{
					N: bar.N, X: bar.HeldX, W: bar.HeldW, WaitX: bar.WaitX, WaitW: bar.WaitW, Class: who(o.Blocks), Y: small.Y,
				})
			}
		}
		out.Lanes = append(out.Lanes, small)
	}
	return out
}
