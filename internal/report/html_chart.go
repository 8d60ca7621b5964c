package report

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/onward-sql/onward/onward"
)

// Measures of the timeline. Heights are pixels; along the time axis everything
// is a percentage of the width, so that the drawing fits every screen while its
// text keeps its size.
const (
	chartTop  = 22 // the axis' labels
	labelRow  = 19 // a lane's label
	barRow    = 20 // a row of bars, of which barHigh is the bar
	barHigh   = 16
	laneGap   = 9
	trafficHi = 72

	// longName and shortName are how many characters of a relation's name stand
	// above its lane, on a wide screen and on a narrow one: the time for which
	// it was blocked stands on the same line. The table has names in full.
	longName  = 36
	shortName = 22

	// maxLanes is how many relations are drawn; most releases touch fewer.
	maxLanes = 24
	// maxRowsInLane bounds the rows into which bars that overlap are parted.
	maxRowsInLane = 8
	// thinnest is the least width of a bar, in percent, and roomy the width
	// from which its number stands inside. The axis is linear: a statement of
	// a millisecond beside one of ten seconds is a sliver with its number
	// next to it, which is the truth, and times can be compared by eye.
	thinnest = 0.5
	roomy    = 5.0
	numeral  = 4.5 // room for a number beside a bar, on a narrow screen
)

// htmlChart is the timeline. All X and W are percentages of the axis.
type htmlChart struct {
	Height int
	Label  string
	Ticks  []htmlTick
	// Bands join a stall of the traffic with the bar that it waited for.
	Bands        []htmlBand
	Transactions []htmlBox
	Strip        []htmlBar // the statements themselves
	StripLabelY  int
	Lanes        []htmlLane
	Folded       []htmlWords
	Long         *htmlBox
	LongLabelY   int
	Traffic      *htmlTraffic
	AxisBottom   int
	// Legend has what the drawing uses, each with its words.
	Legend []htmlKey
	// Table is the same in words.
	Table []htmlTableRow
}

type htmlTick struct{ X, Label, Anchor string }

type htmlBox struct {
	X, W, Y, Label, Class, Title string
}

// htmlKey is an entry of the legend: the class of its sample, and its words.
type htmlKey struct{ Class, Text string }

// htmlWords is a line of text in the drawing.
type htmlWords struct {
	Text string
	Y    int
}

// foot names a bar, to say where it ends below: a relation and the index of
// the statement.
type foot struct {
	relation  string
	statement int
}

type htmlBand struct {
	N      int
	X, W   string
	Y, H   int
	ArrowX string
	ArrowY int
	Class  string
	Title  string
}

type htmlLane struct {
	Name, Short, Size, Words, Brief, Title string
	Class                                  string
	Y, LabelY, Bottom                      int
	Bars                                   []htmlBar
}

// htmlBar is a lock: a part in which it was waited for, a part in which it was
// held, the work in it, and the number of its statement.
type htmlBar struct {
	N                   int
	Class, Title        string
	Y, High             int
	X, W                string // both parts
	WaitX, WaitW        string // "" for none
	HeldX, HeldW        string
	WorkX, WorkW, Work  string
	WorkY               int
	TextX, TextDX       string
	TextY               int
	TextClass           string
	Labelled, HasNumber bool
}

type htmlTraffic struct {
	LabelY, Y, H  int
	Words         string
	Top, Path     string
	TopY, BottomY int
	Failures      []htmlBox
}

type htmlTableRow struct {
	N                                                   int
	SQL, Relation, Lock, Work, Blocks, At, Waited, Held string
}

// axis turns milliseconds into percentages.
type axis struct{ end float64 }

// at is a place on the axis, from 0 to 100.
func (a axis) at(ms float64) float64 { return min(max(ms/a.end, 0), 1) * 100 }

// span is a stretch of the axis that is wide enough to be seen.
func (a axis) span(from, until, least float64) (x, w float64) {
	x = a.at(from)
	w = max(a.at(until)-x, least)
	return min(x, 100-w), w
}

