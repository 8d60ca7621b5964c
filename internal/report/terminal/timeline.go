package terminal

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/charmbracelet/lipgloss"

	"github.com/onward-sql/onward/internal/prose"
	"github.com/onward-sql/onward/internal/report/view"
	"github.com/onward-sql/onward/onward"
)

// maxTimelineLanes is how many relations the timeline has without Verbose.
const maxTimelineLanes = 12

// The characters of the timeline; stronger ones replace weaker ones.
const (
	markNobody = '-'
	markWaits  = '.'
	markWrites = '='
	markReads  = '#'
	markLong   = '~'
	markStall  = '!'
)

// printTimeline draws a line of characters for each relation, on one time axis.
func (t *reportWriter) printTimeline(run *onward.Rehearsal) {
	list, created := view.MakeLanes(run)
	shown, _ := prose.TakeFirst(list, t.limitList(maxTimelineLanes))
	gutter := len("statements")
	for i := range shown {
		gutter = max(gutter, view.MeasureText(view.ShortenRelation(shown[i].Relation)))
	}
	if run.Traffic != nil && run.Traffic.LongTransaction != nil {
		gutter = max(gutter, len("long transaction"))
	}
	gutter = min(gutter, t.width/4) + 4
	// The words are beside the lanes if there is room, otherwise below them.
	wordsWidth := 0
	if t.width >= 90 {
		for i := range shown {
			wordsWidth = max(wordsWidth, view.MeasureText(shown[i].DescribeBlocking())+2)
		}
		wordsWidth = min(max(wordsWidth, len("1,234 queries, 1,234 waited")+2), 40)
	}
	d := timelineDrawing{reportWriter: t, gutter: gutter, width: t.width - gutter - wordsWidth, end: view.TimelineEnd(run) * 1.0001, beside: wordsWidth > 0}
	d.printAxis()
	d.printStatementMarks(run)
	for i := range shown {
		d.printLane(&shown[i])
	}
	for _, words := range view.DescribeHidden(list[len(shown):], created) {
		t.addWrapped(strings.Repeat(" ", gutter), strings.Repeat(" ", gutter), words, t.Dim)
	}
	d.printTraffic(run.Traffic)
	for _, line := range d.legendLines() {
		t.addLine("  ", t.paintLine(t.Dim, line))
	}
}

// timelineDrawing is the time axis in characters.
type timelineDrawing struct {
	*reportWriter
	gutter, width int
	end           float64
	beside        bool
	used          map[rune]bool
}

// cellsOf returns the cells of a stretch of time, at least one.
func (d *timelineDrawing) cellsOf(from, until float64) (first, last int) {
	cellAt := func(ms float64) int { return min(max(int(ms/d.end*float64(d.width)), 0), d.width-1) }
	first = cellAt(from)
	last = max(cellAt(until), first)
	if last > first && float64(last)*d.end/float64(d.width) >= until {
		last-- // it ends where the next cell begins
	}
	return first, last
}

func (d *timelineDrawing) emptyRow() []rune { return []rune(strings.Repeat(" ", d.width)) }

// strength orders the marks that meet in a cell.
const strength = " -~.=#!"

func (d *timelineDrawing) markCells(cells []rune, from, until float64, c rune) {
	if d.used == nil {
		d.used = map[rune]bool{}
	}
	d.used[c] = true
	first, last := d.cellsOf(from, until)
	for i := first; i <= last; i++ {
		if strings.IndexRune(strength, c) > strings.IndexRune(strength, cells[i]) {
			cells[i] = c
		}
	}
}

// printRow prints a line of the drawing, with its words beside or below it.
func (d *timelineDrawing) printRow(name string, cells []rune, words string, style lipgloss.Style) {
	left := "  " + padRight(view.CutToWidth(name, d.gutter-4), d.gutter-2)
	line := d.colorRuns(cells)
	if words == "" || d.beside {
		d.addLine(left, line, "  ", d.paintLine(style, words))
		return
	}
	d.addLine(left, line)
	indent := strings.Repeat(" ", d.gutter)
	d.addWrapped(indent, indent, words, style)
}

// colorRuns paints runs of the same mark.
func (d *timelineDrawing) colorRuns(cells []rune) string {
	var b strings.Builder
	for i := 0; i < len(cells); {
		j := i
		for j < len(cells) && cells[j] == cells[i] {
			j++
		}
		run := string(cells[i:j])
		switch cells[i] {
		case markReads, markStall:
			run = d.paintLine(d.Error, run)
		case markWrites:
			run = d.paintLine(d.Warning, run)
		case markNobody, markWaits, markLong:
			run = d.paintLine(d.Dim, run)
		}
		b.WriteString(run)
		i = j
	}
	return b.String()
}

