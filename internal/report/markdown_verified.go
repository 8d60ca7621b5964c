package report

import (
	"fmt"
	"strings"

	"github.com/onward-sql/onward/internal/prose"
	"github.com/onward-sql/onward/onward"
)

// Bounds of the comment's section on recorded queries.
const (
	maxMatrixRows   = 40
	maxVerdictItems = 20
)

// verifiedInMarkdown prints the section on recorded queries: the matrix, what breaks, and
// the phase of each migration.
func verifiedInMarkdown(b *strings.Builder, r *onward.Report) {
	v := r.Verification
	if v == nil {
		return
	}
	fmt.Fprintf(b, "\nQueries at each commit point (%s):\n\n| commit point | old code | new code |\n| --- | --- | --- |\n",
		escapeProse(strings.Join(verifiedCounts(r), "; ")))
	for _, row := range buildMatrix(r, false, maxMatrixRows) {
		if row.hidden > 0 {
			fmt.Fprintf(b, "| %s more | | |\n", prose.CountNoun(row.hidden, "commit point"))
			continue
		}
		name := codeSpan(row.name)
		if row.window {
			name += " (deploy window)"
		}
		fmt.Fprintf(b, "| %s | %s | %s |\n", escapeCell(name), emphasize(row.old), emphasize(row.new))
	}
	groups := groupVerdicts(r)
	for i := range groups {
		if i == 0 {
			b.WriteString("\n")
		}
		if i == maxVerdictItems || b.Len() > maxComment/2 {
			fmt.Fprintf(b, "- %s: onward verify lists them\n", prose.CountNoun(len(groups)-i, "more verdict"))
			break
		}
		d := &groups[i]
		fmt.Fprintf(b, "- %s, %s, %s: %s %s (%s)\n", codeSpan(pointName(&d.After)), codeWords(d.Code), escapeProse(EscapeLine(string(d.Kind))),
			escapeProse(cutText(verdictHead(d.Verdict), maxCell)), codeSpan(cutText(EscapeLine(d.Query), maxCell)), escapeProse(cutText(d.describeSenders(), maxCell)))
	}
	if v.Order != "" {
		fmt.Fprintf(b, "\n%s\n", escapeProse(EscapeLine(v.Order)))
	}
	list, more := prose.TakeFirst(listPhases(r), maxMatrixRows)
	for i, p := range list {
		if i == 0 {
			b.WriteString("\n")
		}
		fmt.Fprintf(b, "- %s: %s\n", codeSpan(p.path), escapeProse(p.advice))
	}
	if more > 0 {
		fmt.Fprintf(b, "- %s\n", prose.CountNoun(more, "more migration"))
	}
	writeQueryUsers(b, v)
	waitsInMarkdown(b, r)
	writeDeprecated(b, v)
	writeAskedQueries(b, v)
	for _, n := range v.Notes {
		fmt.Fprintf(b, "\n%s\n", escapeProse(cutText(EscapeLine(n), 2*maxCell)))
	}
}

// waitsInMarkdown returns the locks that most of the recorded calls wait for.
func waitsInMarkdown(b *strings.Builder, r *onward.Report) {
	list, _ := prose.TakeFirst(listWaits(r), maxVerdictItems)
	for i, w := range list {
		if i == 0 {
			b.WriteString("\n")
		}
		fmt.Fprintf(b, "- %s %s\n", codeSpan(w.place), escapeProse(w.words))
	}
}

func emphasize(c matrixCell) string {
	if c.severity == onward.Error {
		return "**" + c.words + "**"
	}
	return c.words
}
