package terminal

import (
	"fmt"
	"slices"
	"strings"

	"github.com/charmbracelet/lipgloss"
	"github.com/charmbracelet/x/ansi"
	"github.com/onward-sql/onward/internal/prose"
	"github.com/onward-sql/onward/internal/report/escape"
	"github.com/onward-sql/onward/internal/report/view"
	"github.com/onward-sql/onward/onward"
)

// maxFrame is how many lines of a statement a frame shows without Verbose.
const maxFrame = 4

// printFrame prints the lines with the words that a finding is about, with marks below them:
//
//	2 |   ALTER COLUMN a TYPE bigint,
//	  |   ^^^^^^^^^^^^^^^^^^^^^^^^^^
//
// It prints nothing if these words are all of a short ALTER TABLE, because the statement's own line already has them.
func (t *reportWriter) printFrame(f *onward.Finding) {
	s := t.index.StatementOf(f)
	if s == nil || len(f.Words) == 0 || !t.verbose && !isAmongChanges(f, s) {
		return
	}
	lines := strings.Split(s.SQL, "\n")
	shown := 0
	for _, words := range f.Words {
		for n := words.Line; n <= words.EndLine; n++ {
			index := n - s.Line
			if index < 0 || index >= len(lines) {
				return // the text differs from the file's
			}
			if shown++; shown > maxFrame && !t.verbose {
				t.addLine(t.paintLine(t.Dim, "         …"))
				return
			}
			from, to := markedPart(&words, n)
			if index == 0 { // the statement begins after others on this line
				from, to = from-s.Column+1, to-s.Column+1
			}
			t.printMarkedLine(n, []rune(strings.TrimRight(lines[index], "\r")), from, to, t.Severity(f.Severity))
		}
	}
}

// isAmongChanges reports whether the words are among other changes in the statement, or below its first
// line.
func isAmongChanges(f *onward.Finding, s *onward.Statement) bool {
	first, last := f.Words[0], f.Words[len(f.Words)-1]
	if len(f.Words) > 1 || first.Line != f.Line || last.EndLine != f.EndLine || last.EndColumn != f.EndColumn {
		return true
	}
	before := []rune(s.SQL)
	return strings.Contains(string(before[:min(len(before), max(0, first.Column-s.Column))]), ",")
}

// markedPart returns the part of a line that belongs to an extent, in characters from 0; the end is
// large if the extent continues on the next line.
func markedPart(words *onward.Extent, line int) (from, to int) {
	to = 1 << 30
	if line == words.Line {
		from = words.Column - 1
	}
	if line == words.EndLine {
		to = words.EndColumn - 1
	}
	return from, to
}

// printMarkedLine prints one line with marks below a part of it. A line that is too long is cut at the
// right, or at the left if the part would otherwise be invisible.
func (t *reportWriter) printMarkedLine(number int, line []rune, from, to int, style lipgloss.Style) {
	to = max(0, min(to, len(line)))
	for to > 0 && line[to-1] == ' ' {
		to--
	}
	for from = max(0, min(from, to)); from < to && (line[from] == ' ' || line[from] == '\t'); {
		from++
	}
	before, part, after := escape.Controls(string(line[:from])), escape.Controls(string(line[from:to])), escape.Controls(string(line[to:]))
	gutter := fmt.Sprintf("    %4d | ", number)
	room := t.width - len(gutter)
	if excess := view.MeasureText(before) + min(view.MeasureText(part), room/2) - room; excess > 0 {
		before = ansi.TruncateLeft(before, excess+1, "…")
	}
	part = view.CutToWidth(part, room-view.MeasureText(before))
	after = ansi.Truncate(after, max(0, room-view.MeasureText(before)-view.MeasureText(part)), "…")
	t.addLine(t.paintLine(t.Dim, gutter), before, t.paintLine(style, part), after)
	t.addLine(t.paintLine(t.Dim, strings.Repeat(" ", len(gutter)-2)+"| "), strings.Repeat(" ", view.MeasureText(before)),
		t.paintLine(style, strings.Repeat("^", view.MeasureText(part))))
}

// printEdit shows how the fix of a finding changes its statement, line by line.
func (t *reportWriter) printEdit(f *onward.Finding) {
	s := t.index.StatementOf(f)
	if !t.verbose || s == nil || s.Start < 0 || len(f.Fix) == 0 {
		return
	}
	text := s.SQL
	for _, e := range slices.Backward(f.Fix) {
		from, to := e.Start-s.Start, e.End-s.Start
		if from < 0 || to > len(text) || from > to {
			return // it changes more than the statement
		}
		text = text[:from] + e.New + text[to:]
	}
	first := "    fix:     "
	printLines := func(mark string, style lipgloss.Style, lines []string) {
		for _, line := range lines {
			t.addLine(first, t.paintLine(style, strings.TrimRight(mark+" "+line, " ")))
			first = "             "
		}
	}
	old, now := strings.Split(escape.Controls(s.SQL), "\n"), strings.Split(escape.Controls(text), "\n")
	head := 0
	for head < min(len(old), len(now)) && old[head] == now[head] {
		head++
	}
	tail := 0
	for tail < min(len(old), len(now))-head && old[len(old)-1-tail] == now[len(now)-1-tail] {
		tail++
	}
	printLines("-", t.Error, old[head:len(old)-tail])
	printLines("+", t.OK, now[head:len(now)-tail])
}