func (d *timelineDrawing) printAxis() {
	cells := d.emptyRow()
	free := 0
	for _, ms := range view.ListAxisMarks(d.end, d.width/9) {
		label := []rune(view.FormatTick(ms))
		column, _ := d.cellsOf(ms, ms)
		if column < free || column+len(label) > len(cells) {
			continue
		}
		copy(cells[column:], label)
		free = column + len(label) + 1
	}
	d.addLine(strings.Repeat(" ", d.gutter), d.paintLine(d.Dim, strings.TrimRight(string(cells), " ")))
}

// printStatementMarks marks where each statement begins, with its line number if there is room.
// The statement whose locks block others for longest comes first.
func (d *timelineDrawing) printStatementMarks(run *onward.Rehearsal) {
	cells := d.emptyRow()
	order := make([]int, len(run.Statements))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int {
		return cmp.Compare(blockedTime(&run.Statements[b]), blockedTime(&run.Statements[a]))
	})
	for _, i := range order {
		column, _ := d.cellsOf(run.Statements[i].FromMS, run.Statements[i].FromMS)
		label := ":"
		if _, s := view.FindStatement(d.report, run, i); s != nil {
			label = fmt.Sprintf(":%d", s.Line)
		}
		end := column + len(label)
		if end > len(cells) || slices.ContainsFunc(cells[max(column-1, 0):min(end+1, len(cells))], func(c rune) bool { return c != ' ' }) {
			continue
		}
		copy(cells[column:], []rune(label))
	}
	d.addLine("  ", padRight("statements", d.gutter-2), strings.TrimRight(string(cells), " "))
}

// blockedTime returns for how long a statement's locks block others, in milliseconds.
func blockedTime(s *onward.RehearsedStatement) (ms float64) {
	for i := range s.Observed {
		if o := &s.Observed[i]; !o.New && len(o.Blocks) > 0 {
			ms = max(ms, o.HeldMS)
		}
	}
	return ms
}

func (d *timelineDrawing) printLane(l *view.Lane) {
	cells := d.emptyRow()
	for i := range l.Bars {
		o := l.Bars[i].Seen
		c := map[string]rune{"reads": markReads, "writes": markWrites, "nobody": markNobody}[view.DescribeBlocked(o.Blocks)]
		if o.WaitedMS > 0 {
			d.markCells(cells, o.FromMS, o.FromMS+o.WaitedMS, markWaits)
		}
		d.markCells(cells, o.FromMS+o.WaitedMS, o.UntilMS, c)
	}
	style := d.Dim
	switch {
	case l.BlocksKind("read"):
		style = d.Error
	case l.BlocksKind("write"):
		style = d.Warning
	}
	d.printRow(view.ShortenRelation(l.Relation), cells, l.DescribeBlocking(), style)
}

func (d *timelineDrawing) printTraffic(t *onward.Traffic) {
	if t == nil {
		return
	}
	if l := t.LongTransaction; l != nil {
		cells := d.emptyRow()
		d.markCells(cells, l.FromMS, l.UntilMS, markLong)
		d.printRow("long transaction", cells, view.FormatMillis(l.UntilMS-l.FromMS)+", only reads", d.Dim)
	}
	cells := d.emptyRow()
	for _, s := range t.Stalls {
		d.markCells(cells, s.FromMS, s.UntilMS, markStall)
	}
	d.printRow("traffic", cells, view.CountQueries(t.Queries)+", "+view.GroupDigits(t.Waited)+" waited", d.ordinaryStyle())
}

// legendLines explains the marks that were used, in lines that break between them.
func (d *timelineDrawing) legendLines() []string {
	var out []string
	for _, m := range []struct {
		c    rune
		text string
	}{
		{markReads, "blocks reads and writes"}, {markWrites, "blocks writes"}, {markNobody, "blocks nobody"},
		{markWaits, "waits for its lock"}, {markLong, "open"}, {markStall, "queries stand still"},
	} {
		if !d.used[m.c] {
			continue
		}
		key := string(m.c) + " " + m.text
		if n := len(out); n > 0 && len(out[n-1])+3+len(key) <= d.reportWriter.width-2 {
			out[n-1] += "   " + key
			continue
		}
		out = append(out, key)
	}
	return out
}
