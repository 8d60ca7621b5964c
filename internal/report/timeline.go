package report

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/charmbracelet/lipgloss"

	"github.com/onward-sql/onward/onward"
)

// Bounds of the terminal's timeline without Verbose.
const (
	maxTimelineLanes = 12
	maxStallLines    = 5
	maxNotes         = 5
)

// The characters of the timeline, stronger ones over weaker ones.
const (
	markNobody = '-'
	markWaits  = '.'
	markWrites = '='
	markReads  = '#'
	markLong   = '~'
	markStall  = '!'
)

// rehearsal prints what the rehearsal saw: the timeline, who waited, what
// failed, where the model was wrong, and the other versions.
func (t *terminal) rehearsal() {
	if len(t.report.Rehearsals) == 0 {
		return
	}
	run := &t.report.Rehearsals[0]
	t.blank()
	t.split("rehearsed on "+server(run), data(run), t.Bold, t.Dim)
	if run.Chosen != "" {
		t.wrap("  ", "  ", Line(run.Chosen), t.Dim)
	}
	if len(run.Statements) > 0 {
		t.timeline(run)
	}
	t.stalls(run)
	t.waiters(run)
	t.failures(run)
	for i := range t.report.Rehearsals {
		t.differences(&t.report.Rehearsals[i])
	}
	for i := 1; i < len(t.report.Rehearsals); i++ {
		also := &t.report.Rehearsals[i]
		t.wrap("  ", "    ", "also on "+server(also)+": "+outcomeOf(also), t.plain())
	}
	for i, n := range run.Notes {
		if i == maxNotes && !t.verbose {
			t.line("  ", t.paint(t.Dim, fmt.Sprintf("and %d more notes (-v shows them)", len(run.Notes)-i)))
			break
		}
		t.wrap("  ", "    ", Line(n), t.Dim)
	}
}

// timeline draws a line of characters for each relation, on one time axis.
func (t *terminal) timeline(run *onward.Rehearsal) {
	list, created := lanes(run)
	shown := list
	if len(list) > maxTimelineLanes && !t.verbose {
		shown = list[:maxTimelineLanes]
	}
	gutter := len("statements")
	for i := range shown {
		gutter = max(gutter, columns(relation(shown[i].relation)))
	}
	if run.Traffic != nil && run.Traffic.LongTransaction != nil {
		gutter = max(gutter, len("long transaction"))
	}
	gutter = min(gutter, t.width/4) + 4
	// Words stand beside the lanes where there is room, else below them.
	beside := 0
	if t.width >= 90 {
		for i := range shown {
			beside = max(beside, columns(shown[i].words())+2)
		}
		beside = min(max(beside, len("1,234 queries, 1,234 waited")+2), 40)
	}
	d := drawing{terminal: t, gutter: gutter, width: t.width - gutter - beside, end: length(run) * 1.0001, beside: beside > 0}
	d.axis()
	d.statements(run)
	for i := range shown {
		d.lane(&shown[i])
	}
	for _, words := range folded(list[len(shown):], created) {
		t.wrap(strings.Repeat(" ", gutter), strings.Repeat(" ", gutter), words, t.Dim)
	}
	d.traffic(run.Traffic)
	for _, line := range d.legend() {
		t.line("  ", t.paint(t.Dim, line))
	}
}

// drawing is the time axis in characters.
type drawing struct {
	*terminal
	gutter, width int
	end           float64
	beside        bool
	used          map[rune]bool
}

// cells are the cells of a stretch of time, one at least.
func (d *drawing) cells(from, until float64) (first, last int) {
	at := func(ms float64) int { return min(max(int(ms/d.end*float64(d.width)), 0), d.width-1) }
	first = at(from)
	last = max(at(until), first)
	if last > first && float64(last)*d.end/float64(d.width) >= until {
		last-- // it ends where the next cell begins
	}
	return first, last
}

func (d *drawing) empty() []rune { return []rune(strings.Repeat(" ", d.width)) }

// strength orders the marks that meet in a cell.
const strength = " -~.=#!"

func (d *drawing) mark(cells []rune, from, until float64, c rune) {
	if d.used == nil {
		d.used = map[rune]bool{}
	}
	d.used[c] = true
	first, last := d.cells(from, until)
	for i := first; i <= last; i++ {
		if strings.IndexRune(strength, c) > strings.IndexRune(strength, cells[i]) {
			cells[i] = c
		}
	}
}