// maxStatements is how many statements of a migration are printed without Verbose.
const maxStatements = 25

// printStatements prints the statements that other sessions can notice, each with its locks.
func (t *reportWriter) printStatements(m *onward.Migration, findings []*onward.Finding, opaque []*onward.Opaque) {
	flagged, listed := map[int]bool{}, map[int]bool{}
	for _, f := range findings {
		flagged[f.Line] = true
	}
	for _, o := range opaque {
		listed[o.Line] = true
	}
	// If a framework rendered several statements from one line, this means the ones that
	// lock something.
	locking := map[int]bool{}
	for i := range m.Statements {
		if s := &m.Statements[i]; len(s.Effects) > 0 {
			locking[s.Line] = true
		}
	}
	var felt []int
	for i := range m.Statements {
		if s := &m.Statements[i]; t.verbose || flagged[s.Line] && (len(s.Effects) > 0 || !locking[s.Line]) || s.Note != "" || isNoticeable(s) {
			felt = append(felt, i)
		}
	}
	shown, more := prose.TakeFirst(felt, t.limitList(maxStatements))
	for _, i := range shown {
		t.printStatement(m, i, listed[m.Statements[i].Line])
	}
	t.addHiddenCount("  ", more, fmt.Sprintf("%d more statements", more), t.Dim)
}

// isNoticeable reports whether a statement takes a stronger lock than a reader does on
// something that others use.
func isNoticeable(s *onward.Statement) bool {
	for _, e := range s.Effects {
		if !e.New && (e.Lock >= onward.ShareUpdateExclusiveLock || e.Work != onward.NoWork || e.Lock == onward.RowExclusiveLock && s.Duration != "instant") {
			return true
		}
	}
	return false
}

// printStatement prints one statement and its effects. If listed is set, the report lists it
// as not judged, so its note is not printed again.
func (t *reportWriter) printStatement(m *onward.Migration, index int, listed bool) {
	s := &m.Statements[index]
	head := "  " + padRight(fmt.Sprintf(":%d", s.Line), 4) + " "
	if t.verbose {
		for i, line := range strings.Split(strings.TrimSpace(escape.Controls(s.SQL)), "\n") {
			if i > 0 {
				head = "       "
			}
			t.addLine(t.paintLine(t.Dim, head), strings.TrimRight(line, " "))
		}
	} else {
		t.addLine(t.paintLine(t.Dim, head), view.CutToWidth(escape.Line(s.SQL), t.width-view.MeasureText(head)))
	}
	effects, more := prose.TakeFirst(view.ListShown(s.Effects, t.verbose), t.limitList(view.MaxEffects))
	rows := make([][]string, 0, len(effects))
	for i := range effects {
		e := &effects[i]
		name := view.NameRelation(e)
		rows = append(rows, []string{name, e.Lock.String(), view.DescribeDuration(m, index, e), "blocks " + view.NameWaiters(e)})
	}
	t.printEffects(effects, rows)
	t.addHiddenCount("       ", more, prose.CountNoun(more, "relation")+" more", t.Dim)
	t.printObserved(m, index)
	if s.Note != "" && !listed {
		t.addWrapped("       ", "       ", "not judged: "+escape.Line(s.Note), t.Warning)
	}
}

// printEffects prints rows of relation, lock, duration and whom it blocks, in
// columns; on a narrow screen the last two go below the first two.
func (t *reportWriter) printEffects(effects []onward.Effect, rows [][]string) {
	widths := make([]int, 4)
	for _, row := range rows {
		for i, cell := range row {
			widths[i] = max(widths[i], view.MeasureText(cell))
		}
	}
	const indent = "       "
	narrow := len(indent)+widths[0]+widths[1]+widths[2]+widths[3]+6 > t.width
	for i, row := range rows {
		waiters := t.paintLine(t.lockStyle(effects[i].Lock), row[3])
		if !narrow {
			left := indent + padRight(row[0], widths[0]) + "  " + padRight(row[1], widths[1]) + "  " + padRight(row[2], widths[2]) + "  "
			t.addLine(left, waiters)
			t.printSize(indent, &effects[i])
			continue
		}
		t.addLine(indent, view.CutToWidth(row[0], t.width-len(indent)-widths[1]-2), "  ", row[1])
		t.addLine(indent, "  ", row[2], ", ", waiters)
		t.printSize(indent, &effects[i])
	}
}

// printSize prints how big a relation is if the work on it is long.
func (t *reportWriter) printSize(indent string, e *onward.Effect) {
	if e.EstimateMS >= 1000 && !e.New {
		t.addLine(indent, "  ", t.paintLine(t.Dim, view.DescribeSize(e)))
	}
}
