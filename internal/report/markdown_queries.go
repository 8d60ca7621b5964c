package report

import (
	"fmt"
	"strings"

	"github.com/onward-sql/onward/internal/prose"
	"github.com/onward-sql/onward/onward"
)

// writeQueryUsers writes the programs that use the database, as a list.
func writeQueryUsers(b *strings.Builder, v *onward.Verification) {
	for i, u := range listQueryUsers(v) {
		if i == 0 {
			b.WriteString("\nPrograms that use the database:\n\n")
		}
		fmt.Fprintf(b, "- %s: %s\n", escapeProse(cutText(u.name, maxCell)), escapeProse(u.words))
	}
}

// writeDeprecated writes the columns that will be dropped soon, as a list.
func writeDeprecated(b *strings.Builder, v *onward.Verification) {
	list, more := prose.TakeFirst(listDeprecatedUses(v), maxVerdictItems)
	for i, d := range list {
		if i == 0 {
			b.WriteString("\nDeprecated columns:\n\n")
		}
		fmt.Fprintf(b, "- %s: %s\n", escapeProse(d.name), escapeProse(cutText(d.words, maxCell)))
	}
	if more > 0 {
		fmt.Fprintf(b, "- %d more\n", more)
	}
}

// writeAskedQueries writes the findings about the queries themselves, as a list.
func writeAskedQueries(b *strings.Builder, v *onward.Verification) {
	list, rest := listAskedQueries(v)
	for i, q := range list {
		if i == 0 {
			b.WriteString("\nHow the recorded code asks:\n\n")
		}
		fmt.Fprintf(b, "- %s: %s %s\n", q.severity, escapeProse(cutText(q.words, 2*maxCell)), codeSpan(cutText(q.sql, maxCell)))
	}
	if rest != "" {
		fmt.Fprintf(b, "- %s\n", rest)
	}
}
