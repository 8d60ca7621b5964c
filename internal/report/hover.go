package report

import (
	"fmt"
	"strings"

	"github.com/onward-sql/onward/onward"
)

// StatementMarkdown is what a statement of a migration locks, who waits, and for how long: in
// the words of the report, for an editor. at is its index.
func StatementMarkdown(m *onward.Migration, at int) string {
	s := &m.Statements[at]
	var b strings.Builder
	if s.Note != "" {
		b.WriteString(prose(Line(s.Note)) + ".\n")
		return b.String()
	}
	sentences := append([]string{consequence(s.Effects, s.Duration)}, sizes(s.Effects)...)
	b.WriteString(prose(strings.Join(sentences, " ")) + "\n")
	effects := shownEffects(s.Effects, false)
	if len(effects) == 0 {
		return b.String()
	}
	b.WriteString("\n| relation | lock | for how long | blocks |\n| --- | --- | --- | --- |\n")
	for i := range effects {
		e := &effects[i]
		if i == maxRows {
			fmt.Fprintf(&b, "| %d more | | | |\n", len(effects)-i)
			break
		}
		name := locked(e)
		fmt.Fprintf(&b, "| %s | %s | %s | %s |\n", prose(name), e.Lock, prose(duration(m, at, e)), prose(kept(e)))
	}
	return b.String()
}

// SchemaMarkdown is a relation of a schema for an editor: its name, what it is, its parts one
// a line, and its size where that is known; rows may be -1.
func SchemaMarkdown(name, kind string, parts []string, rows, bytes int64, sized bool) string {
	var b strings.Builder
	fmt.Fprintf(&b, "**%s**, %s", prose(relation(name)), prose(Line(kind)))
	if sized {
		if rows >= 0 {
			fmt.Fprintf(&b, ", %s rows", Number(rows))
		}
		fmt.Fprintf(&b, ", %s", Bytes(bytes))
	}
	b.WriteString("\n\n")
	for i, p := range parts {
		if i == maxRows {
			fmt.Fprintf(&b, "- and %d more\n", len(parts)-i)
			break
		}
		b.WriteString("- " + prose(cut(Line(p), maxCell)) + "\n")
	}
	return b.String()
}
