package report

import (
	"fmt"
	"slices"
	"strings"

	"github.com/charmbracelet/lipgloss"
	"github.com/charmbracelet/x/ansi"

	"github.com/onward-sql/onward/onward"
)

// maxFrame is how many lines of a statement a frame shows without Verbose.
const maxFrame = 4

// frame shows the words that a finding is about in their lines, with marks below. Where they are
// all that a short ALTER TABLE does, the line of the statement says it already.
func (t *terminal) frame(f *onward.Finding) {
	s := t.index.statement(f)
	if s == nil || len(f.Words) == 0 || !t.verbose && !amid(f, s) {
		return
	}
	lines := strings.Split(s.SQL, "\n")
	shown := 0
	for _, words := range f.Words {
		for n := words.Line; n <= words.EndLine; n++ {
			at := n - s.Line
			if at < 0 || at >= len(lines) {
				return // the text is not the file's
			}
			if shown++; shown > maxFrame && !t.verbose {
				t.line(t.paint(t.Dim, "         …"))
				return
			}
			from, to := marked(&words, n)
			if at == 0 { // the statement's own text begins behind others of the line
				from, to = from-s.Column+1, to-s.Column+1
			}
			t.framed(n, []rune(strings.TrimRight(lines[at], "\r")), from, to, t.Severity(f.Severity))
		}
	}
}

// amid reports whether the words stand among others of the statement that change something, or
// below its first line.
func amid(f *onward.Finding, s *onward.Statement) bool {
	first, last := f.Words[0], f.Words[len(f.Words)-1]
	if len(f.Words) > 1 || first.Line != f.Line || last.EndLine != f.EndLine || last.EndColumn != f.EndColumn {
		return true
	}
	before := []rune(s.SQL)
	return strings.Contains(string(before[:min(len(before), max(0, first.Column-s.Column))]), ",")
}

// marked is the part of a line that belongs to an extent, in characters from 0; the end is large
// where it goes on to the next line.
func marked(words *onward.Extent, line int) (from, to int) {
	to = 1 << 30
	if line == words.Line {
		from = words.Column - 1
	}
	if line == words.EndLine {
		to = words.EndColumn - 1
	}
	return from, to
}

// framed prints one line with marks below a part of it. What is too long is cut at the right,
// and at the left where the part would not be seen else.
func (t *terminal) framed(number int, line []rune, from, to int, style lipgloss.Style) {
	to = max(0, min(to, len(line)))
	for to > 0 && line[to-1] == ' ' {
		to--
	}
	for from = max(0, min(from, to)); from < to && (line[from] == ' ' || line[from] == '\t'); {
		from++
	}
	before, part, after := Visible(string(line[:from])), Visible(string(line[from:to])), Visible(string(line[to:]))
	gutter := fmt.Sprintf("    %4d | ", number)
	room := t.width - len(gutter)
	if over := columns(before) + min(columns(part), room/2) - room; over > 0 {
		before = ansi.TruncateLeft(before, over+1, "…")
	}
	part = shorten(part, room-columns(before))
	after = ansi.Truncate(after, max(0, room-columns(before)-columns(part)), "…")
	t.line(t.paint(t.Dim, gutter), before, t.paint(style, part), after)
	t.line(t.paint(t.Dim, strings.Repeat(" ", len(gutter)-2)+"| "), strings.Repeat(" ", columns(before)), t.paint(style, strings.Repeat("^", columns(part))))
}

// edited shows what the fix of a finding makes of its statement, line by line.
func (t *terminal) edited(f *onward.Finding) {
	s := t.index.statement(f)
	if !t.verbose || s == nil || s.Start < 0 || len(f.Fix) == 0 {
		return
	}
	text := s.SQL
	for _, e := range slices.Backward(f.Fix) {
		from, to := e.Start-s.Start, e.End-s.Start
		if from < 0 || to > len(text) || from > to {
			return // it is about more than the statement
		}
		text = text[:from] + e.New + text[to:]
	}
	first := "    fix:     "
	put := func(mark string, style lipgloss.Style, lines []string) {
		for _, line := range lines {
			t.line(first, t.paint(style, strings.TrimRight(mark+" "+line, " ")))
			first = "             "
		}
	}
	old, now := strings.Split(Visible(s.SQL), "\n"), strings.Split(Visible(text), "\n")
	head := 0
	for head < min(len(old), len(now)) && old[head] == now[head] {
		head++
	}
	tail := 0
	for tail < min(len(old), len(now))-head && old[len(old)-1-tail] == now[len(now)-1-tail] {
		tail++
	}
	put("-", t.Error, old[head:len(old)-tail])
	put("+", t.OK, now[head:len(now)-tail])
}
