package report

import (
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
	if len(run.Statements) > 0 {
		t.timeline(run)
	}
	t.stalls(run)
	t.failures(run)
	for i := range t.report.Rehearsals {
		t.differences(&t.report.Rehearsals[i])
	}
	for i := 1; i < len(t.report.Rehearsals); i++ {
		also := &t.report.Rehearsals[i]
		t.wrap("  ", "    ", "also on "+server(also)+": "+outcomeOf(also), t.plain())
	}
	if t.verbose {
		for _, n := range run.Notes {
			t.wrap("  ", "    ", Line(n), t.Dim)
		}
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

// statements marks where each statement begins, by its line when there is
// room for it.
func (d *drawing) statements(run *onward.Rehearsal) {
	cells := d.empty()
	free := 0
	for i := range run.Statements {
		at, _ := d.cells(run.Statements[i].FromMS, run.Statements[i].FromMS)
		label := ":"
		if _, s := rehearsed(d.report, run, i); s != nil {
			label = fmt.Sprintf(":%d", s.Line)
		}
		if at < free || at+len(label) > len(cells) {
			continue
		}
		copy(cells[at:], []rune(label))
		free = at + len(label) + 1
	}
	d.line("  ", pad("statements", d.gutter-2), strings.TrimRight(string(cells), " "))
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
		d.row("long transaction", cells, millis(l.UntilMS-l.FromMS)+", only reads", d.Dim)
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

// stalls says who waited for what, worst first.
func (t *terminal) stalls(run *onward.Rehearsal) {
	stalls := worstStalls(run.Traffic)
	for i := range stalls {
		if i == maxStallLines && !t.verbose {
			t.line("  ", t.paint(t.Dim, fmt.Sprintf("and %s (-v shows them)", Count(len(stalls)-i, "shorter stall"))))
			break
		}
		word := "stall "
		if i == 0 {
			word = "worst stall "
		}
		t.wrap("  ", "    ", word+stallWords(t.report, run, &stalls[i], t.width/2), t.Warning)
	}
	if run.Traffic != nil && len(stalls) == 0 {
		t.wrap("  ", "    ", "no query stood still: "+queries(run.Traffic.Queries)+", the slowest "+millis(run.Traffic.WorstMS), t.OK)
	}
}

// stallWords is a stall in a sentence: "4.20 s: 118 queries on users waited
// for ALTER TABLE … (00043_rename.sql:4)".
func stallWords(r *onward.Report, run *onward.Rehearsal, s *onward.Stall, width int) string {
	text := fmt.Sprintf("%s: %s on %s waited", millis(s.UntilMS-s.FromMS), kinds(s), relation(s.Relation))
	if _, st := rehearsed(r, run, s.Statement); st != nil {
		text += fmt.Sprintf(" for %s (%s)", shorten(Line(st.SQL), width), shortPlace(r, run, s.Statement))
	}
	return text
}

// failures says what the server refused: statements, then queries of the
// traffic.
func (t *terminal) failures(run *onward.Rehearsal) {
	for i := range run.Statements {
		if f := run.Statements[i].Failed; f != nil {
			t.wrap("  ", "    ", strings.TrimSpace(shortPlace(t.report, run, i)+" failed: "+errorWords(f)), t.Error)
		}
	}
	if run.Traffic == nil {
		return
	}
	for i := range run.Traffic.Failures {
		f := &run.Traffic.Failures[i]
		t.wrap("  ", "    ", fmt.Sprintf("from %s on the server refused, %s: %s: %s", millis(f.AtMS), Count(f.Count, "time"), shorten(Line(f.Query), t.width/2), errorWords(&f.Error)), t.Error)
	}
}

// errorWords is an error of the server on a line.
func errorWords(e *onward.ServerError) string {
	text := Line(e.Message)
	if e.Code != "" {
		text += " (" + Line(e.Code) + ")"
	}
	if e.Detail != "" {
		text += ". " + Line(e.Detail)
	}
	return text
}

// differences says where onward was wrong.
func (t *terminal) differences(run *onward.Rehearsal) {
	for i := range run.Differences {
		t.wrap("  ", "    ", differenceWords(t.report, run, &run.Differences[i])+"; please report it", t.Warning)
	}
}

func differenceWords(r *onward.Report, run *onward.Rehearsal, d *onward.Difference) string {
	at := shortPlace(r, run, d.Statement)
	if at != "" {
		at = " at " + at
	}
	return fmt.Sprintf("onward's model was wrong%s on %s: it said %s for %s, the server did %s", at, server(run), Line(d.Model), relation(d.Relation), Line(d.Server))
}

// outcomeOf is a rehearsal in a few words, to be compared with others.
func outcomeOf(run *onward.Rehearsal) string {
	words := []string{millis(length(run))}
	failed := 0
	for i := range run.Statements {
		if run.Statements[i].Failed != nil {
			failed++
		}
	}
	if failed > 0 {
		words = append(words, fmt.Sprintf("%d failed", failed))
	}
	if t := run.Traffic; t != nil {
		if stalls := worstStalls(t); len(stalls) > 0 {
			words = append(words, "worst stall "+millis(stalls[0].UntilMS-stalls[0].FromMS), grouped(t.Waited)+" waited")
		} else {
			words = append(words, "no stall")
		}
	}
	if n := len(run.Differences); n > 0 {
		words = append(words, Count(n, "difference"))
	}
	return strings.Join(words, ", ")
}

// observed says what the rehearsal saw of a statement: "held 4.21 s, 118
// queries waited up to 4.20 s".
func (t *terminal) observed(m *onward.Migration, at int) {
	if len(t.report.Rehearsals) == 0 {
		return
	}
	run := &t.report.Rehearsals[0]
	i := slices.IndexFunc(run.Statements, func(s onward.RehearsedStatement) bool {
		return s.Statement == at && s.Migration >= 0 && s.Migration < len(t.report.Migrations) && &t.report.Migrations[s.Migration] == m
	})
	if i < 0 {
		return
	}
	s := &run.Statements[i]
	if s.Failed != nil {
		t.wrap("       ", "       ", "failed: "+errorWords(s.Failed), t.Error)
	}
	if !t.verbose && s.Waited == 0 && s.StallMS == 0 {
		return
	}
	words := []string{"took " + millis(s.UntilMS-s.FromMS)}
	held := 0.0
	for _, o := range s.Observed {
		if !o.New {
			held = max(held, o.HeldMS)
		}
	}
	if s.WaitedMS > 0 {
		words = append(words, "waited "+millis(s.WaitedMS))
	}
	if held > 0 {
		words = append(words, "held "+millis(held))
	}
	style := t.Dim
	if s.Waited > 0 || s.StallMS > 0 {
		words = append(words, fmt.Sprintf("%s waited up to %s", queries(s.Waited), millis(s.StallMS)))
		style = t.Warning
	}
	t.wrap("       ", "       ", "rehearsed: "+strings.Join(words, ", "), style)
	if e := s.Estimate; e != nil && t.verbose {
		t.wrap("       ", "       ", "in production: "+between(e)+", at "+numberWords(e.Rows)+" rows of "+relation(e.Relation), t.Dim)
	}
}
