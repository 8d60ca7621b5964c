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

// escapeCell escapes inline Markdown for a table: a pipe ends a cell even within a code span,
// unless a backslash precedes it.
func escapeCell(s string) string {
	var b strings.Builder
	escaped := false
	for _, r := range s {
		if r == '|' && !escaped {
			b.WriteByte('\\')
		}
		escaped = r == '\\' && !escaped
		b.WriteRune(r)
	}
	return b.String()
}

// makeInert keeps GitHub and GitLab from turning text into mentions, and into links to issues, commits or pages.
// Only a zero-width space works everywhere.
func makeInert(s string) string {
	return commitID.ReplaceAllStringFunc(inert.Replace(s), func(id string) string {
		if len(id) < 40 && !strings.ContainsAny(id, "abcdefABCDEF") {
			return id // a number, such as a migration's
		}
		return id[:4] + "\u200b" + id[4:]
	})
}

// commitID matches what may be the ID of a commit, or its beginning.
var commitID = lazyregexp.New(`(?i)\b[0-9a-f]{7,64}\b`)

var inert = strings.NewReplacer("@", "@\u200b", "://", ":\u200b//", "www.", "www\u200b.", "GH-", "GH\u200b-", "gh-", "gh\u200b-", "#", "#\u200b")

var entities = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;")

// escapeHTML is text for an HTML element.
func escapeHTML(s string) string { return entities.Replace(makeInert(s)) }

// escapeProse escapes text for a paragraph or a cell: nothing in it is Markdown.
func escapeProse(s string) string {
	var b strings.Builder
	runes := []rune(s)
	for i, r := range runes {
		switch r {
		case '\\', '`', '*', '[', '<', '|', '~', '$', '&':
			b.WriteByte('\\')
		case '_':
			// Within a word it is no emphasis, and names contain many.
			if i == 0 || i == len(runes)-1 || !isWordRune(runes[i-1]) || !isWordRune(runes[i+1]) {
				b.WriteByte('\\')
			}
		}
		b.WriteRune(r)
	}
	return makeInert(b.String())
}

func isWordRune(r rune) bool {
	return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9'
}

// codeSpan returns a code span on one line; its fence is longer than any run of backticks in
// it.
func codeSpan(s string) string {
	s = escape.Line(s)
	if s == "" {
		return ""
	}
	fence := strings.Repeat("`", longestRun(s, '`')+1)
	if strings.HasPrefix(s, "`") || strings.HasSuffix(s, "`") {
		s = " " + s + " "
	}
	return fence + s + fence
}

// fenceSQL is a block of SQL.
func fenceSQL(s string) string {
	fence := strings.Repeat("`", max(3, longestRun(s, '`')+1))
	return fence + "sql\n" + strings.TrimRight(s, "\n") + "\n" + fence
}

// longestRun is the length of the longest run of a byte.
func longestRun(s string, c byte) int {
	longest, run := 0, 0
	for i := 0; i < len(s); i++ {
		if s[i] != c {
			run = 0
			continue
		}
		run++
		longest = max(longest, run)
	}
	return longest
}
