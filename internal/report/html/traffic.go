package html

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/onward-sql/onward/internal/report/escape"
	"github.com/onward-sql/onward/internal/report/view"
	"github.com/onward-sql/onward/onward"
)

// maxColumns bounds the columns of the traffic's curve. More of them are too narrow to
// see, and a rehearsal may last minutes.
const maxColumns = 600

// leastTop is the least maximum of the traffic's axis, in milliseconds: the noise of a
// quiet release must not look like a mountain.
const leastTop = 100

// drawTraffic draws the load below the lanes: the long transaction, then the worst latency.
// For each stall it draws a band up to the bar that the queries waited for.
func (b *pageBuilder) drawTraffic(c *pageChart, a axis, y int, feet map[barEnd]int) int {
	t := b.run.Traffic
	if l := t.LongTransaction; l != nil {
		x, w := a.visibleSpan(l.FromMS, l.UntilMS)
		c.LongLabelY = y + 13
		c.Long = &pageBox{
			X: formatPercent(x), W: formatPercent(w), Y: strconv.Itoa(y + labelRow), Class: "long",
			Title: "a transaction that has read every table stays open until " + view.FormatMillis(l.UntilMS),
			Label: view.FormatMillis(l.UntilMS-l.FromMS) + ", has read every table and stays open",
		}
		y += labelRow + barHigh + laneGap
	}
	top := max(t.WorstMS, leastTop)
	for _, s := range t.Slots {
		top = max(top, s.WorstMS)
	}
	d := &pageTraffic{LabelY: y + 13, Y: y + labelRow, H: trafficHi, Top: view.FormatMillis(top)}
	d.TopY, d.BottomY = d.Y+10, d.Y+d.H
	d.Words = fmt.Sprintf("%s, %s waited, usually %s", view.CountQueries(t.Queries), view.GroupDigits(t.Waited), view.FormatMillis(t.UsualMS))
	d.Path = latencyCurve(t, a, top)
	for i := range t.Failures {
		f := &t.Failures[i]
		d.Failures = append(d.Failures, pageBox{
			X:     formatPercent(a.percentAt(f.AtMS)),
			Class: alignAt(a.percentAt(f.AtMS)),
			Y:     strconv.Itoa(d.BottomY - 4),
			Title: "from " + view.FormatMillis(f.AtMS) + " on refused: " + escape.Line(f.Query) + ": " + escape.Line(f.Error.Message),
		})
	}
	c.Traffic = d
	for i := range t.Stalls {
		c.Bands = append(c.Bands, b.drawStall(&t.Stalls[i], a, d, feet))
	}
	return d.BottomY
}

// drawStall draws a stall: from the bar that it waited for down to the traffic.
func (b *pageBuilder) drawStall(s *onward.Stall, a axis, d *pageTraffic, feet map[barEnd]int) pageBand {
	x, w := a.visibleSpan(s.FromMS, s.UntilMS)
	out := pageBand{N: b.numberOf(b.run, s.Statement), X: formatPercent(x), W: formatPercent(w), Class: "writes"}
	if s.Kind != "write" {
		out.Class = "reads"
	}
	y, ok := feet[barEnd{s.Relation, s.Statement}]
	if !ok {
		y = chartTop + labelRow // the lane of the statements
	}
	out.Y, out.H = y, d.BottomY-y
	out.ArrowX, out.ArrowY = formatPercent(x+w/2), y
	out.Title = fmt.Sprintf("%s on %s waited for up to %s", view.DescribeStall(s), view.ShortenRelation(s.Relation), view.FormatMillis(s.UntilMS-s.FromMS))
	if name := b.statementReference(s.Statement); name != "" {
		out.Title += ", behind " + name
	}
	return out
}

// latencyCurve returns the worst latency as an area in a box of 1000 by 100.
func latencyCurve(t *onward.Traffic, a axis, top float64) string {
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
		fmt.Fprintf(&p, "L%s %s", shortNumber(x), shortNumber(y))
		x = a.percentAt(float64(i+each)*t.SlotMS) * 10
		fmt.Fprintf(&p, "H%s", shortNumber(x))
	}
	fmt.Fprintf(&p, "L%s 100Z", shortNumber(x))
	return p.String()
}

// alignAt returns the text alignment at a position, so that the text stays on the page.
func alignAt(x float64) string {
	switch {
	case x < 3:
		return "start"
	case x > 95:
		return "end"
	}
	return "middle"
}

func shortNumber(v float64) string {
	return strconv.FormatFloat(math.Round(v*10)/10, 'f', -1, 64)
}
