package html

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
)

// drawBar places a bar along the axis.
func (b *pageBuilder) drawBar(a axis, n int, from, until, waited float64) pageBar {
	x, w := a.visibleSpan(from, until, thinnest)
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
