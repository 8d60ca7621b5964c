package markdown

import (
	"fmt"
	"strings"

	"github.com/onward-sql/onward/internal/prose"
	"github.com/onward-sql/onward/internal/report/view"
	"github.com/onward-sql/onward/onward"
)

// writeQueryUsers writes the programs that use the database, as a list.
func writeQueryUsers(b *strings.Builder, v *onward.Verification) {
	for i, u := range view.ListQueryUsers(v) {
		if i == 0 {
			b.WriteString("\nPrograms that use the database:\n\n")
		}
		fmt.Fprintf(b, "- %s: %s\n", escapeProse(view.CutText(u.Name, maxCell)), escapeProse(u.Words))
	}
}

// writeDeprecated writes the columns that will be dropped soon, as a list.
func writeDeprecated(b *strings.Builder, v *onward.Verification) {
	list, more := prose.TakeFirst(view.ListExpiringColumns(v), maxVerdictItems)
	for i, d := range list {
		if i == 0 {
			b.WriteString("\nDeprecated columns:\n\n")
		}
		fmt.Fprintf(b, "- %s: %s\n", escapeProse(d.Name), escapeProse(view.CutText(d.Words, maxCell)))
	}
	if more > 0 {
		fmt.Fprintf(b, "- %d more\n", more)
	}
}

// writeAskedQueries writes the findings about the queries themselves, as a list.
func writeAskedQueries(b *strings.Builder, v *onward.Verification) {
	list, rest := view.ListAskedQueries(v)
	for i, q := range list {
		if i == 0 {
			b.WriteString("\nHow the recorded code asks:\n\n")
		}
		fmt.Fprintf(b, "- %s: %s %s\n", q.Severity, escapeProse(view.CutText(q.Words, 2*maxCell)), codeSpan(view.CutText(q.SQL, maxCell)))
	}
	if rest != "" {
		fmt.Fprintf(b, "- %s\n", rest)
	}
}
