package markdown

import (
	"fmt"
	"strings"

	"github.com/onward-sql/onward/internal/prose"
	"github.com/onward-sql/onward/internal/report/escape"
	"github.com/onward-sql/onward/internal/report/view"
	"github.com/onward-sql/onward/onward"
)

// Bounds of the comment's section on recorded queries.
const (
	maxMatrixRows   = 40
	maxVerdictItems = 20
)

// writeVerification prints the section on recorded queries: the matrix, what breaks, and
// the phase of each migration.
func writeVerification(b *strings.Builder, r *onward.Report) {
	v := r.Verification
	if v == nil {
		return
	}
	fmt.Fprintf(b, "\nQueries at each commit point (%s):\n\n| commit point |", escapeProse(strings.Join(view.CountVerified(r), "; ")))
	versions := view.ListVersions(v)
	for _, version := range versions {
		fmt.Fprintf(b, " %s |", escapeCell(escapeProse(view.NameCode(version.Code))))
	}
	fmt.Fprintf(b, "\n|%s\n", strings.Repeat(" --- |", len(versions)+1))
	for _, row := range view.BuildMatrix(r, false, maxMatrixRows) {
		if row.Hidden > 0 {
			fmt.Fprintf(b, "| %s more |%s\n", prose.CountNoun(row.Hidden, "commit point"), strings.Repeat(" |", len(versions)))
			continue
		}
		name := codeSpan(row.Name)
		if row.Window {
			name += " (deploy window)"
		}
		fmt.Fprintf(b, "| %s |", escapeCell(name))
		for _, c := range row.Cells {
			fmt.Fprintf(b, " %s |", emphasize(c))
		}
		b.WriteString("\n")
	}
	groups := view.GroupVerdicts(r)
	for i := range groups {
		if i == 0 {
			b.WriteString("\n")
		}
		if i == maxVerdictItems || b.Len() > maxComment/2 {
			fmt.Fprintf(b, "- %s: onward verify lists them\n", prose.CountNoun(len(groups)-i, "more verdict"))
			break
		}
		d := &groups[i]
		made := ""
		if d.MadeValues && len(d.Values) > 0 {
			made = " with " + codeSpan(view.CutText(view.JoinValues(d.Verdict), maxCell))
		}
		fmt.Fprintf(b, "- %s, %s, %s: %s %s%s (%s)\n", codeSpan(view.NamePoint(&d.After)),
			escapeProse(view.NameCode(d.Code)), escapeProse(escape.Line(string(d.Kind))),
			escapeProse(view.CutText(view.DescribeFailure(d.Verdict), maxCell)), codeSpan(view.CutText(escape.Line(d.Query), maxCell)), made,
			escapeProse(view.CutText(d.DescribeSenders(), maxCell)))
	}
	if v.Order != "" {
		fmt.Fprintf(b, "\n%s\n", escapeProse(escape.Line(v.Order)))
	}
	list, more := prose.TakeFirst(view.ListPhases(r), maxMatrixRows)
	for i, p := range list {
		if i == 0 {
			b.WriteString("\n")
		}
		fmt.Fprintf(b, "- %s: %s\n", codeSpan(p.Path), escapeProse(p.Advice))
	}
	if more > 0 {
		fmt.Fprintf(b, "- %s\n", prose.CountNoun(more, "more migration"))
	}
	writeQueryUsers(b, v)
	writeWaits(b, r)
	writeDeprecated(b, v)
	writeAskedQueries(b, v)
	for _, n := range v.Notes {
		fmt.Fprintf(b, "\n%s\n", escapeProse(view.CutText(escape.Line(n), 2*maxCell)))
	}
}

// writeWaits returns the locks that most of the recorded calls wait for.
func writeWaits(b *strings.Builder, r *onward.Report) {
	list, _ := prose.TakeFirst(view.ListWaits(r), maxVerdictItems)
	for i, w := range list {
		if i == 0 {
			b.WriteString("\n")
		}
		fmt.Fprintf(b, "- %s %s\n", codeSpan(w.Place), escapeProse(w.Words))
	}
}

func emphasize(c view.MatrixCell) string {
	if c.Severity == onward.Error {
		return "**" + c.Words + "**"
	}
	return c.Words
}
