package main

import (
	"context"
	"fmt"
	"strings"
)

// makeAccidents makes the page of what happened to others.
func makeAccidents(ctx context.Context) (string, error) {
	list, err := readExamples("accidents")
	if err != nil {
		return "", err
	}
	var b strings.Builder
	b.WriteString("# Accidents\n\nWhat happened to others, as they told it, and what onward says to the same change. " +
		"It says it of the migration alone: no database is asked, " +
		"and it does not know how big the table is. The words are ours, and the facts are from the linked reports. " +
		"None of them prints its SQL: the statements are the least that does what it tells, with names of ours.\n")
	for _, x := range list {
		output, r, err := x.runChangelog(ctx, x.fresh)
		if err != nil {
			return "", fmt.Errorf("%s: %w", x.head["title"], err)
		}
		if len(r.Findings) == 0 {
			return "", fmt.Errorf("%s: nothing is found", x.head["title"])
		}
		fmt.Fprintf(&b, "\n## %s\n\n%s. [Their report](%s).\n\n%s\n\n", x.head["title"], x.head["who"], x.head["source"], x.prose)
		if code, ok := x.beside["app.ts"]; ok {
			fmt.Fprintf(&b, "```ts\n%s```\n\n", code)
		}
		fmt.Fprintf(&b, "%s`onward changelog` says:\n\n%s\nThe rules:", formatFiles(x.fresh, false), output)
		var seen []string
		for _, f := range r.Findings {
			if link := fmt.Sprintf(" [%s](rules/%[1]s.md)", f.Rule); !strings.Contains(strings.Join(seen, ""), link) {
				seen = append(seen, link)
			}
		}
		b.WriteString(strings.Join(seen, ",") + ".\n")
	}
	return b.String(), nil
}
