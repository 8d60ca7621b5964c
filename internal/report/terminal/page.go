package terminal

import (
	"io"
	"path"
	"strings"

	"github.com/charmbracelet/lipgloss"
	"github.com/charmbracelet/x/ansi"

	"github.com/onward-sql/onward/internal/report/escape"
	"github.com/onward-sql/onward/internal/report/view"
)

const (
	maxWidth = 100
	minWidth = 60
)

// page collects lines of at most width columns.
type page struct {
	Palette
	b     strings.Builder
	width int
	dir   string
	links bool
}

func newPage(o Options) *page {
	width := o.Width
	if width == 0 {
		width = maxWidth
	}
	return &page{Palette: NewPalette(o.Color), width: min(max(width, minWidth), maxWidth), dir: o.Dir, links: o.Links}
}

// writePage writes the page out in one piece.
func (p *page) writePage(w io.Writer) error {
	_, err := io.WriteString(w, p.b.String())
	return err
}

// addLine adds a line, without blanks at its end.
func (p *page) addLine(parts ...string) {
	p.b.WriteString(escape.Commands(strings.TrimRight(strings.Join(parts, ""), " ")))
	p.b.WriteByte('\n')
}

// linkRule prints the name of a rule as a link to its page, if the terminal supports links.
// https://gist.github.com/egmontkob/eb114294efbcd5adb1944c9f3cb5feda
func (p *page) linkRule(style lipgloss.Style, name string) string {
	text := p.paintLine(style, escape.Line(name))
	if !p.links {
		return text
	}
	return ansi.SetHyperlink(view.RulePage(name)) + text + ansi.ResetHyperlink()
}

func (p *page) addBlankLine() { p.b.WriteByte('\n') }

// addHeading begins a section.
func (p *page) addHeading(text string) {
	p.addBlankLine()
	p.addLine(p.paintLine(p.Bold, text))
}

// addWrapped adds a text after a first prefix, with further lines below it. The prefixes are not
// styled.
func (p *page) addWrapped(first, next, text string, style lipgloss.Style) {
	for i, line := range foldText(text, p.width-max(view.MeasureText(first), view.MeasureText(next))) {
		prefix := next
		if i == 0 {
			prefix = first
		}
		p.addLine(prefix, p.paintLine(style, line))
	}
}

// addTwoSided adds a line with one text at the left and one at the right edge, or the second
// below the first if they do not fit.
func (p *page) addTwoSided(left, right string, leftStyle, rightStyle lipgloss.Style) {
	gap := p.width - view.MeasureText(left) - view.MeasureText(right)
	if gap < 2 {
		p.addWrapped("", "  ", left, leftStyle)
		if right != "" {
			p.addWrapped("  ", "  ", right, rightStyle)
		}
		return
	}
	p.addLine(p.paintLine(leftStyle, left), strings.Repeat(" ", gap), p.paintLine(rightStyle, right))
}

// breakPath breaks a path that is too long for a line, after a directory and not within a name: the place at its end stays whole.
func breakPath(name string, width int) string {
	var lines []string
	for view.MeasureText(name) > width {
		breakIndex := 0
		for i := range len(name) {
			if name[i] == '/' && view.MeasureText(name[:i+1]) <= width {
				breakIndex = i + 1
			}
		}
		if breakIndex == 0 {
			break
		}
		lines = append(lines, name[:breakIndex])
		name = name[breakIndex:]
	}
	return strings.Join(append(lines, name), "\n")
}

// displayPath returns a path that can be clicked from the working directory.
func (p *page) displayPath(name string) string {
	return escape.Line(relativePath(p.dir, name))
}

// relativePath returns a path of the repository relative to one of its directories.
func relativePath(dir, name string) string {
	if dir == "" || dir == "." || name == "" || path.IsAbs(name) {
		return name
	}
	from, to := strings.Split(dir, "/"), strings.Split(name, "/")
	common := 0
	for common < len(from) && common < len(to)-1 && from[common] == to[common] {
		common++
	}
	return strings.Repeat("../", len(from)-common) + strings.Join(to[common:], "/")
}

// paintLine styles one line. Without colour it costs nothing: reports can be long.
func (p *Palette) paintLine(style lipgloss.Style, text string) string {
	if text == "" || !p.color {
		return text
	}
	return style.Inline(true).Render(text)
}

// hyphen replaces a hyphen while text is broken: the library breaks after each, and so
// within paths, flags and names.
const hyphen = "\ue02d"

// foldText breaks text into lines of at most width columns, at blanks if possible, and long paths after directories. It returns
// at least one line.
func foldText(text string, width int) []string {
	if view.MeasureText(text) <= width && !strings.Contains(text, "\n") {
		return []string{text}
	}
	width = max(width, 20)
	words := strings.Split(text, " ")
	for i, w := range words {
		if !strings.Contains(w, "\n") {
			words[i] = breakPath(w, width)
		}
	}
	text = ansi.Wrap(strings.ReplaceAll(strings.Join(words, " "), "-", hyphen), width, " ")
	return strings.Split(strings.ReplaceAll(text, hyphen, "-"), "\n")
}

// padRight fills text up to width columns.
func padRight(text string, width int) string {
	return text + strings.Repeat(" ", max(0, width-view.MeasureText(text)))
}
