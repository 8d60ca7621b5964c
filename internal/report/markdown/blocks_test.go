package markdown

import (
	"strings"
	"testing"

	"github.com/onward-sql/onward/internal/report/block"
)

// Text in blocks is raw: the renderer alone keeps it from being Markdown.
func TestBlocksAreEscaped(t *testing.T) {
	t.Parallel()
	for raw, want := range map[string]string{
		"a *b* <i>":   `- a \*b\* \<i>`,
		"- a":         `- \- a`,
		"12. a":       `- 12\. a`,
		"> a":         `- \> a`,
		"a\n\n# b":    "- a #\u200b b",
		"a\x1b[2J":    `- a\\x1b\[2J`,
		"@all #1":     "- @\u200ball #\u200b1",
		"</details>":  `- \</details>`,
		"00043.sql:4": "- 00043.sql:4",
	} {
		var b strings.Builder
		writeBlocks(&b, []block.Block{block.List{Items: []block.Item{{Text: block.Say(raw)}}}})
		if got := strings.TrimSpace(b.String()); got != want {
			t.Errorf("%q is the item %q, not %q", raw, got, want)
		}
	}
	// Two spans of words are seen as one, so that a stranger's two names are no mention together.
	if got := formatText(block.Say("GH").Say("-1").Code("a`b").Gap().Path("c|d")); got != "GH\u200b-1``a`b`` `c|d`" {
		t.Errorf("got %q", got)
	}
}

// A list is bounded, whatever a report has.
func TestListsAreBounded(t *testing.T) {
	t.Parallel()
	var b strings.Builder
	writeList(&b, make([]block.Item, 100_000))
	if n := b.Len(); n > maxList+100 || !strings.HasSuffix(b.String(), " more\n") {
		t.Errorf("%d bytes, which end with %q", n, b.String()[max(0, n-40):])
	}
}