func percent(v float64) string {
	return strings.TrimSuffix(strings.TrimRight(strconv.FormatFloat(v, 'f', 2, 64), "0"), ".") + "%"
}

func (b *htmlBuilder) chart() *htmlChart {
	run := b.run
	a := axis{end: length(run) * 1.01}
	c := &htmlChart{}
	y := chartTop
	y = b.strip(c, a, y)
	list, created := lanes(run)
	shown := list
	if len(list) > maxLanes {
		shown = list[:maxLanes]
	}
	feet := map[foot]int{}
	for i := range shown {
		lane := b.lane(&shown[i], a, y)
		for j, bar := range lane.Bars {
			feet[foot{shown[i].relation, shown[i].bars[j].statement}] = bar.Y + barHigh
		}
		c.Lanes = append(c.Lanes, lane)
		y = lane.Bottom + laneGap
	}
	for _, words := range folded(list[len(shown):], created) {
		c.Folded = append(c.Folded, htmlWords{words, y + 13})
		y += labelRow
	}
	if len(c.Folded) > 0 {
		y += laneGap - 4
	}
	if t := run.Traffic; t != nil {
		y = b.traffic(c, a, y, feet)
	}
	c.AxisBottom = y
	c.Height = y + 2
	for _, ms := range ticks(a.end, 6) {
		tick := htmlTick{X: percent(a.at(ms)), Label: tickWords(ms), Anchor: "middle"}
		switch x := a.at(ms); {
		case x < 3:
			tick.Anchor = "start"
		case x > 95:
			tick.Anchor = "end"
		}
		c.Ticks = append(c.Ticks, tick)
	}
	c.Label = fmt.Sprintf("Timeline of the release on %s: %s, %s, %s. The table below says the same in words.",
		server(run), Millis(length(run)), Count(len(run.Statements), "statement"), Count(len(list), "relation"))
	c.Legend = legend(c)
	b.table(c, list)
	return c
}

// legend explains what the drawing uses.
func legend(c *htmlChart) []htmlKey {
	used := map[string]bool{"arrow": len(c.Bands) > 0}
	for i := range c.Lanes {
		for j := range c.Lanes[i].Bars {
			bar := &c.Lanes[i].Bars[j]
			used[bar.Class], used["wait"], used["work"] = true, used["wait"] || bar.WaitW != "", used["work"] || bar.Work != ""
		}
	}
	for i := range c.Strip {
		used["failed"] = used["failed"] || strings.HasSuffix(c.Strip[i].Class, " failed")
	}
	var out []htmlKey
	for _, k := range []htmlKey{
		{"nobody", "blocks nobody"}, {"writes", "blocks writes"}, {"reads", "blocks reads and writes"},
		{"wait", "waiting for its lock; later queries queue behind it"},
		{"work", "at work: scan (dotted), index build (dashed), rewrite (solid)"},
		{"arrow", "queries stood still behind the bar above"}, {"failed", "failed"},
	} {
		if used[k.Class] {
			out = append(out, k)
		}
	}
	return out
}

// strip is the first lane: the transactions, and the statements in them.
func (b *htmlBuilder) strip(c *htmlChart, a axis, y int) int {
	run := b.run
	c.StripLabelY = y + 13
	y += labelRow
	for i := range run.Transactions {
		t := &run.Transactions[i]
		x, w := a.span(t.FromMS, t.UntilMS, thinnest)
		box := htmlBox{X: percent(x), W: percent(w), Y: strconv.Itoa(y - 1), Class: "tx"}
		if t.Migration >= 0 && t.Migration < len(b.report.Migrations) {
			box.Title = Line(b.report.Migrations[t.Migration].Path) + ", " + Millis(t.UntilMS-t.FromMS)
		}
		if t.RolledBack {
			box.Class, box.Title = "tx back", box.Title+", rolled back"
		}
		c.Transactions = append(c.Transactions, box)
	}
	y += 4
	var bars []htmlBar
	var places []float64
	for i := range run.Statements {
		s := &run.Statements[i]
		n := b.numberOf(run, i)
		bar := b.draw(a, n, s.FromMS, s.UntilMS, 0)
		bar.Class = "statement"
		bar.Title = b.title(i) + ": " + Millis(s.UntilMS-s.FromMS)
		if s.Failed != nil {
			bar.Class += " failed"
			bar.Title += ", failed: " + Line(s.Failed.Message)
		}
		bars = append(bars, bar)
		places = append(places, a.at(s.FromMS))
	}
	rows := pack(bars, places)
	settle(bars, y)
	c.Strip = bars
	return y + max(rows, 1)*barRow + laneGap
}

