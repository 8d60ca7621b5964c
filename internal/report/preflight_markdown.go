package report

import (
	"fmt"
	"io"
	"strings"

	"github.com/onward-sql/onward/internal/prose"
	"github.com/onward-sql/onward/onward"
)

// preflightMarkdown prints a preflight as a comment: the verdict, the findings folded away,
// and the checks that could not be made.
func preflightMarkdown(w io.Writer, r *onward.Preflight) error {
	var b strings.Builder
	left, right := describeTarget(r)
	fmt.Fprintf(&b, "%s\n**onward preflight**: %s\n", MarkdownMarker, escapeProse(EscapeLine(r.Summary.Verdict)))
	for i := range r.Findings {
		f := &r.Findings[i]
		words, sql := splitInstead(f.Instead)
		text := fmt.Sprintf("<details>\n<summary>%s: %s (%s)</summary>\n\n%s\n\nInstead: %s\n", f.Severity, inHTML(EscapeLine(f.Fact)), inHTML(EscapeLine(f.Rule)),
			escapeProse(EscapeLine(f.Harm)), escapeProse(EscapeLine(words)))
		if sql != "" {
			text += "\n" + fenceSQL(cutText(sql, maxSnippet)) + "\n"
		}
		if b.Len()+len(text) > maxComment {
			fmt.Fprintf(&b, "\n%s not shown: the comment would be too long. Run onward preflight to see them.\n", prose.CountNoun(len(r.Findings)-i, "more finding"))
			break
		}
		b.WriteString("\n" + text + "\n</details>\n")
	}
	unseen, more := prose.TakeFirst(r.Opaque, maxUnjudged)
	for i, o := range unseen {
		if i == 0 {
			b.WriteString("\nNot seen:\n\n")
		}
		fmt.Fprintf(&b, "- %s: %s: %s\n", codeSpan(o.Rule), escapeProse(cutText(EscapeLine(o.What), maxCell)), escapeProse(cutText(EscapeLine(o.Why), maxCell)))
	}
	writeMore(&b, more)
	fmt.Fprintf(&b, "\n%s · %s · %s\n", preflightCounts(r), escapeProse(left), escapeProse(right))
	_, err := io.WriteString(w, EscapeCommands(b.String()))
	return err
}
