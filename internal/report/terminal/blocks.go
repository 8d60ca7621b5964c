package terminal

import (
	"strings"

	"github.com/charmbracelet/lipgloss"

	"github.com/onward-sql/onward/internal/report/block"
	"github.com/onward-sql/onward/internal/report/escape"
	"github.com/onward-sql/onward/internal/report/view"
)

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