// lane draws the lane of a relation.
func (b *htmlBuilder) lane(l *lane, a axis, y int) htmlLane {
	out := htmlLane{Y: y, LabelY: y + 13, Name: shorten(relation(l.relation), longName), Words: "blocked " + l.words(), Class: "nobody"}
	out.Short = shorten(out.Name, shortName)
	switch {
	case l.blocks("read"):
		out.Class, out.Brief = "reads", "reads "+Millis(l.readsMS)
	case l.blocks("write"):
		out.Class, out.Brief = "writes", "writes "+Millis(l.writesMS)
	default:
		out.Words, out.Brief = "blocked nobody", "nobody"
	}
	if l.waited > 0 {
		out.Words += ", " + queries(l.waited) + " waited"
	}
	if l.rows > 0 && columns(out.Name) <= shortName {
		out.Size = numberWords(l.rows) + " rows, " + bytesWords(l.bytes)
	}
	out.Title = relation(l.relation) + ": " + out.Words
	places := make([]float64, len(l.bars))
	for i := range l.bars {
		o := l.bars[i].seen
		bar := b.draw(a, b.numberOf(b.run, l.bars[i].statement), o.FromMS, o.UntilMS, o.WaitedMS)
		bar.Class = who(o.Blocks)
		bar.Title = fmt.Sprintf("%s: %s on %s, %s, ", b.title(l.bars[i].statement), o.Lock, relation(o.Relation), "blocks "+whom(o.Blocks))
		if o.WaitedMS > 0 {
			bar.Title += "waited " + Millis(o.WaitedMS) + ", "
		}
		bar.Title += "held " + Millis(o.HeldMS)
		if o.Work != onward.NoWork {
			bar.Work = o.Work.String()
			bar.Title += ", " + workWords(o.Work)
			x, w := a.span(l.bars[i].workFrom, l.bars[i].workUntil, thinnest)
			bar.WorkX, bar.WorkW = percent(x), percent(x+w)
		}
		out.Bars = append(out.Bars, bar)
		places[i] = a.at(o.FromMS)
	}
	rows := pack(out.Bars, places)
	settle(out.Bars, y+labelRow)
	out.Bottom = y + labelRow + max(rows, 1)*barRow - (barRow - barHigh)
	return out
}

// title is a statement in words: its number and its text.
func (b *htmlBuilder) title(i int) string {
	_, s := rehearsed(b.report, b.run, i)
	if s == nil {
		return "a statement"
	}
	return fmt.Sprintf("%d, %s", b.numberOf(b.run, i), shorten(Line(s.SQL), 100))
}

// table is the timeline in words.
func (b *htmlBuilder) table(c *htmlChart, list []lane) {
	for i := range list {
		l := &list[i]
		for j := range l.bars {
			o := l.bars[j].seen
			row := htmlTableRow{
				N: b.numberOf(b.run, l.bars[j].statement), Relation: relation(o.Relation), Lock: o.Lock.String(), Work: workWords(o.Work),
				Blocks: whom(o.Blocks), At: Millis(o.FromMS), Waited: Millis(o.WaitedMS), Held: Millis(o.HeldMS),
			}
			if _, s := rehearsed(b.report, b.run, l.bars[j].statement); s != nil {
				row.SQL = shorten(Line(s.SQL), 60)
			}
			c.Table = append(c.Table, row)
		}
	}
}
