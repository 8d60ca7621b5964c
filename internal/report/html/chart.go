package html

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/onward-sql/onward/internal/prose"
	"github.com/onward-sql/onward/internal/report/escape"
	"github.com/onward-sql/onward/internal/report/view"
	"github.com/onward-sql/onward/internal/size"
	"github.com/onward-sql/onward/onward"
)

// Measures of the timeline. Heights are pixels. Along the time axis everything is a
// percentage of the width, so the drawing fits every screen while its text keeps its
// size.
const (
	chartTop  = 22 // the axis' labels
	labelRow  = 19 // a lane's label
	barRow    = 20 // a row of bars, of which barHigh is the bar
	barHigh   = 16
	laneGap   = 9
	trafficHi = 72

	// longName and shortName are how many characters of a relation's name are printed
	// above its lane, on a wide screen and on a narrow one. The blocked time is on the
	// same line. The table has the full names.
	longName  = 36
	shortName = 22

	// maxLanes is how many relations are drawn; most releases touch fewer.
	maxLanes = 24
	// maxRowsInLane bounds the rows for bars that overlap.
	maxRowsInLane = 8
	// thinnest is the least width of a bar, in percent. From the width roomy on, its
	// number is inside the bar. The axis is linear, so that times can be compared by eye:
	// next to ten seconds, a millisecond is a sliver with its number beside it.
	thinnest = 0.5
	roomy    = 5.0
	numeral  = 4.5 // room for a number beside a bar, on a narrow screen
)

// pageChart is the timeline. Each X and W is a percentage of the axis.
type pageChart struct {
	Height int
	Label  string
	Ticks  []pageTick
	// Bands connect a stall of the traffic with the bar that it waited for.
	Bands        []pageBand
	Transactions []pageBox
	Strip        []pageBar // the statements themselves
	StripLabelY  int
	Lanes        []pageLane
	Folded       []pageWords
	Long         *pageBox
	LongLabelY   int
	Traffic      *pageTraffic
	AxisBottom   int
	// Legend explains the marks in the drawing.
	Legend []pageKey
	// Table has the same content in words.
	Table []pageTableRow
}

type pageTick struct{ X, Label, Anchor string }

type pageBox struct {
	X, W, Y, Label, Class, Title string
}

// pageKey is an entry of the legend: the class of its sample, and its words.
type pageKey struct{ Class, Text string }

// pageWords is a line of text in the drawing.
type pageWords struct {
	Text string
	Y    int
}

// barEnd identifies a bar at whose lower end another mark ends: by a relation and the index
// of the statement.
type barEnd struct {
	relation  string
	statement int
}

type pageBand struct {
	N      int
	X, W   string
	Y, H   int
	ArrowX string
	ArrowY int
	Class  string
	Title  string
}

type pageLane struct {
	Name, Short, Size, Words, Brief, Title string
	Class                                  string
	Y, LabelY, Bottom                      int
	Bars                                   []pageBar
}

// pageBar is a lock: the time it waited, the time it was held, the work under it, and the
// number of its statement.
type pageBar struct {
	N                   int
	Class, Title        string
	Y, High             int
	X, W                string // both parts
	WaitX, WaitW        string // "" for none
	HeldX, HeldW        string
	Works               []pageWork
	WorkY               int
	TextX, TextDX       string
	TextY               int
	TextClass           string
	Labelled, HasNumber bool
}

// pageWork is work under a lock, a line within its bar. N is the number of its statement
// if another one took the lock.
type pageWork struct {
	Class, X, Until string
	N               int
}

type pageTraffic struct {
	LabelY, Y, H  int
	Words         string
	Top, Path     string
	TopY, BottomY int
	Failures      []pageBox
}

type pageTableRow struct {
	N                                                   int
	SQL, Relation, Lock, Work, Blocks, At, Waited, Held string
}

// axis converts milliseconds to percentages.
type axis struct{ end float64 }

// percentAt is a place on the axis, from 0 to 100.
func (a axis) percentAt(ms float64) float64 { return min(max(ms/a.end, 0), 1) * 100 }

// visibleSpan returns a part of the axis that is wide enough to be visible.
func (a axis) visibleSpan(from, until float64) (x, w float64) {
	x = a.percentAt(from)
	w = max(a.percentAt(until)-x, thinnest)
	return min(x, 100-w), w
}

func formatPercent(v float64) string {
	return strings.TrimSuffix(strings.TrimRight(strconv.FormatFloat(v, 'f', 2, 64), "0"), ".") + "%"
}

