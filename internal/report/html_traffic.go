package report

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/onward-sql/onward/onward"
)

// maxColumns bounds the columns of the traffic's curve: more cannot be told
// apart, and a rehearsal may last minutes.
const maxColumns = 600

// leastTop is the least top of the traffic's axis, in milliseconds: the noise
// of a quiet release must not look like a mountain.
const leastTop = 100

// traffic draws the load below the lanes: the long transaction, then the worst
// latency, and for each stall a band that reaches up to the bar behind which
// the queries stood.
func (b *htmlBuilder) traffic(c *htmlChart, a axis, y int, feet map[foot]int) int {
	t := b.run.Traffic
	if l := t.LongTransaction; l != nil {
		x, w := a.span(l.FromMS, l.UntilMS, thinnest)
		c.LongLabelY = y + 13
		c.Long = &htmlBox{
			X: percent(x), W: percent(w), Y: strconv.Itoa(y + labelRow), Class: "long",
			Title: "a transaction that has read every table stays open until " + Millis(l.UntilMS),
			Label: Millis(l.UntilMS-l.FromMS) + ", has read every table and stays open",
		}
		y += labelRow + barHigh + laneGap
	}
	top := max(t.WorstMS, leastTop)
	for _, s := range t.Slots {
		top = max(top, s.WorstMS)
	}
	d := &htmlTraffic{LabelY: y + 13, Y: y + labelRow, H: trafficHi, Top: Millis(top)}
	d.TopY, d.BottomY = d.Y+10, d.Y+d.H
	d.Words = fmt.Sprintf("%s, %s waited, usually %s", queries(t.Queries), grouped(t.Waited), Millis(t.UsualMS))
	d.Path = curve(t, a, top)
	for i := range t.Failures {
		f := &t.Failures[i]
		d.Failures = append(d.Failures, htmlBox{X: percent(a.at(f.AtMS)), Class: edge(a.at(f.AtMS)), Y: strconv.Itoa(d.BottomY - 4), Title: "from " + Millis(f.AtMS) + " on refused: " + Line(f.Query) + ": " + Line(f.Error.Message)})
	}
	c.Traffic = d
	for i := range t.Stalls {
		c.Bands = append(c.Bands, b.band(&t.Stalls[i], a, d, feet))
	}
	return d.BottomY
}

// band is a stall: from the bar that it waited for down to the traffic.
func (b *htmlBuilder) band(s *onward.Stall, a axis, d *htmlTraffic, feet map[foot]int) htmlBand {
	x, w := a.span(s.FromMS, s.UntilMS, thinnest)
	out := htmlBand{N: b.numberOf(b.run, s.Statement), X: percent(x), W: percent(w), Class: "writes"}
	if s.Kind != "write" {
		out.Class = "reads"
	}
	y, ok := feet[foot{s.Relation, s.Statement}]
	if !ok {
		y = chartTop + labelRow // the statements' own lane
	}
	out.Y, out.H = y, d.BottomY-y
	out.ArrowX, out.ArrowY = percent(x+w/2), y
	out.Title = fmt.Sprintf("%s on %s stood still for up to %s", kinds(s), relation(s.Relation), Millis(s.UntilMS-s.FromMS))
	if name := b.named(s.Statement); name != "" {
		out.Title += ", behind " + name
	}
	return out
}

// curve is the worst latency as an area in a box of 1000 by 100.
func curve(t *onward.Traffic, a axis, top float64) string {
	if len(t.Slots) == 0 || t.SlotMS <= 0 {
		return ""
	}
	each := (len(t.Slots) + maxColumns - 1) / maxColumns
	var p strings.Builder
	p.WriteString("M0 100")
	x := 0.0
	for i := 0; i < len(t.Slots); i += each {
		worst := 0.0
		for _, s := range t.Slots[i:min(i+each, len(t.Slots))] {
			worst = max(worst, s.WorstMS)
		}
		y := 100 - 100*min(max(worst/top, 0), 1)
		fmt.Fprintf(&p, "L%s %s", short(x), short(y))
		x = a.at(float64(i+each)*t.SlotMS) * 10
		fmt.Fprintf(&p, "H%s", short(x))
	}
	fmt.Fprintf(&p, "L%s 100Z", short(x))
	return p.String()
}

// edge is how text stands at a place, so that it stays on the page.
func edge(x float64) string {
	switch {
	case x < 3:
		return "start"
	case x > 95:
		return "end"
	}
	return "middle"
}

func short(v float64) string {
	return strconv.FormatFloat(math.Round(v*10)/10, 'f', -1, 64)
}
