package terminal

import (
	"testing"
	"unicode"

	"github.com/onward-sql/onward/internal/report/block"
)

// Text in blocks is raw: the renderer alone keeps it from acting on the terminal.
func TestBlocksAreEscaped(t *testing.T) {
	t.Parallel()
	const raw = "a\x1b[2J\u202e\x85\n::error::b"
	for name, text := range map[string]block.Text{
		"words": block.Say(raw), "code": block.Text{}.Code(raw), "cut code": block.Text{}.Cut(raw, 40), "path": block.Text{}.Path(raw),
	} {
		p := newPage(Options{})
		p.printBlocks([]block.Block{
			block.Heading{Text: text, After: text}, block.Paragraph{Text: text}, block.Paragraph{Text: text, Attached: true},
			block.List{Depth: 1, Width: 4, Items: []block.Item{
				{Label: raw, Text: text, Below: []block.Line{{Text: text}, {Text: text, Cut: true}}}, {Text: text, Rest: true},
			}},
		})
		lines := 0
		for _, c := range p.b.String() {
			if c == '\n' {
				lines++
			} else if !unicode.IsPrint(c) {
				t.Errorf("%s: %q is printed raw in\n%s", name, c, p.b.String())
			}
		}
		if lines != 9 {
			t.Errorf("%s: %d lines, not 9:\n%s", name, lines, p.b.String())
		}
	}
}
