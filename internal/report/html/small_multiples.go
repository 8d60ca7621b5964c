package html

import (
	"strings"

	"github.com/onward-sql/onward/internal/report/view"
	"github.com/onward-sql/onward/onward"
)

// Measures of a small multiple.
const (
	smallLanes = 8
	smallRow   = 11
	smallBar   = 8
)

// pageMultiple is a small timeline of one version: it has the same lanes on the same axis
// as its neighbours, so that they can be compared.
type pageMultiple struct {
	Name, Words, Label string
	Height             int
	Lanes              []pageSmallLane
}

type pageSmallLane struct {
	Name string
	Y    int
	Bars []pageSmallBar
}

type pageSmallBar struct {
	N           int
	X, W, Class string
	WaitX       string
	WaitW       string
	Y           int
}

func (b *pageBuilder) buildMultiples() (all []pageMultiple, lanesNamed string) {
	end := 0.0
	for i := range b.report.Rehearsals {
		end = max(end, view.TimelineEnd(&b.report.Rehearsals[i]))
	}
	a := axis{end: end * 1.01}
	var order, names []string
	for i := range b.lanes[:min(len(b.lanes), smallLanes)] {
		order = append(order, b.lanes[i].Relation)
		names = append(names, view.ShortenRelation(b.lanes[i].Relation))
	}
	for i := range b.report.Rehearsals {
		all = append(all, b.buildMultiple(&b.report.Rehearsals[i], a, order))
	}
	return all, strings.Join(names, ", ")
}

func (b *pageBuilder) buildMultiple(run *onward.Rehearsal, a axis, order []string) pageMultiple {
	out := pageMultiple{Name: view.NameServer(run), Height: len(order)*smallRow + 4}
	out.Words = view.DescribeRehearsal(b.report, run)
	out.Label = out.Name + ": " + out.Words
	list, _ := view.MakeLanes(run)
	for row, name := range order {
		small := pageSmallLane{Name: view.ShortenRelation(name), Y: row*smallRow + 2}
		for i := range list {
			if list[i].Relation != name {
				continue
			}
			for j := range list[i].Bars {
				o := list[i].Bars[j].Seen
				bar := b.drawBar(a, b.numberOf(run, list[i].Bars[j].Statement), o.FromMS, o.UntilMS, o.WaitedMS)
				small.Bars = append(small.Bars, pageSmallBar{
					N: bar.N, X: bar.HeldX, W: bar.HeldW, WaitX: bar.WaitX, WaitW: bar.WaitW, Class: view.DescribeBlocked(o.Blocks), Y: small.Y,
				})
			}
		}
		out.Lanes = append(out.Lanes, small)
	}
	return out
}
