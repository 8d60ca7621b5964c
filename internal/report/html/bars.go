package html

import (
	"cmp"
	"slices"
	"strconv"
	"strings"

	"github.com/onward-sql/onward/internal/report/view"
	"github.com/onward-sql/onward/onward"
)

// drawBar places a bar along the axis.
func (b *pageBuilder) drawBar(a axis, n int, from, until, waited float64) pageBar {
	x, w := a.visibleSpan(from, until)
	bar := pageBar{N: n, HasNumber: n > 0, High: barHigh, X: formatPercent(x), W: formatPercent(w), HeldX: formatPercent(x), HeldW: formatPercent(w)}
	if waited > 0 {
		heldWidth := min(max(a.percentAt(until)-a.percentAt(from+waited), thinnest), w)
		if wait := w - heldWidth; wait > 0.2 {
			bar.WaitX, bar.WaitW = formatPercent(x), formatPercent(wait)
			bar.HeldX, bar.HeldW = formatPercent(x+wait), formatPercent(heldWidth)
		}
	}
	switch {
	case bar.WaitW != "" && w >= roomy:
		bar.TextX, bar.TextDX, bar.TextClass = formatPercent(x), "5", "out"
	case w >= roomy:
		bar.TextX, bar.TextDX, bar.TextClass = formatPercent(x), "5", "in"
	case x+w+numeral <= 100:
		bar.TextX, bar.TextDX, bar.TextClass = formatPercent(x+w), "3", "out"
	default:
		bar.TextX, bar.TextDX, bar.TextClass = formatPercent(x), "-3", "out end"
	}
	return bar
}

// packBars puts bars that would cover each other, or each other's number, into different
// rows, and returns how many rows there are. If there are too many at one place, they
// share the last row without numbers.
func packBars(bars []pageBar, places []float64) int {
	order := make([]int, len(bars))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(i, j int) int { return cmp.Compare(places[i], places[j]) })
	var ends []float64
	crowded := false
	for _, i := range order {
		b := &bars[i]
		x, w := parsePercent(b.X), parsePercent(b.W)
		left, right := x, x+w+0.3
		if b.TextClass == "out" && b.TextDX == "3" {
			right = x + w + numeral
		} else if b.TextClass == "out end" {
			left = x - numeral
		}
		row := slices.IndexFunc(ends, func(end float64) bool { return end <= left })
		b.Labelled = b.HasNumber
		switch {
		case row >= 0:
			ends[row] = right
		case len(ends) < maxRowsInLane:
			row = len(ends)
			ends = append(ends, right)
		default:
			row = maxRowsInLane - 1
			ends[row] = max(ends[row], x+w)
			crowded = true
		}
		b.Y = row
	}
	for i := range bars {
		if crowded && bars[i].Y == maxRowsInLane-1 {
			bars[i].Labelled = false
		}
	}
	return len(ends)
}

func parsePercent(p string) float64 {
	v, _ := strconv.ParseFloat(strings.TrimSuffix(p, "%"), 64)
	return v
}

// setBarHeights converts rows to pixels.
func setBarHeights(bars []pageBar, y int) {
	for i := range bars {
		b := &bars[i]
		b.Y = y + b.Y*barRow
		b.TextY = b.Y + 11
		b.WorkY = b.Y + barHigh - 2
	}
}

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
