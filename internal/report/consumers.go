package report

import (
	"fmt"
	"strings"

	"github.com/onward-sql/onward/onward"
)

// consumerWords say what a release does to the queries of one program.
func consumerWords(c *onward.VerifiedConsumer) string {
	var parts []string
	if c.Broken > 0 {
		parts = append(parts, fmt.Sprintf("%d of %s %s", c.Broken, CountNoun(c.Queries, "query"), chooseVerb(c.Broken, "breaks", "break")))
	}
	if c.Warned > 0 {
		parts = append(parts, CountNoun(c.Warned, "warning"))
	}
	if c.NotJudged > 0 {
		parts = append(parts, fmt.Sprintf("%d not judged", c.NotJudged))
	}
	if c.Broken == 0 {
		parts = append([]string{CountNoun(c.Queries, "query")}, parts...)
	}
	if c.Broken+c.Warned+c.NotJudged == 0 {
		parts = append(parts, "ok")
	}
	return strings.Join(parts, ", ")
}

// consumerName names a program, and its code if it is the new one.
func consumerName(c *onward.VerifiedConsumer) string {
	if c.Code == onward.NewCode {
		return EscapeLine(c.Consumer) + " (new code)"
	}
	return EscapeLine(c.Consumer)
}

// consumers prints what breaks for each program that uses the database.
func (t *terminal) consumers() {
	list := t.report.Verification.Consumers
	if len(list) == 0 {
		return
	}
	t.addHeading("programs that use the database")
	for i := range list {
		c := &list[i]
		style := t.ordinaryStyle()
		switch {
		case c.Broken > 0:
			style = t.Severity(onward.Error)
		case c.Warned > 0:
			style = t.Severity(onward.Warning)
		}
		t.addWrapped("  ", "    ", consumerName(c)+": "+consumerWords(c), style)
	}
}

// consumersInMarkdown prints them as a list.
func consumersInMarkdown(b *strings.Builder, v *onward.Verification) {
	for i := range v.Consumers {
		if i == 0 {
			b.WriteString("\nPrograms that use the database:\n\n")
		}
		c := &v.Consumers[i]
		fmt.Fprintf(b, "- %s: %s\n", escapeProse(cutText(consumerName(c), maxCell)), escapeProse(consumerWords(c)))
	}
}

// consumersInHTML returns them for the page.
func consumersInHTML(v *onward.Verification) []htmlFact {
	var out []htmlFact
	for i := range v.Consumers {
		out = append(out, htmlFact{consumerName(&v.Consumers[i]), consumerWords(&v.Consumers[i])})
	}
	return out
}