func (b *pageBuilder) buildChart() *pageChart {
	run := b.run
	a := axis{end: view.TimelineEnd(run) * 1.01}
	c := &pageChart{}
	y := chartTop
	y = b.drawTransactions(c, a, y)
	list, created := b.lanes, b.created
	shown, _ := prose.TakeFirst(list, maxLanes)
	feet := map[barEnd]int{}
	for i := range shown {
		lane := b.drawLane(&shown[i], a, y)
		for j, bar := range lane.Bars {
			y := bar.Y + barHigh
			feet[barEnd{shown[i].Relation, shown[i].Bars[j].Statement}] = y
			for _, w := range shown[i].Bars[j].Works {
				feet[barEnd{shown[i].Relation, w.Statement}] = y
			}
		}
		c.Lanes = append(c.Lanes, lane)
		y = lane.Bottom + laneGap
	}
	for _, words := range view.DescribeHidden(list[len(shown):], created) {
		c.Folded = append(c.Folded, pageWords{words, y + 13})
		y += labelRow
	}
	if len(c.Folded) > 0 {
		y += laneGap - 4
	}
	if t := run.Traffic; t != nil {
		y = b.drawTraffic(c, a, y, feet)
	}
	c.AxisBottom = y
	c.Height = y + 2
	for _, ms := range view.ListAxisMarks(a.end, 6) {
		tick := pageTick{X: formatPercent(a.percentAt(ms)), Label: view.FormatTick(ms), Anchor: alignAt(a.percentAt(ms))}
		c.Ticks = append(c.Ticks, tick)
	}
	c.Label = fmt.Sprintf("Timeline of the release on %s: %s, %s, %s. The table below says the same in words.",
		view.NameServer(run), view.FormatMillis(view.TimelineEnd(run)), prose.CountNoun(len(run.Statements), "statement"), prose.CountNoun(len(list), "relation"))
	c.Legend = chartLegend(c)
	b.describeTimeline(c, list)
	return c
}

// chartLegend explains the marks that the drawing has.
func chartLegend(c *pageChart) []pageKey {
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
	var out []pageKey
	for _, k := range []pageKey{
		{"nobody", "blocks nobody"}, {"writes", "blocks writes"}, {"reads", "blocks reads and writes"},
		{"wait", "waiting for its lock; later queries wait for it"},
		{"work", "at work: scan (dotted), index build (dashed), rewrite (solid)"},
		{"arrow", "queries waited for the statement above"}, {"failed", "failed"}, {"refused", "a query that starts failing"},
	} {
		if used[k.Class] {
			out = append(out, k)
		}
	}
	return out
}

// drawTransactions draws the first lane: the transactions, and the statements in them.
func (b *pageBuilder) drawTransactions(c *pageChart, a axis, y int) int {
	run := b.run
	c.StripLabelY = y + 13
	y += labelRow
	for i := range run.Transactions {
		t := &run.Transactions[i]
		x, w := a.visibleSpan(t.FromMS, t.UntilMS)
		box := pageBox{X: formatPercent(x), W: formatPercent(w), Y: strconv.Itoa(y - 1), Class: "tx"}
		if t.Migration >= 0 && t.Migration < len(b.report.Migrations) {
			box.Title = escape.Line(b.report.Migrations[t.Migration].Path) + ", " + view.FormatMillis(t.UntilMS-t.FromMS)
		}
		if t.RolledBack {
			box.Class, box.Title = "tx back", box.Title+", rolled back"
		}
		c.Transactions = append(c.Transactions, box)
	}
	y += 4
	var bars []pageBar
	var places []float64
	for i := range run.Statements {
		s := &run.Statements[i]
		n := b.numberOf(run, i)
		bar := b.drawBar(a, n, s.FromMS, s.UntilMS, 0)
		bar.Class = "statement"
		bar.Title = b.statementTitle(i) + ": " + view.FormatMillis(s.UntilMS-s.FromMS)
		if s.Failed != nil {
			bar.Class += " failed"
			bar.Title += ", failed: " + escape.Line(s.Failed.Message)
		}
		bars = append(bars, bar)
		places = append(places, a.percentAt(s.FromMS))
	}
	rows := packBars(bars, places)
	setBarHeights(bars, y)
	c.Strip = bars
	return y + max(rows, 1)*barRow + laneGap
}

