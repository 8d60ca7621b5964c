package report

import (
	"fmt"
	"strings"

	"github.com/onward-sql/onward/internal/prose"
	"github.com/onward-sql/onward/internal/size"
	"github.com/onward-sql/onward/onward"
)

// StatementMarkdown says what a statement of a migration locks, who waits, and for how long,
// in the report's words, for an editor. at is the statement's index.
func StatementMarkdown(m *onward.Migration, at int) string {
	s := &m.Statements[at]
	var b strings.Builder
	if s.Note != "" {
		b.WriteString(escapeProse(EscapeLine(s.Note)) + ".\n")
		return b.String()
	}
	sentences := append([]string{describeEffects(s.Effects, s.Duration)}, workSizes(s.Effects)...)
	b.WriteString(escapeProse(strings.Join(sentences, " ")) + "\n")
	effects, more := prose.TakeFirst(shownEffects(s.Effects, false), maxRows)
	if len(effects) == 0 {
		return b.String()
	}
	b.WriteString("\n| relation | lock | for how long | blocks |\n| --- | --- | --- | --- |\n")
	for i := range effects {
		e := &effects[i]
		name := lockedRelation(e)
		fmt.Fprintf(&b, "| %s | %s | %s | %s |\n", escapeProse(name), e.Lock, escapeProse(effectDuration(m, at, e)), escapeProse(blockedBy(e)))
	}
	if more > 0 {
		fmt.Fprintf(&b, "| %d more | | | |\n", more)
	}
	return b.String()
}

// SchemaMarkdown describes a relation for an editor: its name, its kind, its parts one per
// line, and its size if sized is set; rows may be -1.
func SchemaMarkdown(name, kind string, parts []string, rows, bytes int64, sized bool) string {
	var b strings.Builder
	fmt.Fprintf(&b, "**%s**, %s", escapeProse(shortRelation(name)), escapeProse(EscapeLine(kind)))
	if sized {
		if rows >= 0 {
			fmt.Fprintf(&b, ", %s rows", size.FormatCount(rows))
		}
		fmt.Fprintf(&b, ", %s", size.FormatBytes(bytes))
	}
	b.WriteString("\n\n")
	list, more := prose.TakeFirst(parts, maxRows)
	for _, p := range list {
		b.WriteString("- " + escapeProse(cutText(EscapeLine(p), maxCell)) + "\n")
	}
	writeMore(&b, more)
	return b.String()
}
