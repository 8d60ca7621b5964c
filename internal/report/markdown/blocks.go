package markdown

import (
	"fmt"
	"strings"

	"github.com/onward-sql/onward/internal/lazyregexp"
	"github.com/onward-sql/onward/internal/report/block"
	"github.com/onward-sql/onward/internal/report/escape"
	"github.com/onward-sql/onward/internal/report/view"
)

// maxList bounds a list of a comment, in bytes.
const maxList = 14_000

// writeBlocks writes the parts of a document, each after a blank line.
func writeBlocks(b *strings.Builder, blocks []block.Block) {
	for _, part := range blocks {
		switch part := part.(type) {
		case block.Heading:
			text := formatText(part.Text)
			if len(part.After) > 0 {
				text += " " + formatText(part.After)
			}
			b.WriteString("\n" + view.CapitalizeFirst(text) + ":\n")
		case block.Paragraph:
			b.WriteString("\n" + escapeLineStart(formatText(part.Text)) + "\n")
		case block.List:
			writeList(b, part.Items)
		}
	}
}

// writeList writes a list. The lines below an item are on the item's own.
func writeList(b *strings.Builder, items []block.Item) {
	begin := b.Len()
	for i := range items {
		item := &items[i]
		if size := b.Len(); size-begin > maxList || size > maxComment {
			fmt.Fprintf(b, "- and %d more\n", len(items)-i)
			return
		}
		if i == 0 {
			b.WriteByte('\n')
		}
		text := escapeLineStart(formatText(item.Text))
		switch {
		case item.Rest:
			text = "and " + text
		case item.Label != "":
			text = "**" + escapeProse(escape.Line(item.Label)) + "** " + text
		}
		for j := range item.Below {
			text += " · " + formatText(item.Below[j].Text)
		}
		b.WriteString("- " + text + "\n")
	}
}

// formatText returns a line in which nothing of its text is Markdown.
func formatText(t block.Text) string {
	var b strings.Builder
	for i := range t {
		switch s := &t[i]; {
		case s.Kind == block.Plain:
			b.WriteString(escapeProse(view.CutText(escape.Words(s.Text), 2*maxCell)))
		case s.Kind == block.Gap:
			b.WriteByte(' ')
		case s.Width > 0:
			b.WriteString(codeSpan(view.CutText(view.CutToWidth(escape.Line(s.Text), s.Width), maxCell)))
		default:
			b.WriteString(codeSpan(view.CutText(escape.Line(s.Text), maxCell)))
		}
	}
	return b.String()
}

// blockStart matches what makes the beginning of a line a list, a quotation or a heading.
var blockStart = lazyregexp.New(`^(?:(\d+)([.)](?: |$))|([-+=>]))`)

// escapeLineStart escapes what would begin a list, a quotation or a heading at the beginning of a line.
func escapeLineStart(text string) string { return blockStart.ReplaceAllString(text, `${1}\${2}${3}`) }
