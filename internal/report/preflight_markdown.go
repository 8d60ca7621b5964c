package report

import (
	"fmt"
	"io"
	"strings"

	"github.com/onward-sql/onward/onward"
)

// preflightMarkdown prints a preflight as a comment: the verdict, the findings folded away,
// what was not seen.
func preflightMarkdown(w io.Writer, r *onward.Preflight) error {
	var b strings.Builder
	left, right := about(r)
	fmt.Fprintf(&b, "%s\n**onward preflight**: %s\n", MarkdownMarker, prose(Line(r.Summary.Verdict)))
	for i := range r.Findings {
		f := &r.Findings[i]
		words, sql, _ := strings.Cut(strings.TrimSpace(Visible(f.Instead)), "\n")
		text := fmt.Sprintf("<details>\n<summary>%s: %s (%s)</summary>\n\n%s\n\nInstead: %s\n", f.Severity, inHTML(Line(f.Fact)), inHTML(Line(f.Rule)), prose(Line(f.Harm)), prose(Line(words)))
		if sql != "" {
			text += "\n" + fenced(cut(sql, maxSnippet)) + "\n"
		}
		if b.Len()+len(text) > maxComment {
			fmt.Fprintf(&b, "\n%s not shown: the comment would be too long. Run onward preflight to see them.\n", Count(len(r.Findings)-i, "more finding"))
			break
		}
		b.WriteString("\n" + text + "\n</details>\n")
	}
	for i, o := range r.Opaque {
		if i == 0 {
			b.WriteString("\nNot seen:\n\n")
		}
		if i == maxUnjudged {
			fmt.Fprintf(&b, "- and %d more\n", len(r.Opaque)-i)
			break
		}
		fmt.Fprintf(&b, "- %s: %s: %s\n", code(o.Rule), prose(cut(Line(o.What), maxCell)), prose(cut(Line(o.Why), maxCell)))
	}
	fmt.Fprintf(&b, "\n%s · %s · %s\n", preflightCounts(r), prose(left), prose(right))
	_, err := io.WriteString(w, Tame(b.String()))
	return err
}
