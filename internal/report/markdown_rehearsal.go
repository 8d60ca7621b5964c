package report

import (
	"fmt"
	"strings"

	"github.com/onward-sql/onward/onward"
)

// Bounds of the comment's section on the rehearsal.
const (
	maxStallItems = 5
	maxErrorItems = 5
)

// rehearsedInMarkdown prints the section on the rehearsal: who waited longest, what
// failed, where the model was wrong.
func rehearsedInMarkdown(b *strings.Builder, r *onward.Report) {
	if len(r.Rehearsals) == 0 {
		return
	}
	run := &r.Rehearsals[0]
	var items []string
	failed := 0
	for i := range run.Statements {
		f := run.Statements[i].Failed
		if f == nil {
			continue
		}
		if failed++; failed <= maxErrorItems {
			items = append(items, fmt.Sprintf("%s failed: %s", codeSpan(shortPlace(r, run, i)), escapeProse(cutText(errorWords(f), maxCell))))
		}
	}
	if failed > maxErrorItems {
		items = append(items, CountNoun(failed-maxErrorItems, "more failure"))
	}
	stalls := worstStalls(run.Traffic)
	for i := range stalls {
		s := &stalls[i]
		if i == maxStallItems {
			items = append(items, CountNoun(len(stalls)-i, "shorter stall"))
			break
		}
		text := fmt.Sprintf("%s: %s on %s waited", FormatMillis(s.UntilMS-s.FromMS), describeStall(s), codeSpan(shortRelation(s.Relation)))
		if i == 0 {
			text = "worst stall " + text
		}
		if _, st := statementAt(r, run, s.Statement); st != nil {
			text += fmt.Sprintf(" for %s (%s)", codeSpan(cutToWidth(EscapeLine(st.SQL), 80)), codeSpan(shortPlace(r, run, s.Statement)))
		}
		items = append(items, text)
	}
	if run.Traffic != nil && len(stalls) == 0 {
		items = append(items, fmt.Sprintf("no query waited: %s, the slowest %s", countQueries(run.Traffic.Queries), FormatMillis(run.Traffic.WorstMS)))
	}
	items = append(items, waitersInMarkdown(r, run)...)
	items = append(items, refusedInMarkdown(r, run)...)
	items = append(items, differencesInMarkdown(r)...)
	for i := 1; i < len(r.Rehearsals); i++ {
		items = append(items, escapeProse("also on "+nameServer(&r.Rehearsals[i])+": "+outcomeOf(&r.Rehearsals[i])))
	}
	fmt.Fprintf(b, "\nRehearsed on %s (%s):\n\n", escapeProse(nameServer(run)), escapeProse(describeData(run)))
	if len(items) == 0 {
		items = []string{fmt.Sprintf("%s in %s, no failure", CountNoun(len(run.Statements), "statement"), FormatMillis(run.DurationMS))}
	}
	for _, item := range items {
		fmt.Fprintf(b, "- %s\n", item)
	}
}

// refusedInMarkdown returns the queries that started failing during the release.
func refusedInMarkdown(r *onward.Report, run *onward.Rehearsal) []string {
	var items []string
	list := groupRefusals(run.Traffic)
	for i := range list {
		f := &list[i]
		if i == maxErrorItems {
			more := 0
			for _, f := range list[i:] {
				more += f.queries
			}
			return append(items, CountNoun(more, "more query")+" started failing")
		}
		text := fmt.Sprintf("%s started failing", codeSpan(cutText(shortenQuery(EscapeLine(f.Query), maxCell), maxCell)))
		if f.queries > 1 {
			text = fmt.Sprintf("%d queries such as %s", f.queries, text)
		}
		if place := shortPlace(r, run, failedStatement(f.TrafficFailure)); place != "" {
			text += " behind " + codeSpan(place)
		}
		if f.Sender != "" {
			text += " (sent by " + escapeProse(cutText(EscapeLine(f.Sender), maxCell)) + ")"
		}
		items = append(items, fmt.Sprintf("%s: %s", text, escapeProse(cutText(errorWords(&f.Error), maxCell))))
	}
	return items
}

// differencesInMarkdown returns where the model was wrong.
func differencesInMarkdown(r *onward.Report) []string {
	var items []string
	wrong := 0
	for i := range r.Rehearsals {
		for j := range r.Rehearsals[i].Differences {
			if wrong++; wrong <= maxErrorItems {
				items = append(items, escapeProse(cutText(differenceWords(r, &r.Rehearsals[i], &r.Rehearsals[i].Differences[j]), maxCell)))
			}
		}
	}
	if wrong > maxErrorItems {
		items = append(items, CountNoun(wrong-maxErrorItems, "more difference"))
	}
	return items
}
