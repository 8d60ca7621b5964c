package report

import (
	"fmt"
	"strings"

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
	shown, hidden, rows := pointsShown(r), 0, 0
	for i := range v.Points {
		if !shown[i] || rows == maxMatrixRows && i < len(v.Points)-1 {
			hidden++
			continue
		}
		if hidden > 0 {
			fmt.Fprintf(b, "| %s more | | |\n", CountNoun(hidden, "commit point"))
			hidden = 0
		}
		rows++
		name := codeSpan(rowName(r, i))
		if v.Points[i].Window {
			name += " (deploy window)"
		}
		old, how := cellWords(r, onward.OldCode, i)
		fresh, newHow := cellWords(r, onward.NewCode, i)
		fmt.Fprintf(b, "| %s | %s | %s |\n", escapeCell(name), emphasize(old, how), emphasize(fresh, newHow))
	}
	groups := groupVerdicts(r)
	for i := range groups {
		if i == 0 {
			b.WriteString("\n")
		}
		if i == maxVerdictItems || b.Len() > maxComment/2 {
			fmt.Fprintf(b, "- %s: onward verify lists them\n", CountNoun(len(groups)-i, "more verdict"))
			break
		}
		d := &groups[i]
		fmt.Fprintf(b, "- %s, %s, %s: %s %s (%s)\n", codeSpan(pointName(&d.After)), codeWords(d.Code), escapeProse(EscapeLine(string(d.Kind))), escapeProse(cutText(verdictHead(d.Verdict), maxCell)), codeSpan(cutText(EscapeLine(d.Query), maxCell)), escapeProse(cutText(d.describeSenders(), maxCell)))
	}
	if v.Order != "" {
		fmt.Fprintf(b, "\n%s\n", escapeProse(EscapeLine(v.Order)))
	}
	for i, p := range v.Phases {
		if i == 0 {
			b.WriteString("\n")
		}
		if i == maxMatrixRows {
			fmt.Fprintf(b, "- %s\n", CountNoun(len(v.Phases)-i, "more migration"))
			break
		}
		if p.Migration < len(r.Migrations) {
			fmt.Fprintf(b, "- %s: %s\n", codeSpan(r.Migrations[p.Migration].Path), escapeProse(EscapeLine(p.Advice)))
		}
	}
	consumersInMarkdown(b, v)
	waitsInMarkdown(b, r)
	asksInMarkdown(b, v)
	for _, n := range v.Notes {
		fmt.Fprintf(b, "\n%s\n", escapeProse(cutText(EscapeLine(n), 2*maxCell)))
	}
}

// waitsInMarkdown returns the locks that most of the recorded calls wait for.
func waitsInMarkdown(b *strings.Builder, r *onward.Report) {
	n := 0
	for i := range r.Migrations {
		for _, s := range r.Migrations[i].Statements {
			if s.Waiting == nil || n == maxVerdictItems {
				continue
			}
			if n++; n == 1 {
				b.WriteString("\n")
			}
			fmt.Fprintf(b, "- %s %s\n", codeSpan(fmt.Sprintf("%s:%d", ShortName(r.Migrations[i].Path), s.Line)), escapeProse(waitingWords(s.Waiting)))
		}
	}
}

func emphasize(words string, s onward.Severity) string {
	if s == onward.Error {
		return "**" + words + "**"
	}
	return words
}
