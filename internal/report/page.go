package report

import (
	"io"
	"path"
	"strings"

	"github.com/charmbracelet/lipgloss"
	"github.com/charmbracelet/x/ansi"
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

// flush writes the page out in one piece.
func (p *page) flush(w io.Writer) error {
	_, err := io.WriteString(w, p.b.String())
	return err
}

// line adds a line, without blanks at its end.
func (p *page) line(parts ...string) {
	p.b.WriteString(Tame(strings.TrimRight(strings.Join(parts, ""), " ")))
	p.b.WriteByte('\n')
}

// rule is the name of a rule, which leads to its page where the terminal understands that.
// https://gist.github.com/egmontkob/eb114294efbcd5adb1944c9f3cb5feda
func (p *page) rule(style lipgloss.Style, name string) string {
	text := p.paint(style, Line(name))
	if !p.links {
		return text
	}
	return ansi.SetHyperlink(rulePage(name)) + text + ansi.ResetHyperlink()
}

func (p *page) blank() { p.b.WriteByte('\n') }

// wrap adds text behind a first prefix, its further lines below it. The
// prefixes are plain; the style is that of the text.
func (p *page) wrap(first, next, text string, style lipgloss.Style) {
	for i, line := range fold(text, p.width-max(columns(first), columns(next))) {
		prefix := next
		if i == 0 {
			prefix = first
		}
		p.line(prefix, p.paint(style, line))
	}
}

// split adds a line with one text at the left and one at the right edge, or
// the second below the first where they do not fit.
func (p *page) split(left, right string, leftStyle, rightStyle lipgloss.Style) {
	gap := p.width - columns(left) - columns(right)
	if gap < 2 {
		p.wrap("", "  ", p.broken(left), leftStyle)
		if right != "" {
			p.wrap("  ", "  ", right, rightStyle)
		}
		return
	}
	p.line(p.paint(leftStyle, left), strings.Repeat(" ", gap), p.paint(rightStyle, right))
}

// broken is a path that is too long for a line, broken behind a directory rather
// than in a name.
func (p *page) broken(name string) string {
	if columns(name) <= p.width-2 {
		return name
	}
	at := 0
	for i := range len(name) {
		if name[i] == '/' && columns(name[:i+1]) <= p.width-2 {
			at = i + 1
		}
	}
	if at == 0 {
		return name
	}
	return name[:at] + "\n" + name[at:]
}

// path is a path as it can be clicked from the working directory.
func (p *page) path(name string) string {
	return Line(relative(p.dir, name))
}

// relative is a path of the repository as seen from a directory of it.
func relative(dir, name string) string {
	if dir == "" || dir == "." || name == "" || path.IsAbs(name) {
		return name
	}
	from, to := strings.Split(dir, "/"), strings.Split(name, "/")
	same := 0
	for same < len(from) && same < len(to)-1 && from[same] == to[same] {
		same++
	}
	return strings.Repeat("../", len(from)-same) + strings.Join(to[same:], "/")
}

// paint styles one line. Without colour it costs nothing: reports can be long.
func (p *Palette) paint(style lipgloss.Style, text string) string {
	if text == "" || !p.color {
		return text
	}
	return style.Inline(true).Render(text)
}

// columns is the width of a text on the screen.
func columns(text string) int {
	for i := 0; i < len(text); i++ {
		if c := text[i]; c < ' ' || c >= 0x7f {
			return ansi.StringWidth(text)
		}
	}
	return len(text)
}

// hyphen stands for a hyphen while text is broken: the library breaks behind
// each, and so in paths, flags and names.
const hyphen = "\ue02d"

// fold breaks text into lines of at most width columns, at blanks where there
// are some. It gives one line at least.
func fold(text string, width int) []string {
	if columns(text) <= width && !strings.Contains(text, "\n") {
		return []string{text}
	}
	text = ansi.Wrap(strings.ReplaceAll(text, "-", hyphen), max(width, 20), " ")
	return strings.Split(strings.ReplaceAll(text, hyphen, "-"), "\n")
}

// shorten cuts text to width columns and marks the cut.
func shorten(text string, width int) string {
	if columns(text) <= max(width, 8) {
		return text
	}
	return ansi.Truncate(text, max(width, 8), "…")
}

// pad fills text up to width columns.
func pad(text string, width int) string {
	return text + strings.Repeat(" ", max(0, width-columns(text)))
}
