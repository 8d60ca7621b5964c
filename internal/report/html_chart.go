package report

import (
	"fmt"
	"slices"
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
	Works               []htmlWork
	WorkY               int
	TextX, TextDX       string
	TextY               int
	TextClass           string
	Labelled, HasNumber bool
}

// htmlWork is work under a lock, a line within its bar. N is the number of its
// statement where that is not the one that took the lock.
type htmlWork struct {
	Class, X, Until string
	N               int
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
	list, created := b.lanes, b.created
	shown := list
	if len(list) > maxLanes {
		shown = list[:maxLanes]
	}
	feet := map[foot]int{}
	for i := range shown {
		lane := b.lane(&shown[i], a, y)
		for j, bar := range lane.Bars {
			y := bar.Y + barHigh
			feet[foot{shown[i].relation, shown[i].bars[j].statement}] = y
			for _, w := range shown[i].bars[j].works {
				feet[foot{shown[i].relation, w.statement}] = y
			}
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
		tick := htmlTick{X: percent(a.at(ms)), Label: tickWords(ms), Anchor: edge(a.at(ms))}
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
			used[bar.Class], used["wait"], used["work"] = true, used["wait"] || bar.WaitW != "", used["work"] || len(bar.Works) > 0
		}
	}
	for i := range c.Strip {
		used["failed"] = used["failed"] || strings.HasSuffix(c.Strip[i].Class, " failed")
	}
	used["refused"] = c.Traffic != nil && len(c.Traffic.Failures) > 0
	var out []htmlKey
	for _, k := range []htmlKey{
		{"nobody", "blocks nobody"}, {"writes", "blocks writes"}, {"reads", "blocks reads and writes"},
		{"wait", "waiting for its lock; later queries queue behind it"},
		{"work", "at work: scan (dotted), index build (dashed), rewrite (solid)"},
		{"arrow", "queries stood still behind the bar above"}, {"failed", "failed"}, {"refused", "a query that starts failing"},
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
		out.Size = Number(l.rows) + " rows, " + Bytes(l.bytes)
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
		b.works(&bar, &l.bars[i], a)
		out.Bars = append(out.Bars, bar)
		places[i] = a.at(o.FromMS)
	}
	rows := pack(out.Bars, places)
	settle(out.Bars, y+labelRow)
	out.Bottom = y + labelRow + max(rows, 1)*barRow - (barRow - barHigh)
	return out
}

// works draws what was done under a lock, by whom.
func (b *htmlBuilder) works(bar *htmlBar, l *bar, a axis) {
	for _, w := range l.works {
		x, wide := a.span(w.from, w.until, thinnest)
		line := htmlWork{Class: w.kind.String(), X: percent(x), Until: percent(x + wide)}
		if w.statement == l.statement {
			bar.Title += ", " + workWords(w.kind)
		} else {
			n := b.numberOf(b.run, w.statement)
			bar.Title += fmt.Sprintf(", %s by statement %d", workWords(w.kind), n)
			if wide >= roomy && x-number(bar.X) >= roomy {
				line.N = n
			}
		}
		bar.Works = append(bar.Works, line)
	}
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
			own := slices.IndexFunc(l.bars[j].works, func(w work) bool { return w.statement == l.bars[j].statement })
			row := b.tableRow(l.bars[j].statement, l.relation, onward.NoWork)
			if own >= 0 {
				row.Work = workWords(l.bars[j].works[own].kind)
			}
			row.Lock, row.Blocks, row.At, row.Waited, row.Held = o.Lock.String(), whom(o.Blocks), Millis(o.FromMS), Millis(o.WaitedMS), Millis(o.HeldMS)
			c.Table = append(c.Table, row)
			for k, w := range l.bars[j].works {
				if k != own {
					row := b.tableRow(w.statement, l.relation, w.kind)
					row.Lock, row.At = b.since(l.bars[j].statement), Millis(w.from)
					c.Table = append(c.Table, row)
				}
			}
		}
	}
}

func (b *htmlBuilder) tableRow(statement int, rel string, kind onward.Work) htmlTableRow {
	row := htmlTableRow{N: b.numberOf(b.run, statement), Relation: relation(rel), Work: workWords(kind), Blocks: "—", Waited: "—", Held: "—"}
	if _, s := rehearsed(b.report, b.run, statement); s != nil {
		row.SQL = shorten(Line(s.SQL), 60)
	}
	return row
}

// since says whose lock a later statement works under.
func (b *htmlBuilder) since(owner int) string {
	return fmt.Sprintf("locked since %d", b.numberOf(b.run, owner))
}
