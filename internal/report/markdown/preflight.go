package markdown

import (
	"fmt"
	"io"
	"strings"

	"github.com/onward-sql/onward/internal/prose"
	"github.com/onward-sql/onward/internal/report/escape"
	"github.com/onward-sql/onward/internal/report/view"
	"github.com/onward-sql/onward/onward"
)

// WritePreflight prints a preflight as a comment: the verdict, the findings folded away,
// and the checks that could not be made.
func WritePreflight(w io.Writer, r *onward.Preflight) error {
	var b strings.Builder
	left, right := view.DescribeTarget(r)
	fmt.Fprintf(&b, "%s\n**onward preflight**: %s\n", Marker, escapeProse(escape.Line(r.Summary.Verdict)))
	for i := range r.Findings {
		f := &r.Findings[i]
		words, sql := view.SplitInstead(f.Instead)
		text := fmt.Sprintf("<details>\n<summary>%s: %s (%s)</summary>\n\n%s\n\nInstead: %s\n", f.Severity, escapeHTML(escape.Line(f.Fact)),
			escapeHTML(escape.Line(f.Rule)),
			escapeProse(escape.Line(f.Harm)), escapeProse(escape.Line(words)))
		if sql != "" {
			text += "\n" + fenceSQL(view.CutText(sql, maxSnippet)) + "\n"
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
		fmt.Fprintf(&b, "- %s: %s: %s\n", codeSpan(o.Rule), escapeProse(view.CutText(escape.Line(o.What), maxCell)),
			escapeProse(view.CutText(escape.Line(o.Why), maxCell)))
	}
	if more > 0 {
		fmt.Fprintf(&b, "- and %d more\n", more)
	}
	fmt.Fprintf(&b, "\n%s · %s · %s\n", view.CountChecks(r), escapeProse(left), escapeProse(right))
	_, err := io.WriteString(w, escape.Commands(b.String()))
	return err
}
