package terminal

import (
	"io"
	"path"
	"strings"

	"github.com/charmbracelet/lipgloss"
	"github.com/charmbracelet/x/ansi"
	"github.com/muesli/termenv"
	"github.com/onward-sql/onward/internal/report/block"
	"github.com/onward-sql/onward/internal/report/escape"
	"github.com/onward-sql/onward/internal/report/view"
	"github.com/onward-sql/onward/onward"
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

// Options say how a report is printed. The zero value is plain text, 100
// columns wide.
type Options struct {
	// Color allows escape sequences. Colour never has a meaning that no word has.
	Color bool
	// Links makes the names of rules links to their pages, in a terminal that supports them.
	Links bool
	// Width is in columns; 0 means 100. It is limited to 60 to 100: longer lines are hard to read.
	Width int
	// Verbose prints every statement and every effect, and SQL in full.
	Verbose bool
	// Brief lists only the migrations with findings: the report has no changes and statements.
	Brief bool
	// Proof prints a verified release in short: what breaks, and the findings.
	Proof bool
	// Quiet prints the findings and the verdict only.
	Quiet bool
	// Dir is the directory that the terminal's paths are relative to, so that they can be clicked. It is relative to
	// the repository's root, with forward slashes; "" is the root.
	Dir string
}

// Palette has the few styles of the terminal. They use the sixteen colours that users can
// configure in every terminal.
type Palette struct {
	Error, Warning, Info, OK, Bold, Dim lipgloss.Style

	none  lipgloss.Style
	color bool
}

// NewPalette returns the styles; without colour they change nothing.
func NewPalette(color bool) Palette {
	// A renderer of our own, because lipgloss' default one asks the terminal for its
	// background: that costs time, and the answer may stay in the input.
	r := lipgloss.NewRenderer(io.Discard)
	r.SetColorProfile(termenv.Ascii)
	if !color {
		none := r.NewStyle()
		return Palette{none, none, none, none, none, none, none, false}
	}
	r.SetColorProfile(termenv.ANSI)
	style := func(c string) lipgloss.Style { return r.NewStyle().Foreground(lipgloss.Color(c)) }
	return Palette{
		Error:   style("1").Bold(true),
		Warning: style("3").Bold(true),
		Info:    style("4").Bold(true),
		OK:      style("2").Bold(true),
		Bold:    r.NewStyle().Bold(true),
		Dim:     r.NewStyle().Faint(true),
		none:    r.NewStyle(),
		color:   true,
	}
}

// Severity is the style of a severity.
func (p *Palette) Severity(s onward.Severity) lipgloss.Style {
	switch s {
	case onward.Error:
		return p.Error
	case onward.Warning:
		return p.Warning
	}
	return p.Info
}

// ordinaryStyle is the style of ordinary text.
func (p *Palette) ordinaryStyle() lipgloss.Style { return p.none }

// lockStyle returns the colour of a lock, which depends on whom it blocks.
func (p *Palette) lockStyle(l onward.Lock) lipgloss.Style {
	switch {
	case l.BlocksReads():
		return p.Error
	case l.BlocksWrites():
		return p.Warning
	}
	return p.Dim
}

// printBlocks prints the parts of a document.
func (p *page) printBlocks(blocks []block.Block) {
	for _, b := range blocks {
		switch b := b.(type) {
		case block.Heading:
			p.addBlankLine()
			text := p.plainText(b.Text)
			p.addLine(p.paintLine(p.Bold, text), "  ", view.CutToWidth(p.plainText(b.After), p.width-view.MeasureText(text)-2))
		case block.Paragraph:
			indent := "  "
			if !b.Attached {
				p.addBlankLine()
				indent = ""
			}
			p.addWrapped(indent, "  ", p.plainText(b.Text), p.toneStyle(b.Tone))
		case block.List:
			for i := range b.Items {
				p.printItem(&b, &b.Items[i])
			}
		}
	}
}

// printItem prints an item of a list. Its further lines, and those below it, are indented by the width of the labels.
func (p *page) printItem(l *block.List, item *block.Item) {
	first, text := strings.Repeat("  ", l.Depth), p.plainText(item.Text)
	if item.Rest {
		p.addLine(first, p.paintLine(p.Dim, "and "+text+" (-v shows them)"))
		return
	}
	next := first + "  "
	if l.Width > 0 {
		next += strings.Repeat(" ", l.Width)
		first += p.paintLine(p.toneStyle(item.Mark), padRight(escape.Line(item.Label), l.Width)) + "  "
	}
	p.addWrapped(first, next, text, p.toneStyle(item.Tone))
	for i := range item.Below {
		line := &item.Below[i]
		text, style := p.plainText(line.Text), p.toneStyle(line.Tone)
		if line.Cut {
			p.addLine(next, p.paintLine(style, view.CutToWidth(text, p.width-len(next))))
			continue
		}
		p.addWrapped(next, next, text, style)
	}
}

// plainText returns a line in which nothing acts on the terminal.
func (p *page) plainText(t block.Text) string {
	var b strings.Builder
	for i := range t {
		switch s := &t[i]; s.Kind {
		case block.Path:
			b.WriteString(p.displayPath(s.Text))
		case block.Gap:
			b.WriteString("  ")
		case block.Code:
			text := escape.Line(s.Text)
			if s.Width > 0 {
				text = view.CutToWidth(text, s.Width)
			}
			b.WriteString(text)
		default:
			b.WriteString(escape.Words(s.Text))
		}
	}
	return b.String()
}

// toneStyle returns the style of a tone.
func (p *Palette) toneStyle(t block.Tone) lipgloss.Style {
	return [...]lipgloss.Style{
		block.Ordinary: p.none, block.Strong: p.Bold, block.Faint: p.Dim, block.Good: p.OK, block.Info: p.Info, block.Warning: p.Warning, block.Error: p.Error,
	}[t]
}