// row prints a line of the drawing, with its words beside or below it.
func (d *drawing) row(name string, cells []rune, words string, style lipgloss.Style) {
	left := "  " + pad(shorten(name, d.gutter-4), d.gutter-2)
	line := d.colored(cells)
	if words == "" || d.beside {
		d.line(left, line, "  ", d.paint(style, words))
		return
	}
	d.line(left, line)
	indent := strings.Repeat(" ", d.gutter)
	d.wrap(indent, indent, words, style)
}

// colored paints runs of the same mark.
func (d *drawing) colored(cells []rune) string {
	var b strings.Builder
	for i := 0; i < len(cells); {
		j := i
		for j < len(cells) && cells[j] == cells[i] {
			j++
		}
		run := string(cells[i:j])
		switch cells[i] {
		case markReads, markStall:
			run = d.paint(d.Error, run)
		case markWrites:
			run = d.paint(d.Warning, run)
		case markNobody, markWaits, markLong:
			run = d.paint(d.Dim, run)
		}
		b.WriteString(run)
		i = j
	}
	return b.String()
}

func (d *drawing) axis() {
	cells := d.empty()
	free := 0
	for _, ms := range ticks(d.end, d.width/9) {
		label := []rune(tickWords(ms))
		at, _ := d.cells(ms, ms)
		if at < free || at+len(label) > len(cells) {
			continue
		}
		copy(cells[at:], label)
		free = at + len(label) + 1
	}
	d.line(strings.Repeat(" ", d.gutter), d.paint(d.Dim, strings.TrimRight(string(cells), " ")))
}

// statements marks where each statement begins, by its line when there is room for it:
// first the one whose locks keep others out for longest.
func (d *drawing) statements(run *onward.Rehearsal) {
	cells := d.empty()
	order := make([]int, len(run.Statements))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int {
		return cmp.Compare(keepsOut(&run.Statements[b]), keepsOut(&run.Statements[a]))
	})
	for _, i := range order {
		at, _ := d.cells(run.Statements[i].FromMS, run.Statements[i].FromMS)
		label := ":"
		if _, s := rehearsed(d.report, run, i); s != nil {
			label = fmt.Sprintf(":%d", s.Line)
		}
		end := at + len(label)
		if end > len(cells) || slices.ContainsFunc(cells[max(at-1, 0):min(end+1, len(cells))], func(c rune) bool { return c != ' ' }) {
			continue
		}
		copy(cells[at:], []rune(label))
	}
	d.line("  ", pad("statements", d.gutter-2), strings.TrimRight(string(cells), " "))
}

// keepsOut is for how long a statement's locks keep others out, in milliseconds.
func keepsOut(s *onward.RehearsedStatement) (ms float64) {
	for i := range s.Observed {
		if o := &s.Observed[i]; !o.New && len(o.Blocks) > 0 {
			ms = max(ms, o.HeldMS)
		}
	}
	return ms
}

func (d *drawing) lane(l *lane) {
	cells := d.empty()
	for i := range l.bars {
		o := l.bars[i].seen
		c := map[string]rune{"reads": markReads, "writes": markWrites, "nobody": markNobody}[who(o.Blocks)]
		if o.WaitedMS > 0 {
			d.mark(cells, o.FromMS, o.FromMS+o.WaitedMS, markWaits)
		}
		d.mark(cells, o.FromMS+o.WaitedMS, o.UntilMS, c)
	}
	style := d.Dim
	switch {
	case l.blocks("read"):
		style = d.Error
	case l.blocks("write"):
		style = d.Warning
	}
	d.row(relation(l.relation), cells, l.words(), style)
}

func (d *drawing) traffic(t *onward.Traffic) {
	if t == nil {
		return
	}
	if l := t.LongTransaction; l != nil {
		cells := d.empty()
		d.mark(cells, l.FromMS, l.UntilMS, markLong)
		d.row("long transaction", cells, Millis(l.UntilMS-l.FromMS)+", only reads", d.Dim)
	}
	cells := d.empty()
	for _, s := range t.Stalls {
		d.mark(cells, s.FromMS, s.UntilMS, markStall)
	}
	d.row("traffic", cells, queries(t.Queries)+", "+grouped(t.Waited)+" waited", d.plain())
}

// legend explains the marks that were used, in lines that break between them.
func (d *drawing) legend() []string {
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
		if n := len(out); n > 0 && len(out[n-1])+3+len(key) <= d.terminal.width-2 {
			out[n-1] += "   " + key
			continue
		}
		out = append(out, key)
	}
	return out
}