// drawLane draws the lane of a relation.
func (b *pageBuilder) drawLane(l *view.Lane, a axis, y int) pageLane {
	out := pageLane{
		Y: y, LabelY: y + 13, Name: view.CutToWidth(view.ShortenRelation(l.Relation), longName), Words: "blocked " + l.DescribeBlocking(), Class: "nobody",
	}
	out.Short = view.CutToWidth(out.Name, shortName)
	switch {
	case l.BlocksKind("read"):
		out.Class, out.Brief = "reads", "reads "+view.FormatMillis(l.ReadsMS)
	case l.BlocksKind("write"):
		out.Class, out.Brief = "writes", "writes "+view.FormatMillis(l.WritesMS)
	default:
		out.Words, out.Brief = "blocked nobody", "nobody"
	}
	if l.Waits > 0 {
		out.Words += ", " + view.CountQueries(l.Waits) + " waited"
	}
	if l.Rows > 0 && view.MeasureText(out.Name) <= shortName {
		out.Size = size.FormatCount(l.Rows) + " rows, " + size.FormatBytes(l.Bytes)
	}
	out.Title = view.ShortenRelation(l.Relation) + ": " + out.Words
	places := make([]float64, len(l.Bars))
	for i := range l.Bars {
		o := l.Bars[i].Seen
		bar := b.drawBar(a, b.numberOf(b.run, l.Bars[i].Statement), o.FromMS, o.UntilMS, o.WaitedMS)
		bar.Class = view.DescribeBlocked(o.Blocks)
		bar.Title = fmt.Sprintf("%s: %s on %s, %s, ", b.statementTitle(l.Bars[i].Statement), o.Lock, view.ShortenRelation(o.Relation),
			"blocks "+view.DescribeWaiters(o.Blocks))
		if o.WaitedMS > 0 {
			bar.Title += "waited " + view.FormatMillis(o.WaitedMS) + ", "
		}
		bar.Title += "held " + view.FormatMillis(o.HeldMS)
		b.drawWork(&bar, &l.Bars[i], a)
		out.Bars = append(out.Bars, bar)
		places[i] = a.percentAt(o.FromMS)
	}
	rows := packBars(out.Bars, places)
	setBarHeights(out.Bars, y+labelRow)
	out.Bottom = y + labelRow + max(rows, 1)*barRow - (barRow - barHigh)
	return out
}

// drawWork draws the work under a lock, and whose it is.
func (b *pageBuilder) drawWork(bar *pageBar, l *view.Bar, a axis) {
	for _, w := range l.Works {
		x, wide := a.visibleSpan(w.From, w.Until)
		line := pageWork{Class: w.Kind.String(), X: formatPercent(x), Until: formatPercent(x + wide)}
		if w.Statement == l.Statement {
			bar.Title += ", " + view.DescribeWork(w.Kind)
		} else {
			n := b.numberOf(b.run, w.Statement)
			bar.Title += fmt.Sprintf(", %s by statement %d", view.DescribeWork(w.Kind), n)
			if wide >= roomy && x-parsePercent(bar.X) >= roomy {
				line.N = n
			}
		}
		bar.Works = append(bar.Works, line)
	}
}

// statementTitle returns a statement's number and its text.
func (b *pageBuilder) statementTitle(i int) string {
	_, s := view.FindStatement(b.report, b.run, i)
	if s == nil {
		return "a statement"
	}
	return fmt.Sprintf("%d, %s", b.numberOf(b.run, i), view.CutToWidth(escape.Line(s.SQL), 100))
}

// describeTimeline describes the timeline in words.
func (b *pageBuilder) describeTimeline(c *pageChart, list []view.Lane) {
	for i := range list {
		l := &list[i]
		for j := range l.Bars {
			o := l.Bars[j].Seen
			ownIndex := slices.IndexFunc(l.Bars[j].Works, func(w view.Work) bool { return w.Statement == l.Bars[j].Statement })
			row := b.tableRow(l.Bars[j].Statement, l.Relation, onward.NoWork)
			if ownIndex >= 0 {
				row.Work = view.DescribeWork(l.Bars[j].Works[ownIndex].Kind)
			}
			row.Lock, row.Blocks, row.At = o.Lock.String(), view.DescribeWaiters(o.Blocks), view.FormatMillis(o.FromMS)
			row.Waited, row.Held = view.FormatMillis(o.WaitedMS), view.FormatMillis(o.HeldMS)
			c.Table = append(c.Table, row)
			for k, w := range l.Bars[j].Works {
				if k != ownIndex {
					row := b.tableRow(w.Statement, l.Relation, w.Kind)
					row.Lock, row.At = b.describeLockOwner(l.Bars[j].Statement), view.FormatMillis(w.From)
					c.Table = append(c.Table, row)
				}
			}
		}
	}
}

func (b *pageBuilder) tableRow(statement int, rel string, kind onward.Work) pageTableRow {
	row := pageTableRow{N: b.numberOf(b.run, statement), Relation: view.ShortenRelation(rel), Work: view.DescribeWork(kind), Blocks: "—", Waited: "—", Held: "—"}
	if _, s := view.FindStatement(b.report, b.run, statement); s != nil {
		row.SQL = view.CutToWidth(escape.Line(s.SQL), 60)
	}
	return row
}

// describeLockOwner says whose lock a later statement works under.
func (b *pageBuilder) describeLockOwner(owner int) string {
	return fmt.Sprintf("locked since %d", b.numberOf(b.run, owner))
}
